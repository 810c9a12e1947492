"""Makes an anchor each day, has it stamped with the time, and looks whether the custody log still fits the
last ones. A thread of the controller, beside calls: it waits for bucket, database and authority, and nothing
waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from callrec.errors import Sentence
from callrec.evidence.anchor import AnchorReason
from callrec.evidence.anchorer import Anchorer
from callrec.evidence.anchors import day_of
from callrec.evidence.chore import Chore
from callrec.evidence.stamping import Stamper
from callrec.worker import Worker

log = structlog.get_logger()

LOOK_SECONDS = 5.0
"""How often it is looked whether something is due."""
EACH = timedelta(hours=1)
"""How often log and anchors are compared, and anchors looked for that have no time-stamp."""


class DailyAnchors(Worker):
    """Makes the first anchor of each day of the office, as soon as the day begins or the bucket answers."""

    def __init__(
        self,
        anchorer: Callable[[], Anchorer],
        stamper: Callable[[], Stamper | None],
        who: str,
        clock: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        """`stamper` gives None where there is no authority to ask."""
        self._make_anchorer, self._make_stamper = anchorer, stamper
        self._who, self._clock, self._zone = who, clock, zone
        now = self._seen = clock()
        self._comparing = Chore(
            Sentence("since {time} the custody log could not be compared with its anchors: {problem}"), now
        )
        self._anchoring = Chore(
            Sentence("since {time} no anchor of the custody log could be made: {problem}"), now
        )
        self._stamping = Chore(
            Sentence("since {time} anchors could not be stamped with the time: {problem}"), now
        )
        self._broken = ""
        super().__init__(self.work, lambda: LOOK_SECONDS)

    @property
    def _chores(self) -> tuple[Chore, ...]:
        return self._comparing, self._anchoring, self._stamping

    def problems(self) -> list[Sentence]:
        """Returns what could not be done, once that is overdue or a person has to see to it, and whether the
        log is another one than the anchors have."""
        told = [each.problem(self._clock(), self._zone) for each in self._chores]
        if self._broken:
            told.append(
                Sentence(
                    "the custody log is not the one that {anchor} has: see callrec custody verify",
                    anchor=self._broken,
                )
            )
        return [each for each in told if each]

    def work(self) -> None:
        """Does what is due. Raises nothing."""
        now = self._clock()
        if now < self._seen:  # the clock was set back: what is due by a time that was wrong would never be
            for each in self._chores:
                each.due = each.since = now
        self._seen = now
        self._comparing.attempt(now, lambda: self._compare(now))
        self._anchoring.attempt(now, lambda: self._anchor(now))
        self._stamping.attempt(now, lambda: self._stamp(now))

    def _compare(self, now: datetime) -> datetime:
        self._broken = self._make_anchorer().broken_lately()
        return now + EACH

    def _anchor(self, now: datetime) -> datetime:
        """Makes the anchor of today where there is none; returns when the next day begins."""
        anchorer = self._make_anchorer()
        newest = anchorer.log.newest()
        made_at = newest.believed.made_at if newest else None
        if made_at is None or day_of(made_at, self._zone) != day_of(now, self._zone):
            if made_at and made_at < now:
                self._anchoring.since = self._after(made_at)
            made = anchorer.anchor(AnchorReason.DAILY, self._who, now)
            self._stamping.due = min(self._stamping.due, now)
            log.info("the custody log is anchored", key=made.key)
        return self._after(now)

    def _stamp(self, now: datetime) -> datetime:
        if stamper := self._make_stamper():
            stamper.stamp()
            stamper.renew()
        return now + EACH

    def _after(self, moment: datetime) -> datetime:
        """Returns when the day after that of a moment begins in the office."""
        day = day_of(moment, self._zone) + timedelta(days=1)
        return datetime.combine(day, time(), self._zone)
