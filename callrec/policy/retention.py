"""Until when a recording is kept. Pure; applying it (purge) is not done here."""

from __future__ import annotations

from datetime import datetime, timedelta

from callrec.model import Decision


def retain_until(decision: Decision, ended_at: datetime, *, incident: bool = False) -> datetime:
    """The moment until which the recording must be kept: days after the end of the call.

    An incident keeps the longer of the two retentions, never the shorter.
    """
    days = max(decision.retain_days, decision.retain_incident_days) if incident else decision.retain_days
    return ended_at + timedelta(days=days)
