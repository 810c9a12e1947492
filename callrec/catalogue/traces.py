"""Tells what the catalogue has of recordings, row by row, whether it makes sense or not: to be compared with
what the bucket and the custody log say.

Whoever edits the database by hand edits here too: so what is asked by id is also asked of the custody log,
and no row is read as anything but its values. What is out of reach is as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import holds as hold_rows
from callrec.catalogue import notes as note_rows
from callrec.catalogue.finding import FIRST_ID, span
from callrec.catalogue.holds import Hold
from callrec.catalogue.logged import TAKEN_OVER
from callrec.catalogue.notes import WrittenNote
from callrec.catalogue.rows import Unreadable
from callrec.catalogue.tables import call_facilities, calls, custody, participants, recordings
from callrec.catalogue.within import within
from callrec.model.access import Reach
from callrec.model.captures import Custody

Row = Mapping[str, Any]
LAST_ID = FIRST_ID.replace("0", "f")
AT_ONCE = 400
"""Ids in one query."""
PAGE = 10_000
"""Ids in memory at a time."""


@dataclass(frozen=True, slots=True)
class CallRows:
    """The row of a call and those that are about it, as they are; `call` is None where there is none."""

    call: Row | None
    participants: Sequence[Row]
    facilities: Sequence[Row]


def recording_of(connection: sa.Connection, recording_id: str) -> Row | None:
    """Returns the row of a recording, as it is; None where there is none."""
    found = connection.execute(sa.select(recordings).where(recordings.c.id == recording_id)).one_or_none()
    return found._asdict() if found else None


def call_of(connection: sa.Connection, call_id: str) -> CallRows:
    """Returns the rows of a call, as they are."""
    found = connection.execute(sa.select(calls).where(calls.c.id == call_id)).one_or_none()
    others = (
        [row._asdict() for row in connection.execute(sa.select(table).where(table.c.call_id == call_id))]
        for table in (participants, call_facilities)
    )
    return CallRows(found._asdict() if found else None, *others)


def recordings_of(connection: sa.Connection, call_id: str) -> list[str]:
    """Returns the ids of all recordings whose rows name a call, the oldest first."""
    query = sa.select(recordings.c.id).where(recordings.c.call_id == call_id).order_by(recordings.c.id)
    return list(connection.execute(query).scalars())


def was_incident(connection: sa.Connection, call_id: str) -> bool:
    """Returns whether a recording of a call that was destroyed was an incident: so the call stays one."""
    marked = recordings.c.call_id == call_id, recordings.c.state == Custody.DESTROYED, recordings.c.incident
    return connection.execute(sa.select(recordings.c.id).where(*marked).limit(1)).first() is not None


def written_of(
    connection: sa.Connection, recording_id: str, call_id: str
) -> tuple[list[Hold], list[WrittenNote]]:
    """Returns the holds of a recording and the notes about its call. Raises CatalogueDamaged."""
    return hold_rows.of_recording(connection, recording_id), note_rows.of_call(connection, call_id)


def ids(connection: sa.Connection, reach: Reach, first: str = FIRST_ID) -> list[str]:
    """Returns the ids of all recordings, in order, from `first` on: of rows and of the custody log alike."""
    query = sa.select(recordings.c.id).where(recordings.c.id >= first, *within(recordings.c.call_id, reach))
    rows = set(connection.execute(query).scalars())
    return sorted(rows | set(without_rows(connection, reach, first)))


def every_id(
    read: Callable[[], AbstractContextManager[sa.Connection]], reach: Reach, first: str
) -> Iterator[str]:
    """Yields what `ids` returns, some at a time: there may be millions. `read` begins a transaction."""
    after = ""
    while True:
        with read() as connection:
            some, last = _page(connection, reach, first, after)
        yield from some
        if last == LAST_ID:
            return
        after = last


def _page(connection: sa.Connection, reach: Reach, first: str, after: str) -> tuple[list[str], str]:
    """Returns ids from `first` on, of those after another one where there is one, and up to which these are
    all."""
    query = sa.select(recordings.c.id).where(
        _begins(recordings.c.id, first, after), *within(recordings.c.call_id, reach)
    )
    rows = list(connection.execute(query.order_by(recordings.c.id).limit(PAGE)).scalars())
    last = rows[-1] if len(rows) == PAGE else LAST_ID
    return sorted({*rows, *without_rows(connection, reach, first, last, after)}), last


def without_rows(
    connection: sa.Connection,
    reach: Reach,
    first: str = FIRST_ID,
    last: str = LAST_ID,
    after: str = "",
) -> list[str]:
    """Returns the ids from `first`, or after another one, to `last` that the custody log has taken over, and
    no row has."""
    row = sa.exists().where(recordings.c.id == custody.c.recording_id)
    id_ = custody.c.recording_id
    query = sa.select(id_, custody.c.details).where(
        custody.c.action.in_(TAKEN_OVER), _begins(id_, first, after), id_ <= last, sa.not_(row)
    )
    return sorted({id_ for id_, details in connection.execute(query) if reach.covers(_facility(details))})


def _begins(column: sa.ColumnElement[str], first: str, after: str) -> sa.ColumnElement[bool]:
    """Returns the one condition that an index begins by: what comes after an odd id cannot be reckoned."""
    return column > after if after else column >= first


def like(connection: sa.Connection, id_: str, reach: Reach) -> list[str]:
    """Returns the ids of recordings that begin so, or whose rows name a call whose id does: those with a
    row, whatever it says, and those that the custody log alone has. Raises WrongUsage where no id begins so.
    """
    first, last = span(id_)
    begins = recordings.c.id.between(first, last) | recordings.c.call_id.between(first, last)
    query = sa.select(recordings.c.id).where(begins, *within(recordings.c.call_id, reach))
    found = set(connection.execute(query).scalars())
    return sorted(found | set(without_rows(connection, reach, first, last)))


def destroyed(connection: sa.Connection) -> set[str]:
    """Returns the ids of all recordings that the custody log knows to be destroyed."""
    query = sa.select(custody.c.recording_id).where(custody.c.action == "destroyed")
    return set(connection.execute(query).scalars())


def destroyed_among(connection: sa.Connection, some: Collection[str]) -> set[str]:
    """Returns those of some ids whose rows say that the recording was destroyed."""
    gone = recordings.c.id.in_(some), recordings.c.state == Custody.DESTROYED
    return set(connection.execute(sa.select(recordings.c.id).where(*gone)).scalars())


def keys_of(connection: sa.Connection, recording_ids: Iterable[str]) -> dict[str, set[str]]:
    """Returns the keys that rows and custody log have of the sound of these recordings, by their ids."""
    wanted, found = list(recording_ids), dict[str, set[str]]()
    for begin in range(0, len(wanted), AT_ONCE):
        for id_, key in _keys(connection, wanted[begin : begin + AT_ONCE]):
            found.setdefault(id_, set()).add(key)
    return found


def _keys(connection: sa.Connection, some: list[str]) -> Iterator[tuple[str, str]]:
    rows = sa.select(recordings.c.id, recordings.c.key).where(recordings.c.id.in_(some))
    yield from ((row.id, str(row.key)) for row in connection.execute(rows))
    logged = sa.select(custody.c.recording_id, custody.c.details).where(
        custody.c.action.in_(TAKEN_OVER), custody.c.recording_id.in_(some)
    )
    yield from ((id_, _key(details)) for id_, details in connection.execute(logged))


def _facility(details: Any) -> str | None:
    """Returns the facility in the key that an entry of the custody log has."""
    parts = _key(details).split("/")
    return parts[1] if len(parts) > 1 and parts[1] != "unassigned" else None


def _key(details: Any) -> str:
    return str(details.get("key", "")) if not isinstance(details, Unreadable) and details else ""
