"""Adds up how much was recorded, by facility. For `callrec facility report`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from callrec.catalogue.tables import calls, recordings
from callrec.model.captures import KeptBecause
from callrec.model.office import UNASSIGNED

KEPT_BY_KEY = (KeptBecause.KEY, KeptBecause.HELP)
"""Values of `kept_because` of recordings that staff have asked for."""

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
    by_key = recordings.c.kept_because.in_(KEPT_BY_KEY)
    incident = sa.case((calls.c.incident, calls.c.id))  # of a call with two recordings there is one
    facility = sa.func.coalesce(calls.c.facility, UNASSIGNED)
    query = (
        sa.select(
            facility,
            sa.func.count(calls.c.id.distinct()),
            sa.func.count(recordings.c.id),
            sa.func.coalesce(sa.func.sum(recordings.c.duration_s), 0.0),
            _count(by_key),
            sa.func.count(incident.distinct()),
        )
        .select_from(calls.join(recordings, recordings.c.call_id == calls.c.id, isouter=True))
        .where(calls.c.started_at >= begin, calls.c.started_at < end, sa.not_(calls.c.test))
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
