"""Keeps what became of calls for help: the alerter writes it after each try, `callrec show` reads it.

What waits to be sent is in the spool, not here (decision 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import alerts
from callrec.catalogue.writing import upsert
from callrec.model.alerts import Alert, AlertState, Delivery


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery of one alert, as the catalogue has it. `at` is when the key was pressed."""

    id: str
    call_id: str
    at: datetime
    facility: str
    extension: str
    way: str
    recipient: str
    state: AlertState
    tries: int
    sent_at: datetime | None
    problem: str


_READ = RowReader(DeliveryRow, "alerts", "id", "way", "recipient")


def save(connection: sa.Connection, alert: Alert, delivery: Delivery) -> None:
    """Writes how far one delivery has come. Writing it twice is the same as once."""
    key = {"id": alert.id, "way": delivery.way, "recipient": delivery.recipient}
    row = {
        "call_id": alert.call_id,
        "at": alert.at,
        "facility": alert.facility,
        "extension": alert.extension,
        "state": delivery.state,
        "tries": delivery.tries,
        "sent_at": delivery.sent_at,
        "problem": delivery.problem,
    }
    upsert(connection, alerts, key, row)


def of_call(connection: sa.Connection, call_id: str) -> list[DeliveryRow]:
    """Returns the deliveries of a call's alerts, in the order in which help was asked for."""
    query = sa.select(alerts).where(alerts.c.call_id == call_id)
    rows = connection.execute(query.order_by(alerts.c.at, alerts.c.id, alerts.c.way, alerts.c.recipient))
    return [_told(row) for row in rows]


def is_known(connection: sa.Connection, id_: str) -> bool:
    """Returns whether there was a try to send this alert."""
    return connection.scalar(sa.select(alerts.c.id).where(alerts.c.id == id_).limit(1)) is not None


def _told(row: Any) -> DeliveryRow:
    return _READ(row, lambda row: row._asdict())
