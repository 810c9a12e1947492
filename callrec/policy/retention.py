"""Tells until when a recording is kept.

The moment is written into the manifest (`spool.recording_builder`), and the lock in S3 keeps both objects
until then (`archive.s3`). What is past it is destroyed by `callrec purge` (`lifecycle.purge`), and by nothing
else in callrec.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from callrec.model.rules import Decision
from callrec.moments import is_possible

LONGEST_DAYS = 36_525
"""A hundred years: stores refuse more, and the calendar of computers ends."""


def counted_from(ended_at: datetime, now: datetime) -> datetime:
    """Returns the moment from which the days are counted: the end of the call; now, where no call can have
    ended then, because a clock was wrong. So no recording is kept for less than its days, and none for ever.
    """
    return ended_at if is_possible(ended_at, now) else now


def retain_until(decision: Decision, ended_at: datetime, *, incident: bool = False) -> datetime:
    """Returns the moment until which a recording must be kept: days after the end of the call.

    `decision` is that of the call (`CallRecord.decision`): in force when the recording began, or, of one on
    standby, when it came to be kept.
    An incident keeps the longer of the two retentions, never the shorter. No rule can ask for more than
    LONGEST_DAYS now; a decision that did must not keep its recording from the archive.
    """
    days = max(decision.retain_days, decision.retain_incident_days) if incident else decision.retain_days
    return ended_at + timedelta(days=min(days, LONGEST_DAYS))
