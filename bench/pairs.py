"""Measures ways to do the same thing side by side, in turn, so that what else the machine does falls on all.

What is compared stands in one run: a ratio of two runs on two days says more of the days than of the ways.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")

ROUNDS = 5
"""How often each way is measured at least."""


def in_turn(
    ways: Mapping[str, Callable[[], T]], rounds: int = ROUNDS, warm_up: int = 1
) -> dict[str, list[T]]:
    """Returns what each way returned, round by round.

    Every way has one turn a round; every second round goes backwards, so that none always follows the same
    one. What the rounds of the warm-up return is left out.
    """
    found: dict[str, list[T]] = {name: [] for name in ways}
    for number in range(warm_up + rounds):
        names = sorted(ways, key=list(ways).index, reverse=number % 2 == 1)
        for name in names:
            value = ways[name]()
            if number >= warm_up:
                found[name].append(value)
    return found


def by_round(of: Sequence[float], to: Sequence[float]) -> list[float]:
    """Returns the ratio of each round. Raises ValueError where one has more rounds than the other."""
    return [mine / theirs for mine, theirs in zip(of, to, strict=True)]


def seconds(step: Callable[[], object]) -> float:
    """Returns the seconds that a step takes, by the wall."""
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin
