"""Logs who did what to a recording, and when. Append-only, each row bound to the one before.

A row's hash is SHA-256 over its content and the hash before it: a row that was changed, put in or taken out
of the middle is noticed by the log itself. Rows cut off at the end, and a chain that was computed anew by
somebody who may do anything to the database, are noticed by the anchors in the bucket: see
callrec.evidence.chain.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import custody
from callrec.errors import CatalogueDamaged

GENESIS = "0" * 64
ARCHIVED = ("archived", "rebuilt")
"""The actions of rows that tell of a manifest in the bucket."""
SHA256 = re.compile("[0-9a-f]{64}")
AT_ONCE = 1000
"""Rows of the chain in memory at a time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log. `seq` counts from 1. `at` is by callrec's clock, of `captured` by the PBX's."""

    seq: int
    at: datetime
    who: str
    recording_id: str
    action: str
    details: dict[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Link:
    """A row of the log as a link of the chain: its number and hash, the number that should have come, and
    whether it follows from the row before."""

    seq: int
    hash: str
    expected: int
    follows: bool


_READ = RowReader(Entry, "custody", "seq")


def append(
    connection: sa.Connection,
    recording_id: str,
    action: str,
    *,
    who: str,
    at: datetime,
    **details: Any,
) -> Entry:
    """Adds a row at the end of the chain and returns it. Needs a transaction that writes."""
    if connection.dialect.name == "postgresql":
        # One writer at a time, or two rows would follow the same one (decision 7); SQLite has that anyway.
        connection.execute(sa.text("LOCK TABLE custody IN EXCLUSIVE MODE"))
    newest, previous = head(connection)
    seq = newest + 1
    bare = Entry(seq, at, who, recording_id, action, details, previous, "")
    entry = replace(bare, hash=digest(bare))
    connection.execute(custody.insert().values(asdict(entry)))
    return entry


def of(connection: sa.Connection, recording_id: str) -> list[Entry]:
    """Returns what was done to one recording, in order."""
    query = sa.select(custody).where(custody.c.recording_id == recording_id).order_by(custody.c.seq)
    return [_entry(row) for row in connection.execute(query)]


def head(connection: sa.Connection) -> tuple[int, str]:
    """Returns the number and the hash of the newest row; 0 and GENESIS of an empty log."""
    newest = sa.select(custody.c.seq, custody.c.hash).order_by(custody.c.seq.desc()).limit(1)
    last = connection.execute(newest).one_or_none()
    return (last.seq, last.hash) if last else (0, GENESIS)


def hash_at(connection: sa.Connection, seq: int) -> str | None:
    """Returns the hash of a row, GENESIS for row 0; None where there is no such row."""
    if seq == 0:
        return GENESIS
    return connection.scalar(sa.select(custody.c.hash).where(custody.c.seq == seq))


def archived(connection: sa.Connection, after: int, until: int) -> list[tuple[str, str]]:
    """Returns which manifests were archived, or entered anew from the bucket, by the rows after one and until
    another: the recording's id and the manifest's SHA-256 of each, in the order of ids. Damaged rows are
    passed over."""
    rows = connection.execute(
        sa.select(custody.c.recording_id, custody.c.details)
        .where(custody.c.seq > after, custody.c.seq <= until, custody.c.action.in_(ARCHIVED))
        .execution_options(yield_per=AT_ONCE)
    )
    hashes = ((row.recording_id, _detail(row.details, "manifest_sha256")) for row in rows)
    return sorted({(id_, sha256) for id_, sha256 in hashes if SHA256.fullmatch(sha256)})


def archived_so_many(connection: sa.Connection, after: int, count: int) -> int | None:
    """Returns the row by which the so many-th manifest after a row was archived; None where there are not so
    many."""
    query = sa.select(custody.c.seq).where(custody.c.seq > after, custody.c.action.in_(ARCHIVED))
    found: int | None = connection.scalar(query.order_by(custody.c.seq).offset(count - 1).limit(1))
    return found


def chain(connection: sa.Connection) -> Iterator[Link]:
    """Yields all rows of the log in order, each with whether it follows from the one before."""
    previous, expected = GENESIS, 1
    rows = connection.execute(sa.select(custody).order_by(custody.c.seq).execution_options(yield_per=AT_ONCE))
    for row in rows:
        try:
            entry = _entry(row)
        except CatalogueDamaged:
            seq = row.seq if isinstance(row.seq, int) else expected
            yield Link(seq, str(row.hash), expected, follows=False)
            previous, expected = str(row.hash), seq + 1
            continue
        yield linked(entry, previous, expected)
        previous, expected = entry.hash, entry.seq + 1


def linked(entry: Entry, previous: str, expected: int) -> Link:
    """Returns a row as a link of the chain, after the hash of the row before, as the so many-th."""
    follows = entry.seq == expected and entry.previous == previous and _is_true(entry)
    return Link(entry.seq, entry.hash, expected, follows)


def times(connection: sa.Connection, after: int, until: int) -> Iterator[tuple[int, datetime]]:
    """Yields number and time of the rows after one and until another; damaged ones are passed over."""
    query = sa.select(custody.c.seq, custody.c.at).where(custody.c.seq > after, custody.c.seq <= until)
    rows = connection.execute(query.order_by(custody.c.seq).execution_options(yield_per=AT_ONCE))
    yield from ((row.seq, row.at) for row in rows if isinstance(row.at, datetime))


def first_since(connection: sa.Connection, moment: datetime) -> int | None:
    """Returns the number of the first row that was written at a moment or later, by callrec's clock."""
    query = sa.select(custody.c.seq).where(custody.c.at >= moment, custody.c.action != "captured")
    return connection.scalar(query.order_by(custody.c.seq).limit(1))


def ahead(connection: sa.Connection, moment: datetime) -> list[tuple[int, datetime]]:
    """Returns number and time of the rows that, by callrec's clock, were written later than a moment: the
    first AT_ONCE. Damaged ones are passed over."""
    later = custody.c.at > moment, custody.c.action != "captured"
    query = sa.select(custody.c.seq, custody.c.at).where(*later).order_by(custody.c.seq).limit(AT_ONCE)
    return [(row.seq, row.at) for row in connection.execute(query) if isinstance(row.at, datetime)]


def broken_at(connection: sa.Connection) -> int | None:
    """Returns the first row that does not follow from the one before; None for a whole chain."""
    return next((each.expected for each in chain(connection) if not each.follows), None)


def broken_of(connection: sa.Connection, recording_id: str) -> int | None:
    """Does as `broken_at`, for the rows of one recording only, and their links to the rows around them.

    A row that was taken out between rows of other recordings is seen by `broken_at` alone.
    """
    for entry in of(connection, recording_id):  # decision 7: a catalogue of years has millions of others
        around = sa.select(custody.c.seq, custody.c.previous, custody.c.hash).where(
            custody.c.seq.in_((entry.seq - 1, entry.seq + 1))
        )
        rows = {row.seq: row for row in connection.execute(around)}
        before, after = rows.get(entry.seq - 1), rows.get(entry.seq + 1)
        if before is None and entry.seq > 1:
            return entry.seq
        follows = entry.previous == (before.hash if before else GENESIS)
        if not follows or (after and after.previous != entry.hash) or not _is_true(entry):
            return entry.seq
    return None


def _detail(details: Any, name: str) -> str:
    """Returns a detail that is a text; empty where it is not there."""
    found = details.get(name) if isinstance(details, dict) else None
    return found if isinstance(found, str) else ""


def _entry(row: Any) -> Entry:
    return _READ(row, lambda row: row._asdict())


def text_of(entry: Entry) -> str:
    """Returns the line of text of which the hash of a row is made: a JSON list of all but the hash, the time
    in UTC to the microsecond."""
    when = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    content = [entry.seq, when, entry.who, entry.recording_id, entry.action, entry.details, entry.previous]
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(entry: Entry) -> str:
    """Returns the hash that a row of this content has: SHA-256, in hexadecimal."""
    return hashlib.sha256(text_of(entry).encode()).hexdigest()


def _is_true(entry: Entry) -> bool:
    """Returns whether the content of a row is the one its hash was made of."""
    return entry.hash == digest(entry)
