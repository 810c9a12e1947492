"""Adds up how much was recorded, by facility. For `callrec facility report`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from callrec.catalogue.kinds import TEST
from callrec.catalogue.places import place_of
from callrec.catalogue.tables import hits, recordings
from callrec.model.office import UNASSIGNED

WIDEBAND_RATE = 16000
"""The rate of a track of which none is written down, in Hz."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened at one facility in a span of time. `seconds` is the length of all its recordings."""

    calls: int = 0
    recordings: int = 0
    seconds: float = 0.0
    kept_by_key: int = 0
    incidents: int = 0


def activity(connection: sa.Connection, begin: datetime, end: datetime) -> dict[str, Activity]:
    """Returns the activity of each facility in a half-open span of time, but of none without a call.

    A call belongs to the facility under which it was filed, also when its extension has moved since.
    """
    facility = sa.func.coalesce(hits.c.facility, UNASSIGNED)
    query = (
        sa.select(
            facility,
            _count(hits.c.leads),
            sa.func.count(hits.c.recording_id),
            sa.func.coalesce(sa.func.sum(hits.c.length_ms), 0) / 1000.0,
            _count(hits.c.by_key),
            _count(hits.c.leads & hits.c.incident),
        )
        .where(hits.c.place >= place_of(begin), hits.c.place < place_of(end))
        .where(hits.c.kind.bitwise_and(TEST) == 0)
        .group_by(facility)
    )
    return {row[0]: Activity(*row[1:]) for row in connection.execute(query)}


def spool_bytes(connection: sa.Connection, begin: datetime, end: datetime) -> float:
    """Returns what the recordings of a half-open span of time took in the spool until they were archived: the
    FLAC, and both tracks as they came from the PBX, of 16 bits."""
    rate = sa.func.coalesce(recordings.c.sample_rate, WIDEBAND_RATE)
    tracks = recordings.c.duration_s * rate * 2 * 2
    query = sa.select(sa.func.coalesce(sa.func.sum(recordings.c.size + tracks), 0.0)).where(
        recordings.c.started_at >= begin, recordings.c.started_at < end
    )
    return float(connection.execute(query).scalar_one())


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)
