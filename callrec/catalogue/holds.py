"""Keeps legal holds: why a recording must not be destroyed, whatever its retention says.

A recording may have several, each with its reason; it is held until the last was released. What is released
stays on record.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec import ids
from callrec.catalogue import hits
from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import calls, holds, recordings
from callrec.catalogue.within import within
from callrec.model.access import Reach


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold of one recording: who wants it kept, since when, why, and for which request."""

    id: str
    recording_id: str
    at: datetime
    who: str
    reason: str
    request: str | None
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None

    def without(self, numbers: Collection[str]) -> Hold:
        """Returns the hold as it is shown to who may not know of the requests of these numbers."""
        return replace(self, request=None) if self.request in numbers else self


@dataclass(frozen=True, slots=True)
class HeldRecording:
    """A hold that is in force, and whose call it is about."""

    hold: Hold
    facility: str | None
    extension: str | None


_READ = RowReader(Hold, "holds", "id")
_READ_HELD = RowReader(HeldRecording, "holds", "id")
_NAMES = tuple(Hold.__dataclass_fields__)
_IN_FORCE = holds.c.released_at.is_(None)


def of_recording(connection: sa.Connection, recording_id: str) -> list[Hold]:
    """Returns all holds of a recording, also those that were released, the oldest first."""
    query = sa.select(holds).where(holds.c.recording_id == recording_id).order_by(holds.c.at, holds.c.id)
    return [_hold(row) for row in connection.execute(query)]


def in_force(connection: sa.Connection, recording_id: str) -> list[Hold]:
    """Returns the holds of a recording that were not released, the oldest first."""
    return [each for each in of_recording(connection, recording_id) if each.released_at is None]


def everywhere(connection: sa.Connection, reach: Reach) -> list[HeldRecording]:
    """Returns all holds in force of recordings within reach, the oldest first."""
    query = (
        sa.select(holds, calls.c.facility, calls.c.extension)
        .join(recordings, recordings.c.id == holds.c.recording_id)
        .join(calls, calls.c.id == recordings.c.call_id)
        .where(_IN_FORCE, *within(calls.c.id, reach))
        .order_by(holds.c.at, holds.c.id)
    )
    return [_READ_HELD(row, _held) for row in connection.execute(query)]


def add(
    connection: sa.Connection, recording_id: str, reason: str, request: str | None, *, who: str, at: datetime
) -> str:
    """Writes a hold, and that the recording is held. Returns the hold's id."""
    id_, row = ids.new(), {"reason": reason, "request": request, "who": who, "at": at}
    connection.execute(holds.insert().values(id=id_, recording_id=recording_id, **row))
    _agree(connection, recording_id)
    return id_


def release(
    connection: sa.Connection,
    recording_id: str,
    released: Collection[Hold],
    reason: str,
    *,
    who: str,
    at: datetime,
) -> None:
    """Writes that holds are released, and whether the recording is held still."""
    these = holds.c.id.in_([each.id for each in released]) & _IN_FORCE
    connection.execute(
        holds.update().where(these).values(released_at=at, released_by=who, release_reason=reason)
    )
    _agree(connection, recording_id)


def _agree(connection: sa.Connection, recording_id: str) -> None:
    """Makes the recording's own row, and its hit, say whether there is a hold in force."""
    left = sa.select(holds.c.id).where(holds.c.recording_id == recording_id, _IN_FORCE).exists()
    known = recordings.c.id == recording_id
    connection.execute(recordings.update().where(known).values(hold=sa.select(left).scalar_subquery()))
    hits.rewrite(connection, connection.execute(sa.select(recordings.c.call_id).where(known)).scalar_one())


def _hold(row: Any) -> Hold:
    return _READ(row, _values)


def _held(row: Any) -> dict[str, Any]:
    return {"hold": _values(row), "facility": row.facility, "extension": row.extension}


def _values(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _NAMES}
