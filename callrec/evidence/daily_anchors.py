"""Makes an anchor each day, and looks whether the custody log still fits the last ones. A thread of the
controller, beside calls: it waits for bucket and database, and nothing waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from callrec.archive.retry_schedule import problem_of
from callrec.backoff import Backoff
from callrec.errors import CallrecError, Sentence, Unreachable
from callrec.evidence.anchor import AnchorReason
from callrec.evidence.anchorer import Anchorer
from callrec.evidence.anchors import day_of
from callrec.worker import Worker

log = structlog.get_logger()

LOOK_SECONDS = 30.0
"""How often it is looked whether there is a new day."""
BACKOFF = Backoff(5.0, 600.0)
COMPARED_EACH = timedelta(hours=1)
OVERDUE_AFTER = timedelta(days=1)


class DailyAnchors(Worker):
    """Makes the first anchor of each day of the office, as soon as the day begins or the bucket answers."""

    def __init__(
        self, anchorer: Callable[[], Anchorer], who: str, clock: Callable[[], datetime], zone: ZoneInfo
    ) -> None:
        self._anchorer, self._who, self._clock, self._zone = anchorer, who, clock, zone
        self._due_since, self._compared = clock(), clock() - COMPARED_EACH
        self._failures, self._why, self._broken = 0, Sentence(""), ""
        self._urgent = False
        super().__init__(self.work, self._pause)

    def problems(self) -> list[str]:
        """Returns why there is no anchor, once that is overdue or a person has to see to it, and whether the
        log is another one than the anchors have; in the language of this process."""
        found = list[Sentence]()
        if self._failures and (self._urgent or self._clock() - self._due_since > OVERDUE_AFTER):
            since = f"{self._due_since.astimezone(self._zone):%Y-%m-%d %H:%M}"
            text = "since {time} no anchor of the custody log could be made: {problem}"
            found.append(Sentence(text, time=since, problem=self._why))
        if self._broken:
            text = "the custody log is not the one that {anchor} has: see callrec custody verify"
            found.append(Sentence(text, anchor=self._broken))
        return [each.shown() for each in found]

    def work(self) -> None:
        """Makes the anchor of today where there is none, and compares the last ones. Raises nothing."""
        now = self._clock()
        if now < self._due_since and now - self._compared < COMPARED_EACH:
            return
        try:
            self._make(now)
        except Exception as error:
            self._failed(error)
        else:
            self._failures = 0

    def _make(self, now: datetime) -> None:
        anchorer = self._anchorer()
        self._broken = anchorer.broken_lately()
        self._compared = now
        newest = anchorer.log.newest()
        made_at = newest.believed.made_at if newest else None
        if made_at is None or day_of(made_at, self._zone) != day_of(now, self._zone):
            self._due_since = self._after(made_at) if made_at and made_at < now else self._due_since
            made_at = anchorer.anchor(AnchorReason.DAILY, self._who, now).believed.made_at
            log.info("the custody log is anchored", at=made_at.isoformat())
        self._due_since = self._after(now)

    def _after(self, moment: datetime) -> datetime:
        """Returns when the day after that of a moment begins in the office."""
        day = day_of(moment, self._zone) + timedelta(days=1)
        return datetime.combine(day, time(), self._zone)

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, (CallrecError, OSError)):
            log.exception("a bug: please report it", what="anchor")
        self._failures += 1
        self._urgent = not isinstance(error, (Unreachable, OSError))
        self._why = Sentence("{problem}", problem=problem_of(error))
        log.warning("the custody log is not anchored yet", problem=problem_of(error), attempt=self._failures)

    def _pause(self) -> float:
        return BACKOFF.after(self._failures - 1) if self._failures else LOOK_SECONDS
