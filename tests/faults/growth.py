"""What a process holds: memory, threads and descriptors. What it holds at rest must not grow with calls."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from itertools import groupby
from statistics import median

import psutil

WARM_UP = 2
"""How many rounds a process has to load what it needs."""
ENOUGH = 9
"""Of fewer rounds nothing is said."""
MORE_MEMORY, MORE = 0.25, 4
"""How much more there may be in the last third than in the first: a share of memory; threads, descriptors."""


@dataclass(frozen=True)
class Held:
    """What one process held at one moment, at rest."""

    name: str
    pid: int
    megabytes: float
    threads: int
    descriptors: int


def held(name: str, pid: int) -> Held:
    process = psutil.Process(pid)
    megabytes = round(process.memory_info().rss / 1e6, 1)
    return Held(name, pid, megabytes, process.num_threads(), process.num_fds())


def growth(seen: list[Held]) -> list[str]:
    """Returns what grew in the life of a process, each in one line; a process started anew is another one."""
    by_life = sorted(seen, key=lambda each: (each.name, each.pid))  # stable: in order of time
    lives = [list(life) for _, life in groupby(by_life, key=lambda each: (each.name, each.pid))]
    return [told for life in lives if len(life) >= ENOUGH for told in _grown(life[WARM_UP:])]


def _grown(life: list[Held]) -> list[str]:
    third = len(life) // 3
    names = ("megabytes", "threads", "descriptors")
    first, last = (
        [median(values) for values in zip(*(astuple(each)[2:] for each in part), strict=True)]
        for part in (life[:third], life[-third:])
    )
    bounds = (first[0] * (1 + MORE_MEMORY), first[1] + MORE, first[2] + MORE)
    return [
        f"{life[0].name}: {name} grew from {before:g} to {after:g} in {len(life)} rounds"
        for name, before, after, bound in zip(names, first, last, bounds, strict=True)
        if after > bound
    ]
