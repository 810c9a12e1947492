"""Keeps what a search goes by: one row for each line that it can show, a recording or a call without one.

All of it follows from calls, recordings, participants and call_facilities, and is written again with each
change of one of them. Which rows a search visits is the matter of callrec.catalogue.streams.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import count
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import grams
from callrec.catalogue.kinds import kind_of
from callrec.catalogue.places import SLOTS, place_of
from callrec.catalogue.tables import (
    call_facilities,
    calls,
    hit_extensions,
    hit_facilities,
    hits,
    participants,
    recordings,
)
from callrec.catalogue.writing import inserted
from callrec.model.captures import KeptBecause

KEPT_BY_KEY = (KeptBecause.KEY, KeptBecause.HELP)
"""Values of `kept_because` of recordings that staff have asked for."""
LONGEST_S = 2_000_000
"""Seconds of a recording that fit, in milliseconds, into 32 bits."""
_FOLLOWS = (hit_extensions, hit_facilities)
_REPEATED = ("place", "length_ms", "kind", "incident", "held")
"""What the rows of others that took part have of their hit: each is in the order of its own index."""
_RECORDED = [recordings.c[name] for name in ("id", "duration_s", "hold", "kept_because")]


def to_ms(seconds: Any) -> int:
    """Returns a length as hits have it: to the millisecond, as lists show it. What is damaged has none."""
    return round(seconds * 1000) if isinstance(seconds, (int, float)) and 0 <= seconds <= LONGEST_S else 0


def rewrite(connection: sa.Connection, call_id: str) -> None:
    """Writes the hits of a call as its rows are now. Twice is the same as once; without the call, nothing.

    The call is locked first, so that two who write about one call do it one after the other.
    """
    call = connection.execute(sa.select(calls).where(calls.c.id == call_id).with_for_update()).one_or_none()
    if call is None or not isinstance(call.started_at, datetime):
        return
    before, began = _remove(connection, call_id), place_of(call.started_at)
    if before and before[0] // SLOTS * SLOTS != began:
        grams.forget(connection, call_id, before[0] // SLOTS * SLOTS)
        grams.write(connection, call_id)
    if not _put(connection, rows_of(call, _recordings(connection, call_id)), _others(connection, call)):
        _put_in_order(connection, began, call_id)


def add(connection: sa.Connection, call: Any, extensions: Iterable[str], facilities: Iterable[str]) -> None:
    """Writes the hit of a new call, of which nothing is recorded yet."""
    if not _put(connection, rows_of(call, []), others_of(call, extensions, facilities)):
        _put_in_order(connection, place_of(call.started_at), call.id)


def calls_of(extension: str) -> sa.CompoundSelect[Any]:
    """Returns the query for the ids of the calls in which an extension took part."""
    filed = sa.select(hits.c.call_id).where(hits.c.extension == extension)
    beside = sa.select(hits.c.call_id).join(hit_extensions, hit_extensions.c.place == hits.c.place)
    return filed.union(beside.where(hit_extensions.c.extension == extension))


def rows_of(call: Any, kept: Sequence[Any]) -> list[dict[str, Any]]:
    """Returns the hits of a call, each at the place that it has if no other call began in the same moment."""
    return [_row(call, each, number) for number, each in enumerate(kept or [None])]


def others_of(call: Any, extensions: Iterable[str], facilities: Iterable[str]) -> dict[str, list[str]]:
    """Returns who took part beside those under whom a call is filed, by the column that has them."""
    return {
        "extension": sorted(set(extensions) - {call.extension}),
        "facility": sorted(set(facilities) - {call.facility}),
    }


def following(row: dict[str, Any], others: dict[str, list[str]]) -> dict[sa.Table, list[dict[str, Any]]]:
    """Returns the rows that follow from a hit, by their tables: one for each of the others."""
    repeated = {name: row[name] for name in _REPEATED}
    filed = {**repeated, "filed": row["facility"]}
    return {
        hit_extensions: [{**repeated, "extension": each} for each in others["extension"]],
        hit_facilities: [{**filed, "facility": each} for each in others["facility"]],
    }


def _row(call: Any, kept: Any, number: int) -> dict[str, Any]:
    return {
        "place": place_of(call.started_at) + number,
        "call_id": call.id,
        "recording_id": kept.id if kept else None,
        "leads": number == 0,
        "kind": kind_of(
            recorded=kept is not None, test=bool(call.test), direction=call.direction, mode=call.mode
        ),
        "length_ms": to_ms(kept.duration_s) if kept else None,
        "incident": bool(call.incident),
        "held": bool(kept and kept.hold),
        "by_key": bool(kept and kept.kept_because in KEPT_BY_KEY),
        "facility": call.facility,
        "extension": call.extension,
        "number": call.number,
    }


def _recordings(connection: sa.Connection, call_id: str) -> Sequence[Any]:
    query = sa.select(*_RECORDED).where(recordings.c.call_id == call_id).order_by(recordings.c.id)
    return connection.execute(query).all()


def _others(connection: sa.Connection, call: Any) -> dict[str, list[str]]:
    extensions = sa.select(participants.c.extension).where(participants.c.call_id == call.id)
    facilities = sa.select(call_facilities.c.facility).where(call_facilities.c.call_id == call.id)
    found = (connection.execute(query).scalars().all() for query in (extensions, facilities))
    return others_of(call, *found)


def _put(connection: sa.Connection, rows: Iterable[dict[str, Any]], others: dict[str, list[str]]) -> bool:
    """Writes hits and what follows from them. Returns whether the place of each was free."""
    for row in rows:
        if not inserted(connection, hits, row):
            return False
        for table, some in following(row, others).items():
            if some:
                connection.execute(table.insert(), some)
    return True


def _put_in_order(connection: sa.Connection, began: int, call_id: str) -> None:
    """Writes the hits of all calls that began in one microsecond, in the order of their ids, whatever came
    first: so a catalogue that is made again shows them as before."""
    of_moment = hits.c.place.between(began, began + SLOTS - 1)
    some = {call_id, *connection.execute(sa.select(hits.c.call_id).where(of_moment)).scalars()}
    query = sa.select(calls).where(calls.c.id.in_(some)).order_by(calls.c.id)
    found = [each for each in connection.execute(query).all() if _began_at(each, began)]
    for call in found:
        _remove(connection, call.id)
    taken = set(connection.execute(sa.select(hits.c.place).where(of_moment)).scalars())  # by damaged rows
    free = (place for place in count(began) if place not in taken)
    for call in found:
        rows = rows_of(call, _recordings(connection, call.id))
        _put(connection, [{**row, "place": next(free)} for row in rows], _others(connection, call))


def _began_at(call: Any, began: int) -> bool:
    return isinstance(call.started_at, datetime) and place_of(call.started_at) == began


def _remove(connection: sa.Connection, call_id: str) -> list[int]:
    """Removes the hits of a call. Returns their places."""
    found = sa.select(hits.c.place).where(hits.c.call_id == call_id).order_by(hits.c.place)
    places = list(connection.execute(found).scalars())
    if places:
        for table in (*_FOLLOWS, hits):
            connection.execute(table.delete().where(table.c.place.in_(places)))
    return places
