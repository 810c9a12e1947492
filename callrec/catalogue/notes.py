"""Keeps what people wrote about calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from callrec import ids
from callrec.catalogue import grams
from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import notes
from callrec.texts import folded


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """What somebody wrote about a call, and when."""

    id: str
    call_id: str
    at: datetime
    who: str
    text: str


_READ = RowReader(WrittenNote, "notes", "id")
_COLUMNS = [notes.c[name] for name in WrittenNote.__dataclass_fields__]


def add(connection: sa.Connection, call_id: str, text: str, *, who: str, at: datetime) -> WrittenNote:
    """Writes a note about a call, and returns it."""
    new = WrittenNote(ids.new(), call_id, at, who, text)
    row = {name: getattr(new, name) for name in WrittenNote.__dataclass_fields__}
    connection.execute(notes.insert().values(**row, folded=folded(text)))
    grams.write(connection, call_id, [folded(text)])
    return new


def of_call(connection: sa.Connection, call_id: str) -> list[WrittenNote]:
    """Returns what was written about a call, the oldest first."""
    query = sa.select(*_COLUMNS).where(notes.c.call_id == call_id).order_by(notes.c.at, notes.c.id)
    return [_READ(row, lambda row: row._asdict()) for row in connection.execute(query)]
