"""Finds who heard recordings or gave them out in a span of time, for the report that a manager signs.

Only what is about calls within a reach is found. The log itself is callrec.catalogue.custody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import ASKED_FOR, calls, custody, recordings
from callrec.catalogue.within import within
from callrec.model.access import Reach

GIVEN = ("heard", "fetched", "exported", "linked", "handed-over")
"""Actions by which somebody heard a recording, or got it out of the archive."""
WITHDRAWN = "copy-mistaken"
"""A copy that was handed over by what the log says, was not: the report lists that too, and counts it not."""
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ReportedAccess:
    """Somebody heard a recording or gave it out. `facility` and `extension` are those of its call.

    `role` and `through` are empty in rows from before there were any; `request` is None where none was given.
    """

    at: datetime
    who: str
    role: str
    action: str
    recording_id: str
    facility: str | None
    extension: str | None
    request: str | None
    through: str


_READ = RowReader(ReportedAccess, "custody", "seq")
_CALL = sa.func.coalesce(recordings.c.call_id, custody.c.recording_id)
"""The call of a row. A refusal may name a call that has no recording."""
_ROWS = custody.join(recordings, recordings.c.id == custody.c.recording_id, isouter=True)


def accesses(connection: sa.Connection, begin: datetime, end: datetime, reach: Reach) -> list[ReportedAccess]:
    """Returns who heard or gave out what in a half-open span of time, in the order in which it was done."""
    query = (
        sa.select(custody, calls.c.facility, calls.c.extension)
        .select_from(_ROWS.join(calls, calls.c.id == recordings.c.call_id, isouter=True))
        .where(*_during(begin, end), *within(_CALL, reach), custody.c.action.in_((*GIVEN, WITHDRAWN)))
        .order_by(custody.c.at, custody.c.seq)
    )
    return [_READ(row, _values) for row in connection.execute(query)]


def refusals(connection: sa.Connection, begin: datetime, end: datetime, reach: Reach) -> int:
    """Returns how often something was refused; one row may stand for several.

    What was about no recording is counted for everybody, but for what is there and out of sight: whoever
    asked would learn by the count that it is.
    """
    of_none = custody.c.recording_id == ""
    reached = sa.and_(sa.true(), *within(_CALL, reach))
    query = (
        sa.select(custody.c.details, reached.label("reached"))
        .select_from(_ROWS)
        .where(*_during(begin, end), sa.or_(of_none, reached), custody.c.action == REFUSED)
    )
    rows = ((row.details, row.reached) for row in connection.execute(query) if isinstance(row.details, dict))
    return sum(
        int(said.get("times") or 1) for said, reached in rows if reached or said.get("out_of_sight") is None
    )


def _during(begin: datetime, end: datetime) -> list[sa.ColumnElement[bool]]:
    return [sa.literal_column(f"custody.{ASKED_FOR}"), custody.c.at >= begin, custody.c.at < end]


def _values(row: Any) -> dict[str, Any]:
    return {
        "at": row.at,
        "who": row.who,
        "role": row.details.get("role", ""),
        "action": row.action,
        "recording_id": row.recording_id,
        "facility": row.facility,
        "extension": row.extension,
        "request": row.details.get("request") or None,
        "through": row.details.get("through", ""),
    }
