"""Looks each minute at what a person has to see to after calls, for who is told of the recorder's illness.

`callrec status` looks for itself, within the reach of who asks. A thread of the controller: the database may
take its time, or be away; then what was found before stands.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from callrec.catalogue import custody
from callrec.catalogue.database import Database
from callrec.errors import CallrecError, CatalogueDamaged, Sentence
from callrec.lifecycle.concerns import concerns
from callrec.model.access import EVERYWHERE
from callrec.problems import Problem, Problems
from callrec.spool.flaws import Flaws
from callrec.wording import FLAWS
from callrec.worker import Worker

LOOK_SECONDS = 60.0


class AfterCalls(Worker):
    """Keeps the flaws of calls, what is overdue, and where the custody log stands."""

    def __init__(self, database: Database, flaws: Flaws, now: Callable[[], datetime], zone: ZoneInfo) -> None:
        self._database, self._flaws, self._now, self._zone = database, flaws, now, zone
        self._found = Problems(now)
        self.custody_head: int | None = None
        """The number of the newest row of the custody log; None before it was seen."""
        super().__init__(self.work, lambda: LOOK_SECONDS)

    def work(self) -> None:
        """Looks once. A database that is away is told of by those who need it; whatever else cannot be looked
        at is a problem, and raises nothing: calls are recorded all the same."""
        self._found.attempt("look at flaws", self._look_at_flaws)
        self._found.attempt("look after calls", self._look_after_calls)

    def _look_at_flaws(self) -> None:
        told = [
            Sentence(FLAWS[flaw], count=len(calls), call=calls[-1])
            for flaw, calls in self._flaws.recent().items()
        ]
        self._found.take("calls of the last day", told)

    def _look_after_calls(self) -> None:
        try:
            with self._database.read() as connection:
                self.custody_head, _ = custody.head(connection)
                late = concerns(connection, self._now().astimezone(self._zone), EVERYWHERE)
        except CatalogueDamaged:
            raise
        except CallrecError:
            return
        self._found.take("after calls", late)

    def all(self) -> list[Problem]:
        """Returns what was found at the last look."""
        return self._found.all()
