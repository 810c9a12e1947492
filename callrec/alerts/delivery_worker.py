"""Sends alerts by one way, on a thread of its own: a server that hangs delays no other way (decision 11).

It waits for no disk: what it knows is in memory, and what it did the alerter writes down. The alerter starts
it and books what it does. How an alert is put into words and sent is the way's matter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from callrec.alerts.ledger import Ledger
from callrec.backoff import Backoff
from callrec.errors import AlertNotSent
from callrec.meters import Meters
from callrec.model.alerts import Alert, AlertState, Delivery
from callrec.worker import Worker

log = structlog.get_logger()

BACKOFF = Backoff(1.0, 300.0)
"""Seconds between two tries."""
GIVEN_UP_AFTER = timedelta(hours=24)
"""Counted from the first try of this process: an alert that survived a power failure is tried like any
other."""
IDLE_SECONDS = 5.0


class Way(Protocol):
    """A way by which an alert can go out."""

    name: str

    def recipients(self, alert: Alert) -> Sequence[str]:
        """Returns who is told of this alert; one empty name where the way has only one recipient."""

    def send(self, alert: Alert, recipient: str) -> None:
        """Tells one of them. Raises AlertNotSent. Takes seconds, not minutes, whatever happens."""


class DeliveryWorker(Worker):
    """Sends the alerts that wait by one way; those that were never tried go first."""

    def __init__(
        self,
        way: Way,
        ledger: Ledger,
        tried: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`tried` is called after each try, sent or not. `clock` counts seconds, `now` is callrec's clock."""
        self.way, self._ledger, self._tried = way, ledger, tried
        self._clock, self._now = clock, now
        self._due: dict[tuple[str, str], float] = {}
        self.meters = Meters()
        self._since: dict[tuple[str, str], float] = {}
        super().__init__(self._work_safely, self._pause)

    def _work_safely(self) -> None:
        try:
            self.work()
        except Exception:
            log.exception("alerts cannot be sent", way=self.way.name)

    def work(self) -> None:
        """Tries what is due until nothing is. What was never tried goes first, also if it is new."""
        known = self._ledger.added  # before it is looked: one that comes meanwhile is new
        while ready := self._ready():
            for each in ready:
                if self.is_stopping:
                    return
                if self._ledger.has(each[0].id):
                    self._try(*each)
                if self._ledger.added != known:
                    break
            known = self._ledger.added

    def _ready(self) -> list[tuple[Alert, Delivery]]:
        """Returns what is due, in the order in which it is to be tried, and forgets what does not wait."""
        waiting = self.waiting()
        keys = {_key(*each) for each in waiting}
        self._due = {key: due for key, due in self._due.items() if key in keys}
        self._since = {key: since for key, since in self._since.items() if key in keys}
        ready = [each for each in waiting if self._due.get(_key(*each), 0.0) <= self._clock()]
        return sorted(ready, key=lambda each: (each[1].tries > 0, each[0].id))

    def deliveries(self, alert: Alert) -> list[Delivery]:
        """Returns how far an alert has come by this way, for each of its recipients."""
        return [
            self._ledger.delivery(alert.id, self.way.name, recipient)
            for recipient in self.way.recipients(alert)
        ]

    def waiting(self) -> list[tuple[Alert, Delivery]]:
        """Returns what is yet to be sent by this way, due or not."""
        every = [(alert, each) for alert in self._ledger.alerts() for each in self.deliveries(alert)]
        return [(alert, each) for alert, each in every if each.state is AlertState.WAITING]

    def _try(self, alert: Alert, delivery: Delivery) -> None:
        first_at = delivery.first_at or self._now()
        tried = replace(delivery, tries=delivery.tries + 1, first_at=first_at)
        problem = self._problem_of_sending(alert, delivery.recipient)
        self.meters.alert(self.way.name, sent=not problem)
        if not problem:
            tried = replace(tried, state=AlertState.SENT, sent_at=self._now(), problem="")
            log.info("alert sent", alert=alert.id, way=self.way.name, tries=tried.tries)
        else:
            over = self._tried_for(_key(alert, tried)) >= GIVEN_UP_AFTER.total_seconds()  # decision 11
            state = AlertState.GIVEN_UP if over else AlertState.WAITING
            tried = replace(tried, state=state, problem=problem)
            self._due[_key(alert, tried)] = self._clock() + BACKOFF.after(tried.tries - 1)
            log.warning(
                "alert not sent", alert=alert.id, way=self.way.name, tries=tried.tries, problem=problem
            )
        self._ledger.note(alert.id, tried)
        self._tried()

    def _tried_for(self, key: tuple[str, str]) -> float:
        """Returns for how many seconds this process has tried to send something. Dates do not count: a clock
        that is set must not give up a call for help at its second try."""
        return self._clock() - self._since.setdefault(key, self._clock())

    def _problem_of_sending(self, alert: Alert, recipient: str) -> str:
        """Sends an alert to one recipient. Returns why that failed, empty when it did not."""
        try:
            self.way.send(alert, recipient)
        except AlertNotSent as error:
            return error.shown()
        except Exception as error:
            log.exception("a bug: please report it", way=self.way.name)
            return type(error).__name__
        return ""

    def _pause(self) -> float:
        """Returns the seconds until the next try is due; IDLE_SECONDS at most."""
        due = [each - self._clock() for each in self._due.values()]
        return max(0.05, min([IDLE_SECONDS, *due]))


def _key(alert: Alert, delivery: Delivery) -> tuple[str, str]:
    return alert.id, delivery.recipient
