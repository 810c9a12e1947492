"""Sees to it that alerts go out, and writes what became of them into the catalogue.

It is a thread of the controller. Each way has a worker with a thread of its own; this one does the books:
while the database is away alerts go out, and what became of them waits in the spool until it can be written
(decision 11).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import structlog

from callrec.alerts.delivery_worker import GIVEN_UP_AFTER, IDLE_SECONDS, DeliveryWorker, Way
from callrec.alerts.ledger import Ledger
from callrec.catalogue import alerts
from callrec.catalogue.database import Database
from callrec.errors import CallrecError, Sentence
from callrec.model.alerts import Alert, AlertState, Delivery
from callrec.problems import Problems
from callrec.sentences import distinct
from callrec.spool.directory import Spool
from callrec.worker import Worker

log = structlog.get_logger()

STOP_SECONDS = 5.0
"""How long an end waits for a server; what was not sent by then is sent at the next start."""
BOOKS = "alert "
"""How the names of problems with the books begin."""


class _NoWay(CallrecError):
    """Nobody is named who could be told of an alert."""


class Alerter(Worker):
    """Runs a worker for each way, and takes alerts that are done with out of the spool."""

    def __init__(
        self,
        spool: Spool,
        ways: Sequence[Way],
        database: Database,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` counts seconds."""
        self._spool, self._database, self._clock = spool, database, clock
        self._seen: dict[str, float] = {}
        self._ledger = Ledger(spool)
        super().__init__(lambda: self._problems.attempt("alerts", self.work), lambda: IDLE_SECONDS)
        self.workers = [DeliveryWorker(way, self._ledger, self._wake.set) for way in ways]
        self._booked: dict[str, set[Delivery]] = {}
        """What the catalogue has, by alert."""
        self._problems = Problems()

    def run(self) -> None:
        """Works until `stop`; then waits for each way up to STOP_SECONDS."""
        # Daemons: a server that hangs must not keep the process from ending.
        threads = [
            threading.Thread(target=worker.run, name=f"alert-{worker.way.name}", daemon=True)
            for worker in self.workers
        ]
        for thread in threads:
            thread.start()
        super().run()
        for worker in self.workers:
            worker.stop()
        for thread in threads:
            thread.join(STOP_SECONDS)
        self._problems.attempt("alerts", self.work)

    def take(self, alert: Alert) -> None:
        """Has an alert sent at once, and puts it into the spool.

        Raises OSError where the disk does not take it: it is sent all the same, but a kill would lose it. To
        be called again then, until it is on disk or done with.
        """
        self._ledger.add(alert)
        self._wake_all()
        self._ledger.sync(alert.id)

    def _wake_all(self) -> None:
        for worker in self.workers:
            worker.wake()
        self.wake()

    def _load(self) -> None:
        if self._ledger.load():
            for worker in self.workers:
                worker.wake()

    def problems(self) -> list[Sentence]:
        """Returns what keeps alerts from being sent, each problem once, and what a person has to look at."""
        told = [
            Sentence(
                "help was asked for, and it cannot be told by {way}: {problem}",
                way=each.way,
                problem=each.problem,
            )
            for worker in self.workers
            for _, each in worker.waiting()
            if each.problem
        ]
        told += [each.said for each in self._problems.all()]
        if self._spool.given_up_alerts():
            path = self._spool.directory / "alerts" / "given-up"
            told.append(
                Sentence(
                    "there are calls for help that nobody was told of in {path}: look at them", path=path
                )
            )
        return distinct(told)

    def unsent(self) -> int:
        """Returns of how many calls for help somebody has yet to be told; also of those on no disk."""
        return sum(self._is_unsent(each) for each in self._ledger.alerts())

    def _is_unsent(self, alert: Alert) -> bool:
        deliveries = [each for worker in self.workers for each in worker.deliveries(alert)]
        if not deliveries:
            return not alert.support_phone
        return any(each.state is AlertState.WAITING for each in deliveries)

    def work(self) -> None:
        """Writes down what became of the alerts, and lets go of those that are done with.

        An error with one is a problem until it can be done; it does not hold up the others.
        """
        self._problems.attempt("read alerts", self._load)
        waiting = self._ledger.alerts()
        self._problems.keep(BOOKS, {BOOKS + alert.id for alert in waiting})
        for alert in waiting:  # of all, before a database that is away holds anything up
            with suppress(OSError):
                self._ledger.sync(alert.id)
        for alert in waiting:
            self.pulse.beat()  # a database that does not answer takes its time with each
            self._problems.attempt(BOOKS + alert.id, partial(self._settle, alert))

    def _settle(self, alert: Alert) -> None:
        """Writes down what became of one alert, and lets go of it when nothing of it waits any more."""
        deliveries = [each for worker in self.workers for each in worker.deliveries(alert)]
        try:
            self._ledger.sync(alert.id)
        finally:  # also where the disk is full: the catalogue may lie on another
            self._book(alert, [each for each in deliveries if each.tries])
        if any(each.state is AlertState.WAITING for each in deliveries):
            return
        given_up = any(each.state is AlertState.GIVEN_UP for each in deliveries)
        if not deliveries and not alert.support_phone:
            given_up = self._told_to_nobody(alert)
        self._let_go(alert, given_up=given_up)

    def _book(self, alert: Alert, deliveries: Sequence[Delivery]) -> None:
        """Writes what is new into the catalogue."""
        booked = self._booked.setdefault(alert.id, set())
        new = [each for each in deliveries if each not in booked]
        if not new:
            return
        with self._database.begin() as connection:
            for each in new:
                alerts.save(connection, alert, each)
        booked.update(new)

    def _told_to_nobody(self, alert: Alert) -> bool:
        """Returns True once an alert has waited for a day here, and is to be given up: nobody can be told.

        Raises _NoWay before: somebody may still set up a way.
        """
        since = self._seen.setdefault(alert.id, self._clock())
        if self._clock() - since < GIVEN_UP_AFTER.total_seconds():
            raise _NoWay("help was asked for, but [help] in callrec.toml says nobody who could be told")
        return True

    def _let_go(self, alert: Alert, *, given_up: bool) -> None:
        self._ledger.let_go(alert.id, given_up=given_up)
        self._booked.pop(alert.id, None)
        self._seen.pop(alert.id, None)
        if given_up:
            log.error("an alert was given up", alert=alert.id, call=alert.call_id)
