"""Knows how far each alert that waits has come: in memory, and on disk for the next start."""

from __future__ import annotations

import threading
from dataclasses import replace

import structlog

from callrec.model.alerts import Alert, Delivery
from callrec.spool.directory import Damaged, Spool

log = structlog.get_logger()
Key = tuple[str, str]
"""The name of a way, and a recipient."""


class Ledger:
    """Keeps the deliveries of the alerts in the spool. Any thread may use it.

    What is known in memory counts (decision 11): while the disk is full, an alert that was sent is not sent
    again.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._lock = threading.Lock()
        self._alerts: dict[str, Alert] = {}
        self._deliveries: dict[str, dict[Key, Delivery]] = {}
        self._unwritten: set[str] = set()

    def alerts(self) -> list[Alert]:
        """Returns the alerts that wait, the oldest first. One that cannot be read is given up."""
        with self._lock:
            found = [self._alert(id_) for id_ in self._spool.alerts()]
        return [alert for alert in found if alert]

    def delivery(self, alert_id: str, way: str, recipient: str) -> Delivery:
        """Returns how far one delivery has come; one that was never tried waits."""
        with self._lock:
            known = self._deliveries.get(alert_id, {})
            return known.get((way, recipient), Delivery(way, recipient))

    def write(self, alert_id: str, delivery: Delivery) -> None:
        """Takes down how far a delivery has come. Raises OSError when that is in memory only; see `sync`."""
        with self._lock:
            self._deliveries.setdefault(alert_id, {})[delivery.way, delivery.recipient] = delivery
            self._unwritten.add(alert_id)
            self._sync(alert_id)

    def sync(self, alert_id: str) -> None:
        """Writes to disk what could not be written before. Raises OSError."""
        with self._lock:
            self._sync(alert_id)

    def let_go(self, alert_id: str, *, given_up: bool) -> None:
        """Takes an alert that was sent or is given up out of the spool. Raises OSError."""
        with self._lock:
            if given_up:
                self._spool.give_up_alert(alert_id)
            self._spool.remove_alert(alert_id)
            self._alerts.pop(alert_id, None)
            self._deliveries.pop(alert_id, None)
            self._unwritten.discard(alert_id)

    def _alert(self, id_: str) -> Alert | None:
        if id_ not in self._alerts:
            try:
                # The name of the file counts: it is what the deliveries go by.
                self._alerts[id_] = replace(self._spool.alert_of(id_), id=id_)
            except Damaged as error:
                self._spool.give_up_alert(id_)
                log.error("a damaged alert was given up", alert=id_, problem=str(error))
                return None
            self._deliveries[id_] = {
                (each.way, each.recipient): each for each in self._spool.deliveries_of(id_)
            }
        return self._alerts[id_]

    def _sync(self, alert_id: str) -> None:
        if alert_id in self._unwritten:
            self._spool.save_deliveries(alert_id, tuple(self._deliveries[alert_id].values()))
            self._unwritten.discard(alert_id)
