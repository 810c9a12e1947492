"""Tells what the catalogue has, to be compared with what the PBX, the spool and the bucket have.

Rows that make no sense are passed over: `verify` and `catalogue check` name them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from callrec.catalogue.calls import ArchivedRecording, is_recorded, read_recording, was_away
from callrec.catalogue.database import Connection
from callrec.catalogue.rows import RowReader, read_all
from callrec.catalogue.tables import calls, custody, destructions, notes, recordings
from callrec.errors import CatalogueDamaged
from callrec.ids import first_of, of_fallback_recording, same_seed
from callrec.model.calls import CallRecord, Outcome
from callrec.model.rules import Mode

LONGEST = timedelta(days=1)
"""How long before a moment a call can have begun that is looked for there."""
CLOCKS = timedelta(seconds=2)
"""How far the clocks of callrec and PBX may be apart."""
_CHUNK = 400
_READ_CALL = RowReader(CallRecord, "calls", "id")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the two objects of a recording are, as its row has it."""

    id: str
    key: str
    version: str | None
    manifest_version: str | None
    state: str


def recordings_of(connection: Connection, ids: Collection[str]) -> dict[str, ArchivedRecording]:
    """Returns the rows of these recordings, by their ids."""
    found: list[ArchivedRecording] = []
    wanted = sorted(ids)
    for start in range(0, len(wanted), _CHUNK):
        query = sa.select(recordings).where(recordings.c.id.in_(wanted[start : start + _CHUNK]))
        found += read_all(connection.execute(query), read_recording, _passed_over)
    return {each.id: each for each in found}


def of_fallback(connection: Connection, pbx: str, channel: str, since: datetime) -> list[ArchivedRecording]:
    """Returns the rows of what the dialplan recorded of a channel, which was made at a moment: the recording
    began within a day, by the PBX's clock then."""
    low, high = (first_of(each) for each in (since, since + LONGEST))
    end = same_seed(of_fallback_recording(pbx, channel, since))
    there = connection.execute(sa.select(recordings.c.id).where(recordings.c.id.between(low, high))).scalars()
    named = [each for each in there if isinstance(each, str) and each.endswith(end)]
    query = sa.select(recordings).where(recordings.c.id.in_(named))
    return read_all(connection.execute(query), read_recording, _passed_over)


def recordings_of_calls(connection: Connection, ids: Collection[str]) -> list[ArchivedRecording]:
    """Returns the rows of the recordings of these calls."""
    query = sa.select(recordings).where(recordings.c.call_id.in_(sorted(ids)))
    return read_all(connection.execute(query), read_recording, _passed_over)


def lost_calls(connection: Connection, ids: Collection[str]) -> dict[str, CallRecord]:
    """Returns the calls of those of these recordings that were declared lost, by the recordings' ids."""
    query = sa.select(custody.c.recording_id, custody.c.details).where(
        custody.c.action == "lost", custody.c.recording_id.in_(sorted(ids))
    )
    of = {row.recording_id: str((row.details or {}).get("call", "")) for row in connection.execute(query)}
    known = {each.id: each for each in _calls(connection, calls.c.id.in_(sorted(of.values())))}
    return {id_: known[call] for id_, call in of.items() if call in known}


def calls_at(connection: Connection, pbx: str, moment: datetime) -> list[CallRecord]:
    """Returns the calls of a PBX that were under way at a moment, the oldest first."""
    there = (
        calls.c.started_at.between(moment - LONGEST, moment + CLOCKS),
        sa.or_(calls.c.ended_at.is_(None), calls.c.ended_at >= moment - CLOCKS),
    )
    return [each for each in _calls(connection, *there) if each.pbx == pbx]


def is_recorded_in_another(connection: Connection, call: CallRecord) -> bool:
    """Returns whether another row of a call has a recording of all that was said in this one: a call that is
    sent on passes the gate twice, and while callrec is away each passage has a row of its own."""
    if not call.answered_at or not was_away(call):
        return False
    return any(
        each.linkedid == call.linkedid and _spans(each, call) and is_recorded(connection, each.id)
        for each in calls_at(connection, call.pbx, call.answered_at)
    )


def _spans(other: CallRecord, call: CallRecord) -> bool:
    """Returns whether the talk of one row has all of that of another one in it, as far as the PBX can tell:
    the dialplan writes down whole seconds of what Dial() has connected."""
    begin, end = other.answered_at, other.ended_at
    if not (begin and end and call.answered_at and call.ended_at):
        return False
    return begin <= call.answered_at + CLOCKS and end >= call.ended_at - CLOCKS


def recorded_before(connection: Connection, ids: Collection[str], moment: datetime) -> set[str]:
    """Returns those of some calls of which a recording had begun before a moment."""
    query = sa.select(recordings.c.call_id).where(
        recordings.c.call_id.in_(sorted(ids)), recordings.c.started_at <= moment
    )
    return set(connection.execute(query).scalars())


def answered_without_recording(connection: Connection, begin: datetime, end: datetime) -> list[CallRecord]:
    """Returns the calls of a half-open span that were answered and have no recording, nor had one, and about
    which nobody has written a note; the oldest first. Of one that was discarded the row says so itself, and a
    test call that fails is told otherwise."""
    recorded = sa.exists().where(recordings.c.call_id == calls.c.id)
    # Most of an office's calls are not to be recorded: to read all of them would take the process long.
    maybe = sa.or_(calls.c.mode != Mode.NEVER, calls.c.automatic_later)
    noted = sa.exists().where(notes.c.call_id == calls.c.id)
    return _calls(
        connection,
        calls.c.started_at >= begin,
        calls.c.started_at < end,
        calls.c.outcome == Outcome.ANSWERED,
        calls.c.discarded_at.is_(None),
        sa.not_(calls.c.test),
        maybe,
        sa.not_(recorded),
        sa.not_(noted),
    )


def settled(connection: Connection, ids: Collection[str]) -> set[str]:
    """Returns those of some calls that have a recording by now, or about which somebody has written a
    note."""
    recorded = sa.select(recordings.c.call_id).where(recordings.c.call_id.in_(sorted(ids)))
    noted = sa.select(notes.c.call_id).where(notes.c.call_id.in_(sorted(ids)))
    return {*connection.execute(recorded).scalars(), *connection.execute(noted).scalars()}


def places(connection: Connection, begin: datetime, end: datetime) -> list[Place]:
    """Returns where the recordings are that began in a half-open span, but for those whose destruction was
    begun: what is gone of them, and why it could not be finished, is the matter of `destructions`."""
    columns = (getattr(recordings.c, name) for name in Place.__dataclass_fields__)
    going = sa.exists().where(
        destructions.c.recording_id == recordings.c.id,
        destructions.c.begun_at.is_not(None),
        destructions.c.finished_at.is_(None),
    )
    span = recordings.c.started_at >= begin, recordings.c.started_at < end
    query = sa.select(*columns).where(*span, sa.not_(going))
    return [Place(**row._asdict()) for row in connection.execute(query)]


def calls_between(
    connection: Connection, begin: datetime, end: datetime, *, test: bool = False
) -> list[CallRecord]:
    """Returns the calls that began in a half-open span, the oldest first; with `test` only test calls."""
    only = [calls.c.test] if test else []
    return _calls(connection, calls.c.started_at >= begin, calls.c.started_at < end, *only)


def _calls(connection: Connection, *conditions: sa.ColumnElement[bool]) -> list[CallRecord]:
    query = sa.select(calls).where(*conditions).order_by(calls.c.started_at, calls.c.id)
    return read_all(connection.execute(query), _read, _passed_over)


def _read(row: Any) -> CallRecord:
    return _READ_CALL(row, lambda row: row.details)


def _passed_over(error: CatalogueDamaged) -> None:
    """Nothing: who looks for damaged rows finds them elsewhere."""
