"""Finds what a page on calls without a recording has to say: the calls of a scope and their recordings, and
what the catalogue knows of times in which callrec was away."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from callrec.catalogue import hits
from callrec.catalogue.calls import ArchivedRecording, read_recording
from callrec.catalogue.custody import Entry
from callrec.catalogue.database import Connection
from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import (
    ASKED_FOR,
    call_facilities,
    calls,
    custody,
    destructions,
    recordings,
)
from callrec.catalogue.within import within
from callrec.model.access import Reach
from callrec.model.calls import CallRecord
from callrec.numbers import Number

_CHUNK = 400
_READ_ENTRY = RowReader(Entry, "custody", "seq")
_READ_CALL = RowReader(CallRecord, "calls", "id")


@dataclass(frozen=True, slots=True)
class AbsenceScope:
    """Which calls are asked about: those that were under way in a half-open span of time, and all that is
    said of which fits. `dialled` is `number` as staff mean it, who dial a prefix."""

    begin: datetime
    end: datetime
    extension: str | None = None
    facility: str | None = None
    number: Number | None = None
    dialled: Number | None = None

    @property
    def numbers(self) -> set[str]:
        return {each for each in (self.number, self.dialled) if each}


@dataclass(frozen=True, slots=True)
class KnownCall:
    """A call and the rows of its recordings. `erased_at`: when its numbers and names were taken out.
    `begun`: the recordings whose destruction was begun and is not finished."""

    call: CallRecord
    erased_at: datetime | None = None
    recordings: tuple[ArchivedRecording, ...] = ()
    begun: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Unnumbered:
    """Calls of a scope, whatever their number, of which it cannot be told whether they are with a number.

    `withheld`: it was not presented; `erased`: it was taken out, of calls that began until `erased_until`.
    """

    withheld: int = 0
    erased: int = 0
    erased_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span of time."""

    begin: datetime
    end: datetime | None


def calls_of(connection: Connection, scope: AbsenceScope, reach: Reach, most: int) -> list[KnownCall]:
    """Returns the calls of a scope with their recordings, the oldest first, `most` of them. With a number,
    also calls with another number in which it stands: the caller looks."""
    query = (
        sa.select(calls)
        .where(*_conditions(scope), *_with_number(scope), *within(calls.c.id, reach))
        .order_by(calls.c.started_at, calls.c.id)
        .limit(most)
    )
    rows = connection.execute(query).all()
    of_calls = _recordings(connection, [row.id for row in rows])
    begun = _begun(connection)
    return [
        KnownCall(
            _READ_CALL(row, lambda row: row.details), row.erased_at, tuple(of_calls.get(row.id, ())), begun
        )
        for row in rows
    ]


def unnumbered(connection: Connection, scope: AbsenceScope, reach: Reach) -> Unnumbered:
    """Returns of how many calls of a scope the number is not known, where one is asked about."""
    if not scope.numbers:
        return Unnumbered()
    seen = (*_conditions(scope), calls.c.number.is_(None), *within(calls.c.id, reach))
    count = sa.select(sa.func.count()).select_from(calls).where(*seen)
    erased = calls.c.erased_at.is_not(None)
    latest = sa.select(calls.c.started_at).where(*seen, erased).order_by(calls.c.started_at.desc()).limit(1)
    return Unnumbered(
        int(connection.execute(count.where(sa.not_(erased))).scalar_one()),
        int(connection.execute(count.where(erased)).scalar_one()),
        connection.scalar(latest),
    )


def known_ids(connection: Connection, ids: Collection[str]) -> set[str]:
    """Returns those of these ids that are of recordings of the catalogue."""
    found: set[str] = set()
    wanted = sorted(ids)
    for start in range(0, len(wanted), _CHUNK):
        query = sa.select(recordings.c.id).where(recordings.c.id.in_(wanted[start : start + _CHUNK]))
        found.update(connection.execute(query).scalars())
    return found


def lost(connection: Connection) -> list[Entry]:
    """Returns the rows of the custody log that say of a recording that it is lost."""
    query = sa.select(custody).where(custody.c.action == "lost", sa.text(ASKED_FOR)).order_by(custody.c.seq)
    return [_READ_ENTRY(row, lambda row: row._asdict()) for row in connection.execute(query)]


def away(connection: Connection, begin: datetime, end: datetime, reach: Reach, most: int) -> list[Stretch]:
    """Returns when calls were under way that the dialplan handled, as callrec was away; `most` of them."""
    query = sa.select(calls.c.started_at, calls.c.ended_at).where(
        *_conditions(AbsenceScope(begin, end)), calls.c.away, *within(calls.c.id, reach)
    )
    rows = connection.execute(query.order_by(calls.c.started_at).limit(most))
    return [Stretch(row.started_at, row.ended_at) for row in rows]


def first_call(connection: Connection) -> datetime | None:
    """Returns when the first call of the catalogue began."""
    found: datetime | None = connection.scalar(sa.select(sa.func.min(calls.c.started_at)))
    return found


def _conditions(scope: AbsenceScope) -> list[sa.ColumnElement[bool]]:
    """Fits the calls of a scope, whatever their number."""
    found = [
        calls.c.started_at < scope.end,
        sa.func.coalesce(calls.c.ended_at, calls.c.started_at) >= scope.begin,
        sa.not_(calls.c.test),
    ]
    if scope.extension is not None:
        found.append(calls.c.id.in_(hits.calls_of(scope.extension)))
    if scope.facility is not None:
        through = sa.exists().where(
            call_facilities.c.call_id == calls.c.id, call_facilities.c.facility == scope.facility
        )
        found.append((calls.c.facility == scope.facility) | through)
    return found


def _with_number(scope: AbsenceScope) -> list[sa.ColumnElement[bool]]:
    if not scope.numbers:
        return []
    more = [calls.c.more_numbers.contains(each, autoescape=True) for each in sorted(scope.numbers)]
    return [sa.or_(calls.c.number.in_(scope.numbers), calls.c.extension.in_(scope.numbers), *more)]


def _recordings(connection: Connection, call_ids: list[str]) -> dict[str, list[ArchivedRecording]]:
    found: dict[str, list[ArchivedRecording]] = {}
    for start in range(0, len(call_ids), _CHUNK):
        of_calls = recordings.c.call_id.in_(call_ids[start : start + _CHUNK])
        for row in connection.execute(sa.select(recordings).where(of_calls).order_by(recordings.c.id)):
            found.setdefault(row.call_id, []).append(read_recording(row))
    return found


def _begun(connection: Connection) -> frozenset[str]:
    still = destructions.c.begun_at.is_not(None) & destructions.c.finished_at.is_(None)
    return frozenset(connection.execute(sa.select(destructions.c.recording_id).where(still)).scalars())
