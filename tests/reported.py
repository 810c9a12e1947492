"""A catalogue in which some people heard recordings, and others were refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from callrec.catalogue import custody
from callrec.catalogue.database import Database
from callrec.catalogue.tables import call_facilities, calls, recordings
from tests.filled_catalogue import place
from tests.unit.samples import START

HOUR = timedelta(hours=1)


def enter(database: Database, who: str, recording_id: str, action: str, hours: float, **details: Any) -> None:
    """A row of the custody log, some hours after START."""
    marks = {"role": "handler", "through": "desk", **details}
    with database.begin() as connection:
        custody.append(connection, recording_id, action, who=who, at=START + hours * HOUR, **marks)


def fill(database: Database) -> dict[str, str]:
    """Fills in recordings of three calls, what was done with them, and refusals. Returns the recordings' ids:
    of shiba, of azabu, and of a call of azabu in which shiba took part (both)."""
    ids = {}
    for name in ("shiba", "azabu", "both"):
        place(database, "azabu" if name == "both" else name, START, seconds=30.0, because="automatic")
        with database.read() as connection:
            newest = connection.execute(recordings.select().order_by(recordings.c.id.desc()).limit(1)).one()
        ids[name] = newest.id
        if name == "both":
            with database.begin() as connection:
                connection.execute(call_facilities.insert().values(call_id=newest.call_id, facility="shiba"))
    for name, id_ in ids.items():
        enter(database, "callrec", id_, "archived", 0)
        enter(database, "tanaka", id_, "heard", 1, request="2026-0001" if name == "shiba" else "")
    enter(database, "suzuki", ids["shiba"], "fetched", 2, request="2026-0001")
    enter(database, "suzuki", ids["azabu"], "handed-over", 3, request="2026-0002", sha256=["a0", "b1"])
    enter(database, "tanaka", ids["azabu"], "refused", 4, command="show")
    enter(database, "tanaka", _call_of(database, ids["azabu"]), "refused", 5, command="show")
    enter(database, "sato", "", "refused", 6, command="search")
    enter(database, "tanaka", ids["shiba"], "heard", 24 * 40)
    return ids


def _call_of(database: Database, recording_id: str) -> str:
    query = calls.select().join(recordings).where(recordings.c.id == recording_id)
    with database.read() as connection:
        return str(connection.execute(query.with_only_columns(calls.c.id)).scalar_one())
