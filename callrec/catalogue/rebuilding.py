"""Compares the catalogue's rows with what the bucket says they are to be, and writes them so.

What the rows are to be is not decided here: see callrec.evidence.wanted. Nothing is ever deleted: what only
the catalogue has is told of, and stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import grams, hits
from callrec.catalogue.statements import ABOUT_REQUEST
from callrec.catalogue.tables import (
    copies,
    custody,
    destructions,
    holds,
    metadata,
    notes,
    rebuilding,
    recordings,
    request_recordings,
    requests,
)
from callrec.catalogue.writing import upsert
from callrec.model.captures import Custody

Row = Mapping[str, Any]
Rows = dict[str, list[dict[str, Any]]]
"""Rows by the names of their tables."""
SUBJECTS = {
    "recordings": recordings.c.id,
    "holds": holds.c.recording_id,
    "destructions": destructions.c.recording_id,
    "notes": notes.c.call_id,
    "requests": requests.c.number,
    "request_recordings": request_recordings.c.request,
    "copies": copies.c.request,
}
"""The column by which the rows of each table are found that belong to a recording, a call or a request."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that the bucket and the catalogue have differently. `row` is the key of the row; `column` is
    empty of a whole row, and then one of both values is None."""

    table: str
    row: str
    column: str
    bucket: Any
    catalogue: Any


def compared(
    connection: sa.Connection, table: str, subject: str, wanted: Iterable[Row]
) -> Iterator[Difference]:
    """Yields where the rows of a table about one subject are not those that are wanted."""
    found = {_key(table, row): row for row in _rows(connection, table, subject)}
    expected = {_key(table, row): row for row in wanted}
    for key, row in expected.items():
        if key not in found:
            yield Difference(table, key, "", _short(row), None)
        else:
            yield from _columns(table, key, row, found[key])
    for key in found.keys() - expected.keys():
        yield Difference(table, key, "", None, _short(found[key]))


def _columns(table: str, key: str, expected: Row, found: Row) -> Iterator[Difference]:
    for name, value in expected.items():
        if found[name] != value:
            yield Difference(table, key, name, value, found[name])


def _rows(connection: sa.Connection, table: str, subject: str) -> Iterator[dict[str, Any]]:
    of = SUBJECTS[table]
    for row in connection.execute(sa.select(of.table).where(of == subject)):
        yield row._asdict()


def write(connection: sa.Connection, rows: Rows) -> None:
    """Writes rows, or brings those with their keys up to date; those first that others refer to."""
    for table in metadata.sorted_tables:
        keys = {each.name for each in table.primary_key}
        for row in rows.get(table.name, ()):
            key = {name: value for name, value in row.items() if name in keys}
            rest = {name: value for name, value in row.items() if name not in keys}
            upsert(connection, table, key, rest)
    _follow(connection, rows)


def _follow(connection: sa.Connection, rows: Rows) -> None:
    """Writes what searches go by, as it follows from some rows."""
    noted = {row["call_id"] for row in rows.get("notes", ())}
    for call_id in sorted(noted):
        grams.write(connection, call_id)
    for call_id in sorted(noted | {row["call_id"] for row in rows.get("recordings", ())}):
        hits.rewrite(connection, call_id)


def known_recordings(connection: sa.Connection, some: Iterable[str]) -> set[str]:
    """Returns those of these ids that have a row."""
    query = sa.select(recordings.c.id).where(recordings.c.id.in_(list(some)))
    return set(connection.execute(query).scalars())


def all_recordings(connection: sa.Connection) -> dict[str, str]:
    """Returns the keys of the sound of all recordings that are not destroyed, by their ids."""
    there = recordings.c.state == Custody.ARCHIVED
    rows = connection.execute(sa.select(recordings.c.id, recordings.c.key).where(there))
    return {row.id: row.key for row in rows}


class RequestSteps:
    """What the custody log knows of statements about requests. It only grows: each row is read once."""

    def __init__(self) -> None:
        self._of: dict[str, set[str]] = {}
        self._seen = 0

    def of(self, connection: sa.Connection, number: str) -> set[str]:
        """Returns the ids of the statements about a request that the custody log knows."""
        again = (custody.c.action == "rebuilt") & (custody.c.recording_id == "")
        about = custody.c.action.in_(ABOUT_REQUEST) | again
        rows = sa.select(custody.c.seq, custody.c.details).where(custody.c.seq > self._seen, about)
        for seq, said in connection.execute(rows):
            self._seen = max(self._seen, seq)
            if isinstance(said, dict):
                several = said.get("statements") or [said.get("statement")]
                known = self._of.setdefault(str(said.get("request")), set())
                known.update(str(each) for each in several if each)
        return self._of.get(number, set())


def all_requests(connection: sa.Connection) -> set[str]:
    """Returns the numbers of all requests."""
    return set(connection.execute(sa.select(requests.c.number)).scalars())


# --- how far it has come


def progress(connection: sa.Connection, since: datetime) -> str:
    """Returns the last key that a rebuilding has done that was ended before its end, since a moment; empty
    where none was."""
    return connection.scalar(sa.select(rebuilding.c.after).where(rebuilding.c.at >= since)) or ""


def is_unfinished(connection: sa.Connection) -> bool:
    """Returns whether the catalogue lacks what the bucket says: a backup was put back, or it is being made of
    the bucket, and that has not come to its end."""
    return connection.execute(sa.select(rebuilding.c.id)).first() is not None


def go_on_after(connection: sa.Connection, key: str, at: datetime) -> None:
    """Writes down how far it has come."""
    upsert(connection, rebuilding, {"id": 1}, {"after": key, "at": at})


def ended(connection: sa.Connection) -> None:
    """Writes down that it has come to its end."""
    connection.execute(rebuilding.delete())


def _key(table: str, row: Row) -> str:
    return " ".join(str(row[each.name]) for each in metadata.tables[table].primary_key)


def _short(row: Row) -> dict[str, Any]:
    """Returns a row as it is told: without what is long."""
    return {name: value for name, value in row.items() if name not in ("silences", "details", "folded")}
