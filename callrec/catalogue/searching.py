"""Makes the query of a search: it visits as many hits as it shows, not as many as there are.

The first hits of each stream (callrec.catalogue.streams), by time or by length as the search sorts them, are
put together, sorted, and the first of them taken. A search by two ranges (the longest of some days, the
newest of a length) has no index of both. Where one of them has few hits, those are collected and sorted; else
hits of both are so common that the first in the order that is asked are soon found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import kinds
from callrec.catalogue.places import place_of
from callrec.catalogue.query import SearchQuery
from callrec.catalogue.streams import Conditions, Stream, streams
from callrec.catalogue.tables import hit_facilities, hits, note_grams
from callrec.model.access import Reach

AT_HAND = 10_000
"""Hits that are collected and sorted rather than looked for in the order that is asked."""
NO_LENGTH = -1.0
"""Sorts calls without a recording after those with one."""
ORDERS: dict[str, Callable[[Any, Any], list[Any]]] = {
    "newest": lambda place, _length: [place.desc()],
    "oldest": lambda place, _length: [place.asc()],
    "longest": lambda place, length: [length.desc(), place.desc()],
}
"""What each of SORTS sorts by."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The hit after which a page begins."""

    place: int
    length: float


def first_hits(
    connection: sa.Connection, wanted: SearchQuery, reach: Reach, mark: Mark | None = None
) -> sa.Select[Any]:
    """Returns the query for `place` and `length` of the hits that a search shows, in its order."""
    some = streams(wanted, reach, _kinds(connection, wanted))
    if not some:
        return sa.select(hits.c.place, hits.c.duration_s.label("length")).where(sa.false())
    return _Search(wanted, mark, some).query(connection)


def _kinds(connection: sa.Connection, wanted: SearchQuery) -> list[int]:
    unrecorded = wanted.all_calls and wanted.min_duration_s is None and not wanted.held
    asked = {"direction": wanted.direction, "mode": wanted.mode}
    return [
        each
        for each in kinds.there(connection)
        if kinds.fits(each, unrecorded=unrecorded, tests=wanted.test_calls, **asked)
    ]


@dataclass(frozen=True, slots=True)
class _Search:
    """One search, over its streams."""

    wanted: SearchQuery
    mark: Mark | None
    streams: Sequence[Stream]

    @property
    def _by_length(self) -> bool:
        return self.wanted.sort == "longest"

    def query(self, connection: sa.Connection) -> sa.Select[Any]:
        if self._has_both_ranges and self._at_hand(connection):
            return self._sorted([self._arm(each, by_length=not self._by_length) for each in self.streams])
        return self._sorted([self._first(each) for each in self.streams])

    @property
    def _has_both_ranges(self) -> bool:
        """Whether something else than what is sorted by has a range, too, and an index of its own."""
        if any(each.recorded is None for each in self.streams):
            return False
        if self._by_length:
            return self.wanted.begin is not None or self.wanted.end is not None
        return self.wanted.min_duration_s is not None

    def _at_hand(self, connection: sa.Connection) -> bool:
        """Returns whether there are few hits in the range of what is not sorted by."""
        some = [self._arm(each, by_length=not self._by_length).limit(AT_HAND + 1) for each in self.streams]
        found = sa.select(_together(some)).limit(AT_HAND + 1).subquery()
        return int(connection.scalar(sa.select(sa.func.count()).select_from(found)) or 0) <= AT_HAND

    def _first(self, stream: Stream) -> sa.Select[Any]:
        """Returns the query for the hits of a stream that come first."""
        by_length = self._by_length and stream.recorded is not False
        return self._arm(stream, by_length=by_length).order_by(*self._order(stream)).limit(self.wanted.limit)

    def _order(self, stream: Stream) -> list[Any]:
        places = stream.places
        if not self._by_length:
            return [each.asc() if self.wanted.sort == "oldest" else each.desc() for each in places]
        length = stream.length if stream.recorded else _length(stream)
        return [each.desc() for each in ([] if stream.recorded is False else [length]) + places]

    def _arm(self, stream: Stream, *, by_length: bool) -> sa.Select[Any]:
        """Returns the query for the hits of a stream, by its index of length, else by that of time."""
        columns = hits.c.place if stream.rows is note_grams else stream.rows.c.place, _length(stream)
        return (
            sa.select(columns[0], columns[1].label("length"))
            .select_from(stream.source)
            .where(*stream.conditions, *self._times(stream, by_length), *self._lengths(stream, by_length))
            .where(*(self._after(stream, self.mark) if self.mark else ()))
        )

    def _times(self, stream: Stream, by_length: bool) -> Conditions:
        place, wanted = _unless(by_length, stream.places[0]), self.wanted
        since = [] if wanted.begin is None else [place >= place_of(wanted.begin)]
        return since + ([] if wanted.end is None else [place < place_of(wanted.end)])

    def _lengths(self, stream: Stream, by_length: bool) -> Conditions:
        known = [stream.length.is_not(None)] if by_length and stream.recorded else []
        shortest = self.wanted.min_duration_s
        return known + ([] if shortest is None else [_unless(not by_length, stream.length) >= shortest])

    def _after(self, stream: Stream, mark: Mark) -> Conditions:
        """Fits what comes after a hit in the order that is asked."""
        if not self._by_length:
            oldest = self.wanted.sort == "oldest"
            return [each >= mark.place if oldest else each <= mark.place for each in stream.places[:-1]] + [
                stream.places[-1] > mark.place if oldest else stream.places[-1] < mark.place
            ]
        if stream.recorded is False and mark.length != NO_LENGTH:
            return []
        place, length = stream.places[-1], stream.length if stream.recorded else _length(stream)
        return [length <= mark.length, sa.or_(length < mark.length, place < mark.place)]

    def _sorted(self, arms: Sequence[sa.Select[Any]]) -> sa.Select[Any]:
        """Returns the query for what comes first in several."""
        found = _together(arms)
        query = sa.select(found.c.place, found.c.length)
        if any(each.rows is hit_facilities for each in self.streams):
            query = query.distinct()  # a hit of several facilities
        return query.order_by(*ORDERS[self.wanted.sort](found.c.place, found.c.length)).limit(
            self.wanted.limit
        )


def _unless(hidden: bool, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Returns a column; where another index is to serve than that of the column, so that none of it can."""
    return column + 0 if hidden else column


def _length(stream: Stream) -> sa.ColumnElement[float]:
    return sa.func.coalesce(stream.length, NO_LENGTH)


def _together(arms: Sequence[sa.Select[Any]]) -> sa.Subquery:
    if len(arms) == 1:
        return arms[0].subquery()
    return sa.union_all(*(sa.select(each.subquery()) for each in arms)).subquery()
