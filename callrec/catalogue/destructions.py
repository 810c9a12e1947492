"""Keeps what is past its time, what is being destroyed, and what could not be.

A row of `destructions` is written before the first object goes and stays for good; one that was begun and is
not finished says that somebody has to go on. The steps are those of lifecycle.purge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue.calls import OF_MANIFEST
from callrec.catalogue.database import Connection
from callrec.catalogue.rows import RowReader, read_all
from callrec.catalogue.tables import calls, custody, destructions, holds, recordings
from callrec.catalogue.within import within
from callrec.catalogue.writing import insert_once
from callrec.errors import CatalogueDamaged, Sentence
from callrec.model.access import Reach
from callrec.model.captures import Custody, RetainedBecause
from callrec.sentence_field import SentenceField
from callrec.sentences import plain


@dataclass(frozen=True, slots=True)
class DueRecording:
    """A recording whose destruction is due or was begun, with what decides about it.

    `rule` and `version` are those of its call's decision, `because` says what of them set `retain_until`.
    `begun`: its intent is written.
    """

    id: str
    facility: str | None
    rule: int | None
    version: int | None
    ended_at: datetime | None
    because: RetainedBecause
    retain_until: datetime | None
    held: bool
    begun: bool
    sha256: str
    manifest_sha256: str
    key: str
    manifest_key: str
    archived: str | None
    """The version of the sound that was archived; `manifest_archived` that of the manifest. None without
    versioning."""
    manifest_archived: str | None

    @property
    def base(self) -> str:
        """How the keys begin of all that belongs to it, without the dot."""
        return self.key.removesuffix(".flac")

    @property
    def objects(self) -> tuple[tuple[str, str | None], ...]:
        """The keys of both objects, each with the version that was archived."""
        return (self.key, self.archived), (self.manifest_key, self.manifest_archived)

    def reason(self) -> dict[str, Any]:
        """Returns what decided, and what went, as the custody log has it."""
        return {
            "rule": self.rule,
            "version": self.version,
            "because": self.because.value,
            "retain_until": self.retain_until.isoformat() if self.retain_until else None,
            "sha256": self.sha256,
            "manifest_sha256": self.manifest_sha256,
            "key": self.key,
        }


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why a destruction could not be finished."""

    recording_id: str
    problem: SentenceField


@dataclass(frozen=True, slots=True)
class _LeftOver:
    """How many are past their time, and since when."""

    count: int
    first: datetime | None


_OPEN = destructions.c.begun_at.is_not(None) & destructions.c.finished_at.is_(None)
_HELD = (
    recordings.c.hold
    | sa.exists().where(holds.c.recording_id == recordings.c.id, holds.c.released_at.is_(None))
).label("held")
_ALL = (
    sa.select(
        recordings.c.id,
        calls.c.facility,
        calls.c.rule,
        calls.c.rule_version.label("version"),
        calls.c.ended_at,
        recordings.c.retained_because.label("because"),
        recordings.c.retain_until,
        _HELD,
        destructions.c.begun_at.is_not(None).label("begun"),
        recordings.c.sha256,
        recordings.c.manifest_sha256,
        recordings.c.key,
        recordings.c.version.label("archived"),
        recordings.c.manifest_version.label("manifest_archived"),
    )
    .select_from(
        recordings.join(calls, calls.c.id == recordings.c.call_id).join(
            destructions, destructions.c.recording_id == recordings.c.id, isouter=True
        )
    )
    .where(recordings.c.state == Custody.ARCHIVED)
)
_READ = RowReader(DueRecording, "recordings", "id")
_READ_LEFT = RowReader(_LeftOver, "recordings")
_READ_PROBLEM = RowReader(_Problem, "destructions", "recording_id")


def due(
    connection: Connection, now: datetime, passed_over: Callable[[CatalogueDamaged], None] | None = None
) -> list[DueRecording]:
    """Returns what was begun to be destroyed, and then what is past its time, the longest past first.

    Damaged rows are told to `passed_over`, and left out; without it, raises CatalogueDamaged for the first.
    """
    wanted = _ALL.where((recordings.c.retain_until <= now) | _OPEN)
    order = destructions.c.begun_at.is_(None), recordings.c.retain_until, recordings.c.id
    return read_all(connection.execute(wanted.order_by(*order)), _read, passed_over)


def find(connection: Connection, recording_id: str, *, for_change: bool = False) -> DueRecording | None:
    """Returns a recording as it is now; None where it is destroyed.

    `for_change`: whoever wants to hold it waits until this transaction is over.
    """
    query = _ALL.where(recordings.c.id == recording_id)
    row = connection.execute(query.with_for_update(of=recordings) if for_change else query).one_or_none()
    return _read(row) if row else None


def archived(connection: Connection) -> int:
    """Returns how many recordings are in the archive."""
    query = sa.select(sa.func.count()).where(recordings.c.state == Custody.ARCHIVED)
    return int(connection.execute(query).scalar_one())


def is_begun(connection: Connection, recording_id: str) -> bool:
    """Returns whether a recording is to be destroyed: some of it may be gone already."""
    query = sa.select(destructions.c.recording_id).where(destructions.c.recording_id == recording_id, _OPEN)
    return connection.scalar(query) is not None


def is_stopped(connection: Connection, recording_id: str) -> bool:
    """Returns whether a destruction was begun and something kept it from going on, until the next run."""
    stopped = _OPEN & destructions.c.problem.is_not(None)
    query = sa.select(destructions.c.recording_id).where(destructions.c.recording_id == recording_id, stopped)
    return connection.scalar(query) is not None


def begin(connection: Connection, each: DueRecording, *, who: str, at: datetime) -> None:
    """Writes that a recording is to be destroyed, and why."""
    row = {"recording_id": each.id, "begun_at": at, "begun_by": who, "reason": each.reason()}
    insert_once(connection, destructions, row)


def go_on(connection: Connection, recording_id: str) -> None:
    """Writes that a destruction that was begun goes on, whatever stopped it before."""
    row = destructions.update().where(destructions.c.recording_id == recording_id, _OPEN)
    connection.execute(row.values(problem=None))


def withdraw(connection: Connection, recording_id: str) -> None:
    """Takes an intent back of which nothing was done."""
    connection.execute(destructions.delete().where(destructions.c.recording_id == recording_id, _OPEN))


def tell(connection: Connection, recording_id: str, problem: Sentence) -> None:
    """Writes why a destruction that was begun could not be finished."""
    row = destructions.update().where(destructions.c.recording_id == recording_id, _OPEN)
    connection.execute(row.values(problem=plain(problem)))


def finish(connection: Connection, recording_id: str, at: datetime) -> bool:
    """Writes that a recording is destroyed, and takes away what its manifest said. Returns False where that
    was so."""
    there = (recordings.c.id == recording_id) & (recordings.c.state == Custody.ARCHIVED)
    gone = {"state": Custody.DESTROYED, "destroyed_at": at, **dict.fromkeys(OF_MANIFEST)}
    changed = connection.execute(recordings.update().where(there).values(gone)).rowcount
    finished = destructions.update().where(destructions.c.recording_id == recording_id, _OPEN)
    connection.execute(finished.values(finished_at=at, problem=None))
    return changed == 1


def problems(connection: Connection, reach: Reach) -> list[tuple[str, Sentence]]:
    """Returns the recordings that could not be destroyed and why, of the calls in reach, the oldest first."""
    query = (
        sa.select(destructions.c.recording_id, destructions.c.problem)
        .join(recordings, recordings.c.id == destructions.c.recording_id)
        .where(_OPEN, destructions.c.problem.is_not(None), *within(recordings.c.call_id, reach))
        .order_by(destructions.c.begun_at, destructions.c.recording_id)
    )
    found = [_READ_PROBLEM(row, lambda row: row._asdict()) for row in connection.execute(query)]
    return [(each.recording_id, each.problem) for each in found]


def left_over(connection: Connection, before: datetime, reach: Reach) -> tuple[int, datetime] | None:
    """Returns how many recordings were to be destroyed before a moment, and the earliest of these moments;
    None where all of them were. What is held does not count, nor what `problems` tells of."""
    told = sa.exists().where(
        destructions.c.recording_id == recordings.c.id, _OPEN, destructions.c.problem.is_not(None)
    )
    number, first = sa.func.count(), sa.func.min(recordings.c.retain_until)
    query = sa.select(number.label("count"), first.label("first")).where(
        recordings.c.state == sa.literal_column(f"'{Custody.ARCHIVED}'"),  # as the index has it
        recordings.c.retain_until < before,
        sa.not_(_HELD.element),
        sa.not_(told),
        *within(recordings.c.call_id, reach),
    )
    found = _READ_LEFT(connection.execute(query).one(), lambda row: row._asdict())
    return (found.count, found.first) if found.first else None


def newest_entry(connection: Connection) -> datetime | None:
    """Returns when the newest row of the custody log was written; None of an empty log. That a backup was
    put back does not count: what was written after that backup is not known by it."""
    query = sa.select(custody.c.at).where(custody.c.action != "restored")
    query = query.order_by(custody.c.seq.desc()).limit(1)
    found: datetime | None = connection.scalar(query)
    return found


def _read(row: Any) -> DueRecording:
    manifest_key = f"{str(row.key).removesuffix('.flac')}.manifest.json"
    return _READ(row, lambda row: {**row._asdict(), "manifest_key": manifest_key})
