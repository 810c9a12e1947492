"""A catalogue with some days of calls in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from callrec import ids
from callrec.catalogue import calls, hits, tables
from callrec.catalogue.database import Database
from tests.unit.samples import call

DAY = timedelta(days=1)


def place(
    database: Database, facility: str | None, at: datetime, *, incident: bool = False, **kept: Any
) -> None:
    """A call of a facility, and its recording where something is said of one."""
    with database.begin() as connection:
        made = call(id=ids.new(), facility=facility, started_at=at, incident=incident)
        calls.save_call(connection, made)
        if kept:
            connection.execute(tables.recordings.insert().values(recording_row(made.id, at, **kept)))
            hits.rewrite(connection, made.id)


def recording_row(call_id: str, at: datetime, *, seconds: float, because: str) -> dict[str, Any]:
    id_ = ids.new()
    return {
        "id": id_,
        "call_id": call_id,
        "started_at": at,
        "duration_s": seconds,
        "kept_because": because,
        "incident": False,
        "announced": True,
        "state": "archived",
        "hold": False,
        "sha256": "",
        "manifest_sha256": "",
        "size": 0,
        "key": id_,
    }


def fill(database: Database, at: datetime) -> None:
    place(database, "shiba", at, seconds=90.0, because="automatic")
    place(database, "shiba", at, seconds=30.0, because="key", incident=True)
    place(database, "shiba", at)
    place(database, "azabu", at, incident=True)
    place(database, None, at, seconds=60.0, because="automatic")
