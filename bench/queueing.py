"""Queues by simulation: how many are served at once, and how long each waits. Seconds throughout.

`tests/unit/test_queueing.py` compares them with what Erlang has found for the simple cases.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]


def poisson(dice: np.random.Generator, rate: float, seconds: float) -> Seconds:
    """Returns the moments, in order, of what comes at random, so often a second, within so many seconds."""
    return np.sort(dice.uniform(0.0, seconds, dice.poisson(rate * seconds)))


def lengths(dice: np.random.Generator, count: int, mean: float, spread: float) -> Seconds:
    """Returns how long so many calls last: log-normal, `spread` being that of the logarithm."""
    return dice.lognormal(np.log(mean) - spread**2 / 2, spread, count)


def at_once(begins: Seconds, took: Seconds) -> int:
    """Returns how many were under way at the highest."""
    moments = np.concatenate([begins, begins + took])
    steps = np.concatenate([np.ones(len(begins)), -np.ones(len(begins))])
    return int(np.cumsum(steps[np.argsort(moments, kind="stable")]).max())


def waits(arrivals: Seconds, services: Seconds, servers: int) -> Seconds:
    """Returns how long each waited until one of the servers was free, in the order in which they came."""
    free = [0.0] * servers
    waited = np.zeros(len(arrivals))
    for number, (came, takes) in enumerate(zip(arrivals, services, strict=True)):
        begins = max(came, free[0])
        waited[number] = begins - came
        heapq.heapreplace(free, begins + takes)
    return waited


def lost(arrivals: Seconds, services: Seconds, lines: int) -> int:
    """Returns how many found all lines busy, and went away."""
    busy: list[float] = []
    count = 0
    for came, takes in zip(arrivals, services, strict=True):
        while busy and busy[0] <= came:
            heapq.heappop(busy)
        if len(busy) < lines:
            heapq.heappush(busy, came + takes)
        else:
            count += 1
    return count


def erlang_b(erlangs: float, lines: int) -> float:
    """Returns the share of calls that find all lines busy."""
    blocked = 1.0
    for line in range(1, lines + 1):
        blocked = erlangs * blocked / (line + erlangs * blocked)
    return blocked


def lines_for(erlangs: float, loss: float) -> int:
    """Returns how many lines it takes for no more calls to be lost."""
    blocked, lines = 1.0, 0
    while blocked > loss:
        lines += 1
        blocked = erlangs * blocked / (lines + erlangs * blocked)
    return lines
