"""Finds the calls whose numbers and names are to go, and writes their rows without."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import grams, hits
from callrec.catalogue.calls import call_row
from callrec.catalogue.database import Connection
from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import calls, notes, recordings
from callrec.errors import CatalogueDamaged
from callrec.model.calls import CallRecord
from callrec.model.captures import Custody

_READ = RowReader(CallRecord, "calls", "id")


def count(connection: Connection, before: datetime) -> int:
    """Returns how many calls ended before a moment, have no recording any more, and still have numbers."""
    return int(connection.execute(sa.select(sa.func.count()).where(_is_due(before))).scalar_one())


def due(
    connection: Connection, before: datetime, most: int, damaged: dict[str, CatalogueDamaged]
) -> list[tuple[str, CallRecord]]:
    """Returns some of these calls, the oldest first, but for the `damaged`: rows that are no calls, which are
    put there, by their ids."""
    query = sa.select(calls).where(_is_due(before)).order_by(calls.c.started_at, calls.c.id)
    found: list[tuple[str, CallRecord]] = []
    for row in connection.execute(query.limit(most + len(damaged))):
        try:
            if row.id not in damaged:
                found.append((row.id, _READ(row, lambda row: row.details)))
        except CatalogueDamaged as error:
            damaged[row.id] = error
    return found


def erase(connection: Connection, call_id: str, call: CallRecord, at: datetime) -> None:
    """Writes the row of a call as it is without numbers, and takes away what people wrote about it.

    What was dialled in the house stays, and the call is found by it.
    """
    row = call_row(call)
    values: dict[str, Any] = {name: row[name] for name in ("number", "more_numbers", "details")}
    values["erased_at"] = at
    connection.execute(calls.update().where(calls.c.id == call_id).values(values))
    grams.forget(connection, call_id)
    connection.execute(notes.delete().where(notes.c.call_id == call_id))
    hits.rewrite(connection, call_id)


def _is_due(before: datetime) -> sa.ColumnElement[bool]:
    there = sa.exists().where(recordings.c.call_id == calls.c.id, recordings.c.state != Custody.DESTROYED)
    ended = sa.func.coalesce(calls.c.ended_at, calls.c.started_at)
    return sa.and_(calls.c.erased_at.is_(None), ended < before, sa.not_(there))
