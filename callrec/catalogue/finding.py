"""Finds calls and recordings: by id, or by date, extension, number and what was written about them.

Everything takes a Reach, and what is out of reach is as if it were not there; callrec itself looks
everywhere. Who reaches what is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue.among import among
from callrec.catalogue.calls import ArchivedRecording, read_recording
from callrec.catalogue.rows import RowReader, read_all
from callrec.catalogue.searching import NO_LENGTH, first_places
from callrec.catalogue.shapes import Mark
from callrec.catalogue.tables import calls, hits, recordings
from callrec.catalogue.within import within
from callrec.errors import CatalogueDamaged, NotFound, OutOfSight, WrongUsage
from callrec.ids import ID, pasted
from callrec.model.access import Reach
from callrec.model.calls import CallRecord
from callrec.model.captures import Custody
from callrec.model.found import SearchQuery
from callrec.texts import on_one_line

SHORTEST_PREFIX = 8
AT_ONCE = 500
"""Lines in one query."""
FIRST_ID = "00000000-0000-0000-0000-000000000000"
_READ_CALL = RowReader(CallRecord, "calls", "id")
_READ_FOUND_RECORDING = RowReader(ArchivedRecording, "recordings", "r_id")


@dataclass(frozen=True, slots=True)
class _Erased:
    """What a row of a call says beside the call itself."""

    erased_at: datetime | None


_READ_ERASED = RowReader(_Erased, "calls", "id")


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One line of a search: a call, and its recording where there is one.

    `erased_at`: when numbers and names were taken out of the call, long after it.
    """

    call: CallRecord
    recording: ArchivedRecording | None
    erased_at: datetime | None = None


def recording(connection: sa.Connection, id_: str, *, reach: Reach) -> ArchivedRecording:
    """Returns a recording by its id, or by a beginning of it of 8 characters or more.

    Raises NotFound (OutOfSight for one that is there, but out of reach), and WrongUsage when it fits several
    or no id begins so.
    """
    return read_recording(_one(connection, recordings, recordings.c.call_id, id_, reach))


def call(connection: sa.Connection, id_: str, *, reach: Reach) -> CallRecord:
    """Returns a call by its id or the beginning of it. Raises as `recording` does."""
    return _call(_one(connection, calls, calls.c.id, id_, reach))


def look_up(connection: sa.Connection, id_: str, *, reach: Reach) -> SearchHit:
    """Returns the first of what `look_up_all` does."""
    return look_up_all(connection, id_, reach=reach)[0]


def look_up_all(connection: sa.Connection, id_: str, *, reach: Reach) -> list[SearchHit]:
    """Returns the recording of an id, or of its beginning, with its call; else the call of that id with each
    of its recordings, the oldest first, or alone where it has none. Raises as `recording` does."""
    try:
        kept = recording(connection, id_, reach=reach)
    except NotFound as error:
        row = _call_row(connection, id_, reach, error)
        query = sa.select(recordings).where(recordings.c.call_id == row.id).order_by(recordings.c.id)
        found = [_hit(row, read_recording(each)) for each in connection.execute(query)]
        return found or [_hit(row, None)]
    return [_hit(_one(connection, calls, calls.c.id, kept.call_id, reach), kept)]


def search(
    connection: sa.Connection,
    wanted: SearchQuery,
    passed_over: Callable[[CatalogueDamaged], None] | None = None,
    *,
    reach: Reach,
) -> list[SearchHit]:
    """Returns the recordings (with `all_calls`: also the calls without one) that fit.

    Raises NotFound where `after` is not there, as `recording` does. Damaged rows are told to `passed_over`,
    and left out; without it, raises CatalogueDamaged for the first.
    """
    return read_all(found_rows(connection, wanted, _WHOLE, reach), _found, passed_over)


def found_rows(
    connection: sa.Connection, wanted: SearchQuery, of_lines: sa.Select[Any], reach: Reach
) -> Iterator[Any]:
    """Yields what a query `of_lines` has of the lines of a search, in their order."""
    mark = None if wanted.after is None else _mark(connection, wanted.after, reach)
    places = first_places(connection, wanted, reach, mark)
    for begin in range(0, len(places), AT_ONCE):
        some = places[begin : begin + AT_ONCE]
        rows = {row.place: row for row in connection.execute(of_lines, {"places": some})}
        yield from (rows[place] for place in some if place in rows)


def lines_of(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Returns the query for columns of the hits at some `places`, their calls and recordings."""
    of_call = hits.join(calls, calls.c.id == hits.c.call_id)
    source = of_call.join(recordings, recordings.c.id == hits.c.recording_id, isouter=True)
    return sa.select(hits.c.place, *columns).select_from(source).where(among(hits.c.place, "places"))


_WHOLE = lines_of(*calls.c, *(column.label(f"r_{column.name}") for column in recordings.c))


def whole_line(connection: sa.Connection, place: int) -> SearchHit:
    """Returns the line at a place. Raises CatalogueDamaged, and names what is damaged."""
    return _found(connection.execute(_WHOLE, {"places": [place]}).one())


def _mark(connection: sa.Connection, id_: str, reach: Reach) -> Mark:
    """Returns where the recording or call of an id, or of its beginning, stands among all. Raises as
    `recording` does."""
    found = look_up(connection, id_, reach=reach)
    recorded = hits.c.recording_id == found.recording.id if found.recording else sa.true()
    of_call = sa.select(hits.c.place, hits.c.length_ms).where(hits.c.call_id == found.call.id, recorded)
    row = connection.execute(of_call.order_by(hits.c.place).limit(1)).one_or_none()
    if row is None:
        raise _missing(id_, None)
    return Mark(row.place, NO_LENGTH if row.length_ms is None else row.length_ms)


def recording_ids(connection: sa.Connection, *, reach: Reach) -> list[str]:
    """Returns the ids of all recordings that are in the archive, the oldest first."""
    query = sa.select(recordings.c.id).where(
        recordings.c.state == Custody.ARCHIVED, *within(recordings.c.call_id, reach)
    )
    return list(connection.execute(query.order_by(recordings.c.id)).scalars())


def _call_row(connection: sa.Connection, id_: str, reach: Reach, no_recording: NotFound) -> Any:
    """Returns the row of a call. Raises what was raised of a recording rather than that there is none."""
    try:
        return _one(connection, calls, calls.c.id, id_, reach)
    except OutOfSight:
        raise
    except NotFound:
        raise no_recording from None


def _one(
    connection: sa.Connection, table: sa.Table, call_id: sa.ColumnElement[Any], id_: str, reach: Reach
) -> Any:
    """Returns the row of an id or its beginning. Raises NotFound, and WrongUsage when several fit."""
    first, last = span(id_)
    fits = table.c.id.between(first, last)
    rows = connection.execute(sa.select(table).where(fits, *within(call_id, reach)).limit(2)).all()
    if not rows:
        raise _missing(id_, connection.scalar(sa.select(table.c.id).where(fits).limit(1)))
    if len(rows) > 1:
        raise WrongUsage("{id} fits several recordings or calls: give more of it", id=id_)
    return rows[0]


def _missing(id_: str, hidden: str | None) -> NotFound:
    """Returns the error for an id that is not there, or is `hidden` from who asks, in the same words."""
    missing = NotFound("there is no recording or call {id}: see callrec search", id=id_)
    return OutOfSight(missing.template, recording_id=hidden, **missing.values) if hidden else missing


def span(id_: str) -> tuple[str, str]:
    """Returns the first and the last id that begin so. Raises WrongUsage when no id begins so.

    Ids of one form sort alike under every collation, so the index of the primary key serves.
    """
    prefix = pasted(id_)
    first, last = (prefix + fill[len(prefix) :] for fill in (FIRST_ID, FIRST_ID.replace("0", "f")))
    if not ID.fullmatch(first):
        raise WrongUsage("{id} is no id, nor the beginning of one: see callrec search", id=on_one_line(id_))
    if len(prefix) < SHORTEST_PREFIX:  # decision 6
        raise WrongUsage(
            "{id} is too short for an id: give its first 8 characters or more", id=on_one_line(id_)
        )
    return first, last


def _call(row: Any) -> CallRecord:
    return _READ_CALL(row, lambda row: row.details)


def _found(row: Any) -> SearchHit:
    if row.r_id is None:
        return _hit(row, None)
    kept = _READ_FOUND_RECORDING(
        row, lambda row: {name: getattr(row, f"r_{name}") for name in ArchivedRecording.__dataclass_fields__}
    )
    return _hit(row, kept)


def _hit(row: Any, kept: ArchivedRecording | None) -> SearchHit:
    erased = _READ_ERASED(row, lambda row: {"erased_at": row.erased_at})
    return SearchHit(_call(row), kept, erased.erased_at)
