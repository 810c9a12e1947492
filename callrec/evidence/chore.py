"""Keeps when something is to be done next, how often it failed, and since when it is overdue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from callrec.archive.retry_schedule import problem_of
from callrec.backoff import Backoff
from callrec.errors import CallrecError, Sentence, Unreachable

log = structlog.get_logger()

BACKOFF = Backoff(timedelta(seconds=5), timedelta(minutes=10))
OVERDUE_AFTER = timedelta(days=1)


@dataclass(slots=True)
class Chore:
    """Something to be done again and again. `said` tells people that it could not be: it has places for the
    time since when it is due, and for the problem. `due` is when to try next."""

    said: Sentence
    since: datetime
    due: datetime = field(init=False)
    failures: int = 0
    _urgent: bool = False
    _why: str | Sentence = ""

    def __post_init__(self) -> None:
        self.due = self.since

    def attempt(self, now: datetime, step: Callable[[], datetime]) -> None:
        """Does it, where it is due. `step` returns when it is to be done next; what it raises is noted, and
        tried again later."""
        if now < self.due:
            return
        try:
            self.due = self.since = step()
        except Exception as error:
            self._failed(error, now)
        else:
            self.failures = 0

    def problem(self, now: datetime, zone: ZoneInfo) -> Sentence | None:
        """Returns why it is not done: at once where a person has to see to it, else once it is overdue."""
        if not self.failures or not (self._urgent or now - self.since > OVERDUE_AFTER):
            return None
        return Sentence(
            self.said.template, time=f"{self.since.astimezone(zone):%Y-%m-%d %H:%M}", problem=self._why
        )

    def _failed(self, error: Exception, now: datetime) -> None:
        if not isinstance(error, (CallrecError, OSError)):
            log.exception("a bug: please report it", what=self.said.template)
        self.due = now + BACKOFF.after(self.failures)
        self.failures += 1
        self._urgent = not isinstance(error, (Unreachable, OSError))
        self._why = problem_of(error)
        log.warning("not done yet", what=self.said.template, problem=str(self._why), attempt=self.failures)
