"""Writes down what was done: the one way into the custody log, and the outbox of what the bucket is to say.

What changes how a recording is kept or found, and what is about a request, is stated in the bucket as well,
so that the catalogue can be made again from there. A statement is written in the transaction of the change
itself, and waits here until the bucket was proved to have it: callrec.evidence.statements puts it there.
Whether an action has a statement is known by its name: one that is not known here cannot be written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec import ids
from callrec.catalogue import custody
from callrec.catalogue.custody import Entry
from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import recordings, statements
from callrec.model.captures import Custody

TOMBSTONES = frozenset({"destruction-begun", "destruction-withdrawn", "destroyed"})
"""What stays beside a recording for good: there are neither numbers nor names in it."""
ABOUT_RECORDING = TOMBSTONES | {
    *("held", "released", "retained", "marked-incident", "cleared-incident", "noted"),
}
ABOUT_REQUEST = frozenset(
    {
        *("request-opened", "request-approved", "request-refused", "request-closed", "added"),
        *("handed-over", "copy-returned", "copy-destroyed", "copy-mistaken"),
    }
)
"""Each step of a request has one statement, with all that the request has come to: see `state_request`."""
CHANGES_NOTHING = frozenset(
    {
        # The manifest says it, or there is none.
        *("captured", "spooled", "archived", "lost", "found-again", "came-back"),
        *("to-be-held", "to-be-released", "to-be-retained", "to-be-marked"),  # intents
        *("verified", "broken", "fetched", "heard", "drawn", "exported", "linked", "refused"),
        # What is made is in the bucket, or given out, with a signature of its own.
        *("redacted", "absence-stated", "key-made", "backed-up", "restored"),
        "erased",  # what is erased are rows of calls that no manifest has any more
        "rebuilt",  # it says what the bucket says
    }
)


@dataclass(frozen=True, slots=True)
class WaitingStatement:
    """Something that was done, and is not in the bucket yet. `recording_id` or `request` is empty."""

    id: str
    recording_id: str
    request: str
    action: str
    at: datetime
    who: str
    details: dict[str, Any]


_READ = RowReader(WaitingStatement, "statements", "id")


def enter(
    connection: sa.Connection,
    recording_id: str,
    action: str,
    *,
    who: str,
    at: datetime,
    stated: Mapping[str, Any] | None = None,
    **details: Any,
) -> Entry:
    """Writes into the custody log what was done, and into the outbox where the bucket is to say it too.

    `stated` is what only the bucket is told. Beside what is destroyed nothing is stated but how that came.
    Needs a transaction that writes.
    """
    if action not in ABOUT_RECORDING | ABOUT_REQUEST | CHANGES_NOTHING:
        raise ValueError(f"nobody has said whether {action} changes how a recording is kept")
    if action in ABOUT_RECORDING and (action in TOMBSTONES or _is_there(connection, recording_id)):
        details["statement"] = ids.new()
        about = {"recording_id": recording_id, "request": ""}
        _wait(connection, details["statement"], action, at, who, {**details, **(stated or {})}, **about)
    return custody.append(connection, recording_id, action, who=who, at=at, **details)


def state_request(
    connection: sa.Connection,
    id_: str,
    number: str,
    action: str,
    *,
    who: str,
    at: datetime,
    stands: Mapping[str, Any],
) -> None:
    """Writes into the outbox how a request stands after a step. `id_` is what the entries of the custody log
    about this step have as `statement`."""
    details = {"stands": dict(stands)}
    _wait(connection, id_, action, at, who, details, recording_id="", request=number)


def waiting(connection: sa.Connection, recording_id: str | None = None) -> list[WaitingStatement]:
    """Returns what waits, the oldest first: all, or what is about one recording."""
    query = sa.select(statements).order_by(statements.c.id)
    if recording_id is not None:
        query = query.where(statements.c.recording_id == recording_id)
    return [_READ(row, lambda row: row._asdict()) for row in connection.execute(query)]


def next_waiting(connection: sa.Connection, after: str, tombstones_of: str | None) -> str | None:
    """Returns the id of the first that waits after the one of this id; of how one recording is destroyed,
    where that is given. The id alone: a damaged row must not keep the others waiting."""
    query = sa.select(statements.c.id).where(statements.c.id > after).order_by(statements.c.id).limit(1)
    if tombstones_of is not None:
        query = query.where(statements.c.recording_id == tombstones_of, statements.c.action.in_(TOMBSTONES))
    found: str | None = connection.scalar(query)
    return found


def find(connection: sa.Connection, id_: str) -> WaitingStatement | None:
    """Returns what waits under an id; None where nothing does any more. Raises CatalogueDamaged."""
    row = connection.execute(sa.select(statements).where(statements.c.id == id_)).one_or_none()
    return _READ(row, lambda row: row._asdict()) if row else None


def how_many(connection: sa.Connection) -> tuple[int, datetime | None]:
    """Returns how many wait, and since when the first does."""
    row = connection.execute(sa.select(sa.func.count(), sa.func.min(statements.c.at))).one()
    return int(row[0]), row[1]


def done(connection: sa.Connection, id_: str) -> None:
    """Takes a statement out of the outbox: the bucket has it."""
    connection.execute(statements.delete().where(statements.c.id == id_))


def forget(connection: sa.Connection, recording_id: str) -> None:
    """Takes out of the outbox what was said of a recording that is destroyed, but for how that came: it would
    have gone with the recording."""
    said = statements.c.action.not_in(TOMBSTONES)
    connection.execute(statements.delete().where(statements.c.recording_id == recording_id, said))


def _is_there(connection: sa.Connection, recording_id: str) -> bool:
    query = sa.select(recordings.c.state).where(recordings.c.id == recording_id)
    return bool(connection.scalar(query) == Custody.ARCHIVED)


def _wait(
    connection: sa.Connection,
    id_: str,
    action: str,
    at: datetime,
    who: str,
    details: Mapping[str, Any],
    *,
    recording_id: str,
    request: str,
) -> None:
    row = {"id": id_, "action": action, "at": at, "who": who, "details": dict(details)}
    connection.execute(statements.insert().values(**row, recording_id=recording_id, request=request))
