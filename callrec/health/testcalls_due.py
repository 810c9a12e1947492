"""Tells of test calls that failed, and of those that nobody makes any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from callrec.errors import Sentence
from callrec.health.testcalls import TestCallResult, results

WITHIN = timedelta(hours=26)
"""How often one has to go well, where they are made at all: each morning, and some time for it."""


class TestCallsDue:
    """Reads how the latest test call of each facility went. Nothing is told before the first."""

    __test__ = False  # pytest collects what is named so

    def __init__(self, spool: Path, now: Callable[[], datetime]) -> None:
        self._spool, self._now = spool, now

    def problems(self) -> list[Sentence]:
        """Returns which failed, and which are overdue."""
        return [told for each in results(self._spool) if (told := self._problem(each))]

    def _problem(self, result: TestCallResult) -> Sentence | None:
        facility = result.facility or "—"
        if not result.ok:
            return Sentence(
                "the test call of facility {facility} failed: {problem}",
                facility=facility,
                problem=result.problem,
            )
        if result.at + WITHIN < self._now():
            return Sentence(
                "facility {facility} has had no test call since {moment}: see the timer of callrec testcall",
                facility=facility,
                moment=f"{result.at:%Y-%m-%d %H:%M %Z}",
            )
        return None
