"""Writes calls and recordings when they are over.

They are found by callrec.catalogue.finding; what is done to a recording afterwards is written by
callrec.catalogue.custody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter

from callrec.catalogue import hits
from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import call_facilities, calls, extensions, participants, recordings
from callrec.catalogue.writing import insert_once, inserted, replacement, upsert
from callrec.model.calls import CallRecord
from callrec.model.captures import Custody, KeptBecause, RetainedBecause, Silence, SilenceReason
from callrec.model.rules import Direction, Mode
from callrec.numbers import normalise

if TYPE_CHECKING:
    from callrec.manifest import Manifest

T = TypeVar("T")

AWAY = "callrec was away: the dialplan's fallback handled the call"
"""How the note of a call begins that the dialplan handled alone."""


@dataclass(frozen=True, slots=True)
class PlacedSilence:
    """A silence on purpose, on the clock and in the recording: `begin_s` and `end_s` are seconds of it. One
    without an end lasts to the end of the recording."""

    begin_s: float
    end_s: float
    started_at: datetime
    finished_at: datetime | None
    reason: SilenceReason


@dataclass(frozen=True, slots=True)
class ArchivedRecording:
    """A recording as the catalogue has it. Its manifest is in the bucket: `manifest_key` (decision 25).

    `key` is that of the sound; `version` and `manifest_version` are those that were proved (decision 6).
    What only that tells is None once the recording is destroyed, and so are `silences` where there are none.
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
    retained_because: RetainedBecause
    destroyed_at: datetime | None
    sample_rate: int | None = None
    silences: tuple[PlacedSilence, ...] | None = None

    @property
    def manifest_key(self) -> str:
        return self.key.removesuffix(".flac") + ".manifest.json"


_READ = RowReader(ArchivedRecording, "recordings", "id")


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    """Made when it is first used: whoever only searches needs none."""
    return TypeAdapter(kind)


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of both objects that were read back; None without versioning (decision 6)."""

    audio: str | None = None
    manifest: str | None = None


AFTERWARDS = ("incident", "hold", "retain_until", "retained_because", "state", "destroyed_at")
"""Columns of a recording that people may have changed since it was archived."""
OF_MANIFEST = frozenset({"sample_rate", "silences"})
"""Columns of a recording of which nothing but its manifest tells."""


def save_call(connection: sa.Connection, call: CallRecord, facilities: Iterable[str] | None = None) -> None:
    """Writes a call, or what is now known of it. Writing it twice is the same as once.

    `facilities` are the codes of those that took part; without, those of its extensions as they are now.
    One whose recording was marked as an incident stays so.
    """
    is_new, codes = _write_call(connection, call, facilities)
    if is_new:
        hits.add(connection, SimpleNamespace(id=call.id, **call_row(call)), extensions_of(call), codes)
    else:
        hits.rewrite(connection, call.id)


def _write_call(
    connection: sa.Connection, call: CallRecord, facilities: Iterable[str] | None
) -> tuple[bool, set[str]]:
    """Returns whether the call is new, and the facilities that took part."""
    # mostly it is, which the database itself tells: then there is nothing to be asked for, nor to go
    known = not inserted(connection, calls, {"id": call.id, **call_row(call)})
    if known:
        call = replace(call, incident=call.incident or _is_marked(connection, call.id))
        upsert(connection, calls, {"id": call.id}, call_row(call))
    codes = facilities_of(connection, call) if facilities is None else set(facilities)
    _only(connection, participants, call, "extension", extensions_of(call), known, started_at=call.started_at)
    _only(connection, call_facilities, call, "facility", codes, known)
    return not known, codes


def _is_marked(connection: sa.Connection, call_id: str) -> bool:
    marked = sa.select(recordings.c.id).where(recordings.c.call_id == call_id, recordings.c.incident)
    return connection.scalar(marked.limit(1)) is not None


def numbers_gone(connection: sa.Connection, call_id: str, at: datetime | None) -> None:
    """Writes that numbers and names are gone from a call since a moment."""
    connection.execute(calls.update().where(calls.c.id == call_id).values(erased_at=at))


def save_recording(
    connection: sa.Connection,
    manifest: Manifest,
    *,
    key: str,
    manifest_sha256: str,
    versions: Versions = Versions(),
) -> None:
    """Writes an archived recording and its call, as its manifest has them. Twice is the same as once, and
    undoes nothing that people did with it since."""
    _write_call(connection, manifest.call, manifest.facilities or None)
    row = recording_row(manifest, key=key, manifest_sha256=manifest_sha256, versions=versions)
    upsert(connection, recordings, {"id": manifest.recording_id}, row, once=AFTERWARDS)
    hits.rewrite(connection, manifest.call.id)


def call_row(call: CallRecord) -> dict[str, Any]:
    """Returns the row of a call without its id, column by column."""
    decision = call.decision
    return {
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
        "test": call.is_test,
        "details": as_json(call),
        "more_numbers": numbers_beside(call.number, call.extension, _others(call)),
        "away": was_away(call),
        "automatic_later": any(each.decision.mode is Mode.AUTOMATIC for each in call.decision_changes),
        "erased_at": None,  # with what is written anew, numbers may come again
    }


def recording_row(
    manifest: Manifest, *, key: str, manifest_sha256: str, versions: Versions
) -> dict[str, Any]:
    """Returns the row of a recording that was just archived without its id, column by column."""
    return {
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
        "destroyed_at": None,
        "sha256": manifest.audio.sha256,
        "manifest_sha256": manifest_sha256,
        "size": manifest.audio.size,
        "key": key,
        "version": versions.audio,
        "manifest_version": versions.manifest,
        "sample_rate": manifest.audio.sample_rate,
        "silences": _adapter(list[PlacedSilence]).dump_python(placed_silences(manifest), mode="json") or None,
    }


def placed_silences(manifest: Manifest) -> list[PlacedSilence]:
    """Returns where a recording is silent on purpose, as its manifest has it."""
    zero, length = manifest.capture.began_at, manifest.audio.duration_s

    def place(moment: datetime) -> float:
        return round(min(max(0.0, (moment - zero).total_seconds()), length), 3)

    def placed(each: Silence) -> PlacedSilence:
        end_s = place(each.finished_at) if each.finished_at else round(length, 3)
        return PlacedSilence(place(each.started_at), end_s, each.started_at, each.finished_at, each.reason)

    return [placed(each) for each in manifest.capture.silences]


def numbers_beside(number: str | None, extension: str | None, others: Iterable[str | None]) -> str | None:
    """Returns the numbers by which a call is asked for beside its own: of the `others`, what was dialled and
    who took part outside, those that are neither its number nor its extension. None where there are none."""
    found: set[str] = set()
    for each in filter(None, others):
        same = normalise(each)
        if same != number:
            found |= {each, same or each}
    return " ".join(sorted(found - {number, extension})) or None


def _others(call: CallRecord) -> list[str | None]:
    outside = (each.number for each in call.participants if each.extension is None)
    return [call.dialled, *outside]


def as_json(call: CallRecord) -> dict[str, Any]:
    """Returns a call as plain JSON."""
    plain: dict[str, Any] = _adapter(CallRecord).dump_python(call, mode="json")
    return plain


def find_recording(connection: sa.Connection, recording_id: str) -> ArchivedRecording | None:
    """Returns the recording of this whole id; None where the archive has none."""
    row = connection.execute(sa.select(recordings).where(recordings.c.id == recording_id)).one_or_none()
    return read_recording(row) if row else None


def as_plain(kept: ArchivedRecording) -> dict[str, Any]:
    """Returns a recording as plain JSON, but for what only its manifest tells."""
    adapter = _adapter(ArchivedRecording)
    plain: dict[str, Any] = adapter.dump_python(kept, mode="json", exclude=set(OF_MANIFEST))
    return plain


def told(plain: dict[str, Any]) -> ArchivedRecording:
    """Returns the recording that `as_plain` told. Raises ValueError for what is none."""
    kept: ArchivedRecording = _adapter(ArchivedRecording).validate_python(plain)
    return kept


def archived_of(connection: sa.Connection, call_id: str) -> list[str]:
    """Returns the ids of the recordings of a call that are not destroyed, the oldest first."""
    there = (recordings.c.call_id == call_id) & (recordings.c.state == Custody.ARCHIVED)
    return list(
        connection.execute(sa.select(recordings.c.id).where(there).order_by(recordings.c.id)).scalars()
    )


def facilities_known(connection: sa.Connection, call_id: str) -> list[str]:
    """Returns the codes of the facilities that took part in a call, as they were written down."""
    query = sa.select(call_facilities.c.facility).where(call_facilities.c.call_id == call_id)
    return sorted(connection.execute(query).scalars())


def read_recording(row: Any) -> ArchivedRecording:
    """Returns the recording in a row of their table. Raises CatalogueDamaged."""
    return _READ(row, lambda row: row._asdict())


def manifest_hashes(connection: sa.Connection, recording_ids: Collection[str]) -> dict[str, str]:
    """Returns the SHA-256 of the manifest of each of some recordings that the catalogue has or had."""
    query = sa.select(recordings.c.id, recordings.c.manifest_sha256).where(recordings.c.id.in_(recording_ids))
    return {row.id: row.manifest_sha256 for row in connection.execute(query)}


def is_known(connection: sa.Connection, call_id: str) -> bool:
    """Returns whether there is a row of a call."""
    return connection.scalar(sa.select(calls.c.id).where(calls.c.id == call_id)) is not None


def was_away(call: CallRecord) -> bool:
    """Returns whether callrec was away, and the dialplan's fallback handled a call."""
    return any(each.text.startswith(AWAY) for each in call.notes)


def is_recorded(connection: sa.Connection, call_id: str) -> bool:
    """Returns whether there is, or was, a recording of a call."""
    query = sa.select(recordings.c.id).where(recordings.c.call_id == call_id).limit(1)
    return connection.scalar(query) is not None


def was_discarded(connection: sa.Connection, call_id: str) -> bool:
    query = sa.select(calls.c.id).where(calls.c.id == call_id, calls.c.discarded_at.is_not(None))
    return connection.scalar(query) is not None


def is_told_of(connection: sa.Connection, call_id: str) -> bool:
    """Returns whether a recording of a call, or that it was discarded, has told more than the call itself."""
    return connection.scalar(_told_of(), {"call": call_id}) is not None


@cache  # made once, as what writes a call
def _told_of() -> sa.Select[Any]:
    call: sa.BindParameter[Any] = sa.bindparam("call")
    recorded = sa.exists().where(recordings.c.call_id == call)
    return sa.select(calls.c.id).where(calls.c.id == call, calls.c.discarded_at.is_not(None) | recorded)


def read_call(details: Any) -> CallRecord:
    """Returns the call that plain JSON holds, as a search reads it. Raises ValueError for what is none."""
    call: CallRecord = _adapter(CallRecord).validate_python(details)
    return call


def extensions_of(call: CallRecord) -> set[str]:
    """Returns who took part, with who was called or called, also where nobody answered."""
    known = {each.extension for each in call.participants}
    caller = call.number if call.direction is Direction.INTERNAL else None
    return {each for each in (*known, call.extension, caller) if each}


def facilities_of(connection: sa.Connection, call: CallRecord) -> set[str]:
    """Returns the facilities that a call belongs to: its own, and those of all extensions that took part."""
    found = set(connection.scalars(_facilities(), {"numbers": list(extensions_of(call))}))
    return found | ({call.facility} if call.facility else set())


@cache
def _facilities() -> sa.Select[Any]:
    numbers: sa.BindParameter[Any] = sa.bindparam("numbers", expanding=True)
    return sa.select(extensions.c.facility).where(extensions.c.number.in_(numbers))


def _only(
    connection: sa.Connection,
    table: sa.Table,
    call: CallRecord,
    name: str,
    wanted: set[str],
    known: bool,
    **values: Any,
) -> None:
    """Makes the rows of a call in a table be those whose column `name` has these values, and no others; of
    one that was not `known` there are none."""
    if known:
        stale = (table.c.call_id == call.id) & table.c[name].not_in(wanted)
        connection.execute(table.delete().where(stale))
    rows = [{"call_id": call.id, name: each, **values} for each in wanted]
    if values and rows:
        statement = replacement(connection.dialect.name, table, ("call_id", name), tuple(values))
        connection.execute(statement, rows)
    else:
        insert_once(connection, table, *rows)
