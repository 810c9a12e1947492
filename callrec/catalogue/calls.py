"""Writes calls and recordings when they are over, and finds them by id, date, extension and number.

What is done to a recording afterwards is written by callrec.catalogue.custody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects import postgresql, sqlite

from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import call_facilities, calls, extensions, participants, recordings
from callrec.errors import CatalogueDamaged, NotFound, WrongUsage
from callrec.ids import pasted
from callrec.manifest import Manifest, write
from callrec.model.calls import CallRecord
from callrec.model.captures import Custody, KeptBecause, RetainedBecause
from callrec.model.rules import Direction
from callrec.numbers import Number
from callrec.texts import on_one_line

_CALL: TypeAdapter[CallRecord] = TypeAdapter(CallRecord)
SHORTEST_PREFIX = 8
FIRST_ID = "00000000-0000-0000-0000-000000000000"
_ID = re.compile(FIRST_ID.replace("0", "[0-9a-f]"))


@dataclass(frozen=True, slots=True)
class ArchivedRecording:
    """A recording as the catalogue has it. `manifest` is plain JSON, as it was archived, of any version;
    empty once the recording is destroyed.

    `key` is that of the sound; `version` and `manifest_version` are those that were proved (decision 6).
    """

    id: str
    call_id: str
    started_at: datetime
    duration_s: float
    kept_because: KeptBecause
    incident: bool
    announced: bool
    state: Custody
    hold: bool
    retain_until: datetime | None
    sha256: str
    manifest_sha256: str
    size: int
    key: str
    version: str | None
    manifest_version: str | None
    manifest: dict[str, Any]
    retained_because: RetainedBecause
    destroyed_at: datetime | None

    @property
    def manifest_key(self) -> str:
        return self.key.removesuffix(".flac") + ".manifest.json"


_READ_CALL = RowReader(CallRecord, "calls", "id")
_READ_RECORDING = RowReader(ArchivedRecording, "recordings", "id")
_READ_FOUND_RECORDING = RowReader(ArchivedRecording, "recordings", "r_id")


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of both objects that were read back; None without versioning (decision 6)."""

    audio: str | None = None
    manifest: str | None = None


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One line of a search: a call, and its recording where there is one."""

    call: CallRecord
    recording: ArchivedRecording | None


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to search for; None means any. `begin` and `end` are a half-open span of time in UTC.

    `all_calls`: also the calls without a recording. `sort` is a key of SORTS. `dialled` is `number` as staff
    mean it, who dial a prefix: a call with either is found.
    """

    begin: datetime | None = None
    end: datetime | None = None
    extension: str | None = None
    facility: str | None = None
    number: Number | None = None
    dialled: Number | None = None
    direction: str | None = None
    mode: str | None = None
    incident: bool = False
    min_duration_s: float | None = None
    all_calls: bool = False
    limit: int = 100
    sort: str = "newest"


SORTS = {
    "newest": calls.c.started_at.desc(),
    "oldest": calls.c.started_at.asc(),
    "longest": recordings.c.duration_s.desc().nullslast(),
}


def save_call(connection: sa.Connection, call: CallRecord) -> None:
    """Writes a call, or what is now known of it. Writing it twice is the same as once."""
    decision = call.decision
    row = {
        "started_at": call.started_at,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "direction": call.direction,
        "facility": call.facility,
        "extension": call.extension,
        "number": call.number,
        "outcome": call.outcome,
        "mode": decision.mode if decision else None,
        "rule": decision.rule if decision else None,
        "rule_version": decision.version if decision else None,
        "incident": call.incident,
        "discarded_at": call.discarded_at,
        "details": as_json(call),
    }
    upsert(connection, calls, {"id": call.id}, row)
    for extension in _extensions(call):
        key = {"call_id": call.id, "extension": extension}
        upsert(connection, participants, key, {"started_at": call.started_at})
    for facility in _facilities(connection, call):
        insert_once(connection, call_facilities, {"call_id": call.id, "facility": facility})


def save_recording(
    connection: sa.Connection,
    manifest: Manifest,
    *,
    key: str,
    manifest_sha256: str,
    versions: Versions = Versions(),
) -> None:
    """Writes an archived recording and its call, as its manifest has them. Twice is the same as once."""
    save_call(connection, manifest.call)
    row = {
        "call_id": manifest.call.id,
        "started_at": manifest.capture.started_at,
        "duration_s": manifest.audio.duration_s,
        "kept_because": manifest.capture.kept_because,
        "incident": manifest.incident,
        "announced": any(each.complete for each in manifest.call.announcements),
        "state": Custody.ARCHIVED,
        "hold": False,
        "retain_until": manifest.retain_until,
        "retained_because": RetainedBecause.INCIDENT if manifest.incident else RetainedBecause.RULE,
        "sha256": manifest.audio.sha256,
        "manifest_sha256": manifest_sha256,
        "size": manifest.audio.size,
        "key": key,
        "version": versions.audio,
        "manifest_version": versions.manifest,
        "manifest": json.loads(write(manifest)),
    }
    upsert(connection, recordings, {"id": manifest.recording_id}, row)


def as_json(call: CallRecord) -> dict[str, Any]:
    """Returns a call as plain JSON."""
    plain: dict[str, Any] = _CALL.dump_python(call, mode="json")
    return plain


def find_recording(connection: sa.Connection, recording_id: str) -> ArchivedRecording | None:
    """Returns the recording of this whole id; None where the archive has none."""
    row = connection.execute(sa.select(recordings).where(recordings.c.id == recording_id)).one_or_none()
    return _kept(row) if row else None


def recording(connection: sa.Connection, id_: str) -> ArchivedRecording:
    """Returns a recording by its id, or by a beginning of it of 8 characters or more.

    Raises NotFound, and WrongUsage when it fits several or no id begins so.
    """
    row = _one(connection, recordings, id_)
    return _kept(row)


def call(connection: sa.Connection, id_: str) -> CallRecord:
    """Returns a call by its id or the beginning of it. Raises as `recording` does."""
    return _call(_one(connection, calls, id_))


def look_up(connection: sa.Connection, id_: str) -> SearchHit:
    """Returns the recording of an id, or of its beginning, with its call; else the call of that id, with a
    recording where it has one. Raises NotFound, WrongUsage when it fits several."""
    try:
        kept = recording(connection, id_)
    except NotFound:
        found = call(connection, id_)
        row = connection.execute(sa.select(recordings).where(recordings.c.call_id == found.id)).first()
        return SearchHit(found, _kept(row) if row else None)
    return SearchHit(call(connection, kept.call_id), kept)


def search(
    connection: sa.Connection,
    wanted: SearchQuery,
    passed_over: Callable[[CatalogueDamaged], None] | None = None,
) -> list[SearchHit]:
    """Returns the recordings (with `all_calls`: also the calls without one) that fit.

    Damaged rows are told to `passed_over`, and left out; without it, raises CatalogueDamaged for the first.
    """
    query = (
        sa.select(calls, *(column.label(f"r_{column.name}") for column in recordings.c))
        .select_from(calls.join(recordings, recordings.c.call_id == calls.c.id, isouter=wanted.all_calls))
        .where(*_conditions(wanted))
        .order_by(SORTS[wanted.sort], calls.c.id)
        .limit(wanted.limit)
    )
    found: list[SearchHit] = []
    for row in connection.execute(query):
        try:
            found.append(_found(row))
        except CatalogueDamaged as error:
            if passed_over is None:
                raise
            passed_over(error)
    return found


def is_known(connection: sa.Connection, call_id: str) -> bool:
    """Returns whether there is a row of a call."""
    return connection.scalar(sa.select(calls.c.id).where(calls.c.id == call_id)) is not None


def was_discarded(connection: sa.Connection, call_id: str) -> bool:
    query = sa.select(calls.c.id).where(calls.c.id == call_id, calls.c.discarded_at.is_not(None))
    return connection.scalar(query) is not None


def recording_ids(connection: sa.Connection) -> list[str]:
    """Returns the ids of all recordings that are in the archive, the oldest first."""
    query = sa.select(recordings.c.id).where(recordings.c.state == Custody.ARCHIVED)
    return list(connection.execute(query.order_by(recordings.c.id)).scalars())


def _conditions(wanted: SearchQuery) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool] | None] = [
        calls.c.started_at >= wanted.begin if wanted.begin is not None else None,
        calls.c.started_at < wanted.end if wanted.end is not None else None,
        calls.c.facility == wanted.facility if wanted.facility is not None else None,
        calls.c.direction == wanted.direction if wanted.direction is not None else None,
        calls.c.mode == wanted.mode if wanted.mode is not None else None,
        _took_part(wanted) if wanted.extension is not None else None,
        _has_number(wanted) if wanted.number is not None else None,
        calls.c.incident if wanted.incident else None,
        recordings.c.duration_s >= wanted.min_duration_s if wanted.min_duration_s is not None else None,
    ]
    return [condition for condition in conditions if condition is not None]


def _took_part(wanted: SearchQuery) -> sa.ColumnElement[bool]:
    """Fits the calls an extension took part in; the span is repeated so that its index can serve."""
    query = sa.select(participants.c.call_id).where(participants.c.extension == wanted.extension)
    if wanted.begin:
        query = query.where(participants.c.started_at >= wanted.begin)
    if wanted.end:
        query = query.where(participants.c.started_at < wanted.end)
    return calls.c.id.in_(query)


def _has_number(wanted: SearchQuery) -> sa.ColumnElement[bool]:
    return calls.c.number.in_({wanted.number, wanted.dialled} - {None})


def _extensions(call: CallRecord) -> set[str]:
    """Returns who took part, with who was called or called, also where nobody answered."""
    known = {each.extension for each in call.participants}
    caller = call.number if call.direction is Direction.INTERNAL else None
    return {each for each in (*known, call.extension, caller) if each}


def _facilities(connection: sa.Connection, call: CallRecord) -> set[str]:
    """Returns the facilities that a call belongs to: its own, and those of all extensions that took part."""
    taking_part = extensions.c.number.in_(_extensions(call))
    found = set(connection.execute(sa.select(extensions.c.facility).where(taking_part)).scalars())
    return found | ({call.facility} if call.facility else set())


def insert_once(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> None:
    """Writes a row, unless it is there."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(dialect.insert(table).values(row).on_conflict_do_nothing())


def upsert(connection: sa.Connection, table: sa.Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Writes a row, or brings the one with this key up to date."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values({**key, **values})
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def _one(connection: sa.Connection, table: sa.Table, id_: str) -> Any:
    """Returns the row of an id or its beginning. Raises NotFound, and WrongUsage when several fit."""
    first, last = _span(id_)
    rows = connection.execute(sa.select(table).where(table.c.id.between(first, last)).limit(2)).all()
    if not rows:
        raise NotFound("there is no recording or call {id}: see callrec search", id=id_)
    if len(rows) > 1:
        raise WrongUsage("{id} fits several recordings or calls: give more of it", id=id_)
    return rows[0]


def _span(id_: str) -> tuple[str, str]:
    """Returns the first and the last id that begin so. Raises WrongUsage when no id begins so.

    Ids of one form sort alike under every collation, so the index of the primary key serves.
    """
    prefix = pasted(id_)
    first, last = (prefix + fill[len(prefix) :] for fill in (FIRST_ID, FIRST_ID.replace("0", "f")))
    if not _ID.fullmatch(first):
        raise WrongUsage("{id} is no id, nor the beginning of one: see callrec search", id=on_one_line(id_))
    if len(prefix) < SHORTEST_PREFIX:  # decision 6
        raise WrongUsage(
            "{id} is too short for an id: give its first 8 characters or more", id=on_one_line(id_)
        )
    return first, last


def _kept(row: Any) -> ArchivedRecording:
    return _READ_RECORDING(row, lambda row: row._asdict())


def _call(row: Any) -> CallRecord:
    return _READ_CALL(row, lambda row: row.details)


def _found(row: Any) -> SearchHit:
    if row.r_id is None:
        return SearchHit(_call(row), None)
    kept = _READ_FOUND_RECORDING(
        row, lambda row: {name: getattr(row, f"r_{name}") for name in ArchivedRecording.__dataclass_fields__}
    )
    return SearchHit(_call(row), kept)
