"""Knows how far each alert that waits has come: in memory, and on disk for the next start."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace

import structlog

from callrec.model.alerts import Alert, Delivery
from callrec.spool.directory import Damaged, Spool

log = structlog.get_logger()
Key = tuple[str, str]
"""The name of a way, and a recipient."""
REMEMBERED = 1000
"""How many alerts that are done with are remembered, against those that are told again."""


class Ledger:
    """Keeps the deliveries of the alerts in the spool. Any thread may use it.

    What is known in memory counts (decision 11): while the disk is full or hangs, an alert goes out all the
    same, and one that was sent is not sent again. `alerts`, `delivery`, `add` and `note` never wait for the
    disk; the others do, and raise OSError.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._lock, self._disk = threading.Lock(), threading.Lock()
        """Of what is in memory; and of the files, taken before the other."""
        self._alerts: dict[str, Alert] = {}
        self._deliveries: dict[str, dict[Key, Delivery]] = {}
        self._unsaved: set[str] = set()
        self._unwritten: set[str] = set()
        self._done: deque[str] = deque(maxlen=REMEMBERED)
        self.added = 0
        """How many alerts have come: whoever works through them sees by this that there is a new one."""

    # --- in memory

    def alerts(self) -> list[Alert]:
        """Returns the alerts that wait, the oldest first."""
        with self._lock:
            return [self._alerts[id_] for id_ in sorted(self._alerts)]

    def has(self, alert_id: str) -> bool:
        """Returns whether an alert waits still: it may have been taken out of the spool meanwhile."""
        with self._lock:
            return alert_id in self._alerts

    def delivery(self, alert_id: str, way: str, recipient: str) -> Delivery:
        """Returns how far one delivery has come; one that was never tried waits."""
        with self._lock:
            known = self._deliveries.get(alert_id, {})
            return known.get((way, recipient), Delivery(way, recipient))

    def add(self, alert: Alert) -> None:
        """Takes an alert that is on no disk yet; one that is known, or done with, changes nothing."""
        with self._lock:
            if alert.id not in self._alerts and alert.id not in self._done:
                self._alerts[alert.id] = alert
                self._unsaved.add(alert.id)
                self.added += 1

    def note(self, alert_id: str, delivery: Delivery) -> None:
        """Takes down how far a delivery has come. See `sync`."""
        with self._lock:
            self._deliveries.setdefault(alert_id, {})[delivery.way, delivery.recipient] = delivery
            self._unwritten.add(alert_id)

    # --- on disk

    def load(self) -> bool:
        """Takes up what others have put into the spool, and forgets what was taken out of it.

        Returns whether there was something new. An alert that cannot be read is given up.
        """
        with self._disk:
            with suppress(OSError):  # a disk that takes nothing: what is new is read all the same
                self._spool.clear_deliveries()
            there = self._spool.alerts()
            with self._lock:
                gone = self._alerts.keys() - self._unsaved - set(there)
                new = [id_ for id_ in there if id_ not in self._alerts]
            for id_ in gone:
                self._forget(id_)
            return any(list(map(self._read, new)))

    def sync(self, alert_id: str) -> None:
        """Writes what is in memory only of an alert."""
        with self._disk:
            with self._lock:
                alert = self._alerts.get(alert_id) if alert_id in self._unsaved else None
            if alert:
                self._spool.save_alert(alert)
                self._unsaved.discard(alert_id)
            with self._lock:
                deliveries = tuple(self._deliveries.get(alert_id, {}).values())
                unwritten = alert_id in self._unwritten
                self._unwritten.discard(alert_id)
            if unwritten:
                self._write(alert_id, deliveries)

    def let_go(self, alert_id: str, *, given_up: bool) -> None:
        """Takes an alert that was sent or is given up out of the spool."""
        with self._disk:
            if given_up:
                self._spool.give_up_alert(alert_id)
            self._spool.remove_alert(alert_id)
            self._forget(alert_id)

    def _read(self, id_: str) -> bool:
        """Takes up one alert of the spool. Returns whether it can be read."""
        try:
            # The name of the file counts: it is what the deliveries go by.
            alert = replace(self._spool.alert_of(id_), id=id_)
        except Damaged as error:
            self._spool.give_up_alert(id_)
            log.error("a damaged alert was given up", alert=id_, problem=str(error))
            return False
        deliveries = {(each.way, each.recipient): each for each in self._spool.deliveries_of(id_)}
        with self._lock:
            self._alerts[id_], self._deliveries[id_] = alert, deliveries
            self.added += 1
        return True

    def _write(self, alert_id: str, deliveries: tuple[Delivery, ...]) -> None:
        try:
            self._spool.save_deliveries(alert_id, deliveries)
        except OSError:
            with self._lock:
                self._unwritten.add(alert_id)
            raise

    def _forget(self, alert_id: str) -> None:
        with self._lock:
            self._alerts.pop(alert_id, None)
            self._deliveries.pop(alert_id, None)
            self._unsaved.discard(alert_id)
            self._unwritten.discard(alert_id)
            self._done.append(alert_id)
