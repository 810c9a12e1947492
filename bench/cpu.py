"""Counts the CPU seconds of processes, with those of their children, apart from what they use while idle."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
Seconds = dict[str, float]
"""CPU seconds, by the name of the process."""


def used(pids: Mapping[str, int]) -> Seconds:
    """Returns what each process has used until now, its own and that of its children that have ended."""
    return {name: _used(pid) for name, pid in pids.items()}


class Meter:
    """Tells what processes use over what they use when nobody calls."""

    def __init__(self, pids: Mapping[str, int], idle_seconds: float) -> None:
        """Looks for so long at what they use while they are idle."""
        self.pids = pids
        begin, before = time.monotonic(), used(pids)
        time.sleep(idle_seconds)
        took = time.monotonic() - begin
        self.idle = {name: (now - before[name]) / took for name, now in used(pids).items()}
        """CPU seconds a second."""
        self.begin()

    def begin(self) -> None:
        """Counts from now on."""
        self._began, self._before = time.monotonic(), used(self.pids)

    def read(self) -> Seconds:
        """Returns what was used since `begin`, without what would have been used anyway."""
        took = time.monotonic() - self._began
        now = used(self.pids)
        return {name: now[name] - self._before[name] - self.idle[name] * took for name in now}


def _used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(each) for each in fields[11:15]) / TICKS
