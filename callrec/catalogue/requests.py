"""Keeps requests, the recordings they list, and the copies that were given out under them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from callrec import ids
from callrec.catalogue.columns import plain_row
from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import call_facilities, calls, copies, recordings, request_recordings, requests
from callrec.catalogue.writing import insert_once
from callrec.model.access import Reach
from callrec.model.captures import Custody
from callrec.model.requests import (
    Copy,
    CopyOutcome,
    GivenFile,
    ListedRecording,
    Request,
    RequestKind,
    RequestState,
)

_READ = RowReader(Request, "requests", "number")
_READ_COPY = RowReader(Copy, "copies", "id")
_READ_LISTED = RowReader(ListedRecording, "request_recordings", "request", "id")
_OF_RECORDING = [
    recordings.c[name]
    for name in ("id", "call_id", "started_at", "duration_s", "sha256", "state", "destroyed_at")
]


def open_(
    connection: sa.Connection,
    kind: RequestKind,
    *,
    for_whom: str,
    ground: str,
    due: date | None,
    reach: Reach,
    by: str,
    at: datetime,
    year: int,
) -> Request:
    """Writes a new request, under the next number of a year. Needs a transaction that writes.

    What else the transaction locks, it must lock afterwards.
    """
    if connection.dialect.name == "postgresql":
        # One at a time, or two would get one number; SQLite has that anyway.
        connection.execute(sa.text("LOCK TABLE requests IN EXCLUSIVE MODE"))
    number = _next_number(connection, year)
    row = {"for_whom": for_whom, "ground": ground, "due": due, "facilities": reach.as_list()}
    row |= {"opened_by": by, "opened_at": at, "kind": kind, "state": RequestState.OPEN}
    connection.execute(requests.insert().values(number=number, **row))
    return taken(connection, number)


def _next_number(connection: sa.Connection, year: int) -> str:
    """Returns the number after the highest of a year: ``2026-0001``, and after 9999 with more digits."""
    last = connection.scalar(
        sa.select(requests.c.number)
        .where(requests.c.number.like(f"{year}-%"))
        .order_by(sa.func.length(requests.c.number).desc(), requests.c.number.desc())
        .limit(1)
    )
    return f"{year}-{int(last.partition('-')[2]) + 1 if last else 1:04}"


def find(connection: sa.Connection, number: str) -> Request | None:
    """Returns the request of a number; None where there is none."""
    row = connection.execute(sa.select(requests).where(requests.c.number == number)).one_or_none()
    return _request(row) if row else None


def taken(connection: sa.Connection, number: str) -> Request:
    """Returns a request that is there, which no other transaction changes until the end of this one."""
    query = sa.select(requests).where(requests.c.number == number).with_for_update()
    return _request(connection.execute(query).one())


def all_requests(connection: sa.Connection) -> list[Request]:
    """Returns all requests, the oldest first."""
    order = (requests.c.opened_at, requests.c.number)
    return [_request(row) for row in connection.execute(sa.select(requests).order_by(*order))]


def change(connection: sa.Connection, number: str, state: RequestState, **values: Any) -> None:
    """Writes the new state of a request, and other columns of it."""
    connection.execute(requests.update().where(requests.c.number == number).values(state=state, **values))


# --- the recordings it lists


def add(connection: sa.Connection, number: str, recording_id: str, *, by: str, at: datetime) -> None:
    """Lists a recording in a request. One that is listed already stays as it is."""
    row = {"request": number, "recording_id": recording_id, "added_at": at, "added_by": by}
    insert_once(connection, request_recordings, row)


def lists(connection: sa.Connection, number: str, recording_id: str) -> bool:
    """Returns whether a request lists a recording."""
    query = sa.select(request_recordings.c.request).where(
        request_recordings.c.request == number, request_recordings.c.recording_id == recording_id
    )
    return connection.scalar(query) is not None


def numbers_of(connection: sa.Connection, recording_id: str, *, reach: Reach) -> list[str]:
    """Returns the numbers of the requests within reach that list a recording, the oldest first."""
    query = (
        sa.select(requests)
        .join(request_recordings, request_recordings.c.request == requests.c.number)
        .where(request_recordings.c.recording_id == recording_id)
        .order_by(requests.c.opened_at, requests.c.number)
    )
    found = (_request(row) for row in connection.execute(query))
    return [each.number for each in found if each.reach.meets(reach)]


def listed(connection: sa.Connection, number: str | None = None) -> dict[str, list[ListedRecording]]:
    """Returns the recordings that one request lists, or that each does, by their beginning."""
    query = (
        sa.select(request_recordings, *_OF_RECORDING, calls.c.extension)
        .join(recordings, recordings.c.id == request_recordings.c.recording_id)
        .join(calls, calls.c.id == recordings.c.call_id)
        .order_by(recordings.c.started_at, recordings.c.id)
    )
    if number is not None:
        query = query.where(request_recordings.c.request == number)
    rows = connection.execute(query).all()
    known = _facilities(connection, number)
    found: dict[str, list[ListedRecording]] = defaultdict(list)
    for row in rows:
        found[row.request].append(_READ_LISTED(row, lambda row: _listed(row, known)))
    return found


def _facilities(connection: sa.Connection, number: str | None) -> dict[str, set[str]]:
    """Returns the facilities of each call of which one request, or any, lists a recording."""
    call_ids = sa.select(recordings.c.call_id).join(
        request_recordings, recordings.c.id == request_recordings.c.recording_id
    )
    if number is not None:
        call_ids = call_ids.where(request_recordings.c.request == number)
    found: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(sa.select(call_facilities).where(call_facilities.c.call_id.in_(call_ids))):
        found[row.call_id].add(row.facility)
    return found


def facilities_of_call(connection: sa.Connection, call_id: str) -> frozenset[str]:
    """Returns the facilities that took part in a call."""
    query = sa.select(call_facilities.c.facility).where(call_facilities.c.call_id == call_id)
    return frozenset(connection.execute(query).scalars())


# --- the copies


def add_copy(
    connection: sa.Connection,
    number: str,
    files: list[GivenFile],
    *,
    to_whom: str,
    medium: str,
    by: str,
    at: datetime,
    for_good: bool = False,
) -> Copy:
    """Writes that a copy was given out. One that is given `for_good` has its outcome at once."""
    id_ = ids.new()
    row = {"id": id_, "request": number, "to_whom": to_whom, "medium": medium, "handed_at": at}
    plain = [asdict(each) for each in files]
    connection.execute(copies.insert().values(**row, files=plain, handed_by=by))
    if for_good:
        end_copy(connection, id_, CopyOutcome.GIVEN, by=by, at=at)
    return next(each for each in copies_of(connection, number)[number] if each.id == id_)


def end_copy(connection: sa.Connection, id_: str, outcome: CopyOutcome, *, by: str, at: datetime) -> None:
    """Writes what became of a copy."""
    ended = {"ended_at": at, "ended_by": by, "outcome": outcome}
    connection.execute(copies.update().where(copies.c.id == id_).values(**ended))


def copies_of(connection: sa.Connection, number: str | None = None) -> dict[str, list[Copy]]:
    """Returns the copies of one request, or of each, the oldest first."""
    query = sa.select(copies).order_by(copies.c.handed_at, copies.c.id)
    if number is not None:
        query = query.where(copies.c.request == number)
    found: dict[str, list[Copy]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.request].append(_READ_COPY(row, lambda row: row._asdict()))
    return found


# --- all of it


def stands(connection: sa.Connection, number: str) -> dict[str, Any]:
    """Returns how a request stands, as plain JSON: its row, and those of its recordings and copies."""
    return {
        table.name: [plain_row(table, row) for row in connection.execute(sa.select(table).where(known))]
        for table, known in (
            (requests, requests.c.number == number),
            (request_recordings, request_recordings.c.request == number),
            (copies, copies.c.request == number),
        )
    }


def _request(row: Any) -> Request:
    return _READ(row, _values)


def _values(row: Any) -> dict[str, Any]:
    approved = row.decided_at is not None and row.refusal is None
    return {
        **row._asdict(),
        "reach": _reach(row.facilities),
        "approved_for": _reach(row.approved_for) if approved else None,
    }


def _reach(codes: list[str] | None) -> Reach:
    return Reach(None if codes is None else frozenset(codes))


def _listed(row: Any, known: dict[str, set[str]]) -> dict[str, Any]:
    there = row.state == Custody.ARCHIVED and row.destroyed_at is None
    return {**row._asdict(), "facilities": frozenset(known[row.call_id]), "is_there": there}
