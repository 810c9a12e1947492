"""Time as the simulation has it: steps that are due in order, and nothing waits."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.unit.samples import START

Step = Callable[[], None]


class Timeline:
    """Steps in the order in which they are due. Moments are seconds from the beginning."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Step]] = []
        self._count = itertools.count()
        self.steps = 0

    @property
    def clock(self) -> datetime:
        """The moment as a date, by the PBX's clock."""
        return moment(self.now)

    def after(self, seconds: float, step: Step) -> None:
        """Takes a step so many seconds from now."""
        heapq.heappush(self._due, (self.now + seconds, next(self._count), step))

    def run_until(self, end: float) -> None:
        """Takes all steps that are due before `end`, also those that are added meanwhile."""
        while self._due and self._due[0][0] <= end:
            self.now, _, step = heapq.heappop(self._due)
            self.steps += 1
            step()
        self.now = end


def moment(seconds: float) -> datetime:
    """Returns a moment of the simulation as a date."""
    return START + timedelta(seconds=seconds)


def seconds(at: datetime) -> float:
    """Returns a date as a moment of the simulation."""
    return (at - START).total_seconds()
