"""Reads of calls and recordings what a list shows, and no more: a list has a hundred of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import finding
from callrec.catalogue.packing import outline, unpack
from callrec.catalogue.rows import RowReader, Unreadable, read_all
from callrec.catalogue.tables import calls, hits, recordings
from callrec.errors import CatalogueDamaged
from callrec.model.access import Reach
from callrec.model.found import FoundCall, SearchQuery

_OF_CALL = [
    *("started_at", "facility", "extension", "number", "direction", "mode", "outcome", "discarded_at"),
    *("incident", "erased_at"),
]
_OF_RECORDING = [
    *("started_at", "duration_s", "kept_because", "announced", "state", "hold", "retain_until", "sha256"),
    *("key", "silences"),
]
_SHOWN = finding.lines_of(
    hits.c.recording_id,
    hits.c.call_id,
    sa.type_coerce(calls.c.details, sa.LargeBinary).label("details"),
    *(calls.c[name] for name in _OF_CALL),
    *(recordings.c[name].label(f"r_{name}") for name in _OF_RECORDING),
)
_READ = RowReader(FoundCall, "calls", "call_id")


def search(
    connection: sa.Connection,
    wanted: SearchQuery,
    passed_over: Callable[[CatalogueDamaged], None] | None = None,
    *,
    reach: Reach,
) -> list[FoundCall]:
    """Returns the lines of what `finding.search` does, with the same errors."""
    rows = finding.found_rows(connection, wanted, _SHOWN, reach)
    return read_all(rows, partial(_line, connection), passed_over)


def _line(connection: sa.Connection, row: Any) -> FoundCall:
    """Returns a line. What is damaged is named by what reads all of a row."""
    try:
        return _READ(row, _values)
    except CatalogueDamaged:
        finding.whole_line(connection, row.place)
        raise


def _values(row: Any) -> dict[str, Any]:
    recorded = row.recording_id is not None
    if Unreadable in map(type, row):  # also of what this line does not show
        raise TypeError("damaged")
    announced, unannounced_at = _said(row.details, recorded=recorded)
    return {
        "id": row.recording_id,
        "call_id": row.call_id,
        "started_at": row.r_started_at if recorded else row.started_at,
        "duration_s": round(row.r_duration_s, 3) if recorded else None,
        "facility": row.facility,
        "extension": row.extension,
        "number": None if row.erased_at else row.number,
        "direction": row.direction,
        "mode": row.mode,
        "outcome": row.outcome,
        "discarded_at": row.discarded_at,
        "unannounced_at": unannounced_at,
        "kept_because": row.r_kept_because,
        "incident": row.incident,
        "announced": row.r_announced if recorded else announced,
        "state": row.r_state,
        "hold": row.r_hold if recorded else False,
        "retain_until": row.r_retain_until,
        "sha256": row.r_sha256,
        "key": row.r_key,
    }


def _said(details: Any, *, recorded: bool) -> tuple[bool, Any]:
    """Returns what only the details of a call say: whether an announcement was played to its end, where that
    is not written with the recording, and since when the call must not be recorded for lack of one."""
    told = outline(details)
    try:
        announced = not recorded and any(each["complete"] for each in told["announcements"])
        is_barred = told["unannounced_at"] is not None
    except KeyError as error:
        raise ValueError(str(error)) from error
    return announced, unpack(details)["unannounced_at"] if is_barred else None
