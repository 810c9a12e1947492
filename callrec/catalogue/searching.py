"""Makes the query of a search: it visits as many hits as it shows, not as many as there are.

The first hits of each stream (callrec.catalogue.streams), by time or by length as the search sorts them, are
put together, sorted, and the first of them taken. A search by two ranges (the longest of some days, the
newest of a length) has no index of both. Where one of them has few hits, those are collected and sorted; else
hits of both are so common that the first in the order that is asked are soon found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import kinds
from callrec.catalogue.kinds import RECORDED
from callrec.catalogue.shapes import Mark, Shape, shape_of, values_of
from callrec.catalogue.streams import CODE, KIND, KINDS, Conditions, Stream, streams
from callrec.catalogue.tables import hit_facilities, hits, note_grams
from callrec.model.access import Reach
from callrec.model.found import SearchQuery

AT_HAND = 10_000
"""Hits that are collected and sorted rather than looked for in the order that is asked."""
IN_ONE_ROW = 400
"""Parts of a query that SQLite is given in one row."""
NO_LENGTH = -1
"""Sorts calls without a recording after those with one."""


def first_places(
    connection: sa.Connection, wanted: SearchQuery, reach: Reach, mark: Mark | None = None
) -> list[int]:
    """Returns the places of the hits that a search shows, in its order."""
    some = _kinds(connection, wanted)
    shape = shape_of(wanted, reach, some, mark, NO_LENGTH)
    values = values_of(wanted, reach, mark)

    def ask(made: str) -> list[int]:
        sql, same = _sql(connection.dialect.name, shape, some, made)
        given = {name: values.get(name, value) for name, value in same.items() if f":{name}" in sql.text}
        return list(connection.execute(sql, given).scalars())

    if not some or shape.reached == 0:
        return []
    values["most"] = AT_HAND + 1
    if _has_both_ranges(shape) and ask("count")[0] <= AT_HAND:
        return ask("collected")
    return ask("first")


def _kinds(connection: sa.Connection, wanted: SearchQuery) -> tuple[int, ...]:
    unrecorded = wanted.all_calls and wanted.min_duration_s is None and not wanted.held
    return tuple(
        each
        for each in kinds.there(connection)
        if kinds.fits(
            each,
            unrecorded=unrecorded,
            tests=wanted.test_calls,
            direction=wanted.direction,
            mode=wanted.mode,
        )
    )


@cache
def _dialect(name: str) -> Any:
    """Returns what writes SQL without the ways of a driver, for `sqlalchemy.text`."""
    if name == "sqlite":
        from sqlalchemy.dialects.sqlite.base import SQLiteCompiler, SQLiteDialect

        class Hinted(SQLiteCompiler):
            def get_from_hint_text(self, table: Any, text: Any) -> Any:
                return text

        class Dialect(SQLiteDialect):
            statement_compiler = Hinted

        return Dialect(paramstyle="named")
    from sqlalchemy.dialects.postgresql.base import PGDialect

    return PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]


@lru_cache(1000)
def _sql(
    dialect: str, shape: Shape, some: tuple[int, ...], made: str
) -> tuple[sa.TextClause, dict[str, Any]]:
    """Returns the SQL of a shape of searches for some kinds, and its values with those that are the same in
    all: for their first places, for those of all that are collected and sorted, or for the count of these."""
    codes = [f"CAST(:{each.key} AS text)" for each in shape.codes]
    same, arms = {each.key: None for each in shape.codes}, list[str]()
    for recorded, sql, params in _arms(dialect, shape, made):
        kinds_ = [each for each in some if recorded in (None, bool(each & RECORDED))]
        arms += _of_each(dialect, sql, kinds_, codes)
        same |= params
    together = _united(arms).replace(KINDS, ", ".join(map(str, some)))
    repeated = len(codes) > 1 and any(each.rows is hit_facilities for each in streams(shape))
    end = _Search(shape).end(made, repeated=repeated)
    return sa.text(end.format(together=together)), {"limit": None, "most": None, **same}


# What was compiled by SQLAlchemy, put together: no value of a search is in it.
def _of_each(dialect: str, sql: str, some: Sequence[int], codes: Sequence[str]) -> list[str]:
    """Returns the query of a stream for each of some kinds and facilities. PostgreSQL takes long to plan a
    long query, so there it is one for all; SQLite has no such thing, and needs none."""
    each_of = {name: values for name, values in ((KIND, [*map(str, some)]), (CODE, codes)) if name in sql}
    if dialect == "sqlite":
        made = [sql]
        for name, values in each_of.items():
            made = [one.replace(name, value) for one in made for value in values]
        return [f"SELECT * FROM ({one}) AS arm" for one in made]  # noqa: S608
    lists = [
        f"(VALUES {', '.join(f'({value})' for value in values)}) AS of{name} ({name})"
        for name, values in each_of.items()
    ]
    return [f"SELECT arm.* FROM {', '.join([*lists, f'LATERAL ({sql}) AS arm'])}"]  # noqa: S608


def _united(arms: Sequence[str]) -> str:
    """Returns all queries as one. SQLite takes 500 in one row."""
    if len(arms) <= IN_ONE_ROW:
        return " UNION ALL ".join(arms)
    some = (arms[begin : begin + IN_ONE_ROW] for begin in range(0, len(arms), IN_ONE_ROW))
    return _united([f"SELECT * FROM ({_united(each)}) AS arms" for each in some])  # noqa: S608


@lru_cache(1000)
def _arms(dialect: str, shape: Shape, made: str) -> list[tuple[bool | None, str, dict[str, Any]]]:
    """Returns the SQL of each stream, with the values in it: that takes as long as the rest of a search."""
    compiled = [
        (each.recorded, _Search(shape).arm(each, made).compile(dialect=_dialect(dialect)))
        for each in streams(shape)
    ]
    return [(recorded, str(each), dict(each.params)) for recorded, each in compiled]


def _has_both_ranges(shape: Shape) -> bool:
    """Returns whether something else than what is sorted by has a range, too, and an index of its own."""
    if not all(each.by_length for each in streams(shape)):
        return False
    return bool(shape.given & ({"begin", "end"} if shape.sort == "longest" else {"min_duration_s"}))


@dataclass(frozen=True, slots=True)
class _Search:
    """Searches of one shape."""

    wanted: Shape

    @property
    def _by_length(self) -> bool:
        return self.wanted.sort == "longest"

    def arm(self, stream: Stream, made: str) -> sa.Select[Any]:
        """Returns the query for the hits of a stream: the first in order, or all by what is not sorted by;
        to count them, all that are read then, whether they fit or not."""
        if made == "first":
            by_length = self._by_length and stream.by_length and stream.recorded is not False
            arm = self._arm(stream, by_length=by_length)
            return arm.order_by(*self._order(stream)).limit(sa.bindparam("limit", type_=sa.Integer))
        if made == "count":
            read = (self._times if self._by_length else self._lengths)(stream, not self._by_length)
            counted = _by_index(sa.select(stream.rows.c.place), stream, by_length=not self._by_length)
            return counted.where(*stream.conditions, *read).limit(sa.bindparam("most", type_=sa.Integer))
        return self._arm(stream, by_length=not self._by_length)

    def end(self, made: str, *, repeated: bool) -> str:
        """Returns what is asked of the hits of all streams. `repeated`: a hit may be in several of them."""
        if made == "count":
            return "SELECT count(*) FROM (SELECT 1 FROM ({together}) AS found LIMIT :most) AS counted"
        found = "(SELECT DISTINCT * FROM ({together}) AS twice)" if repeated else "({together})"
        # "+ 0": else SQLite reads each stream in this order, however far, in place of sorting a few hits
        order = {"newest": "place + 0 DESC", "oldest": "place + 0", "longest": "length DESC, place DESC"}
        sort = order[self.wanted.sort]
        return f"SELECT place, length FROM {found} AS found ORDER BY {sort} LIMIT :limit"  # noqa: S608

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
            _by_index(sa.select(columns[0], columns[1].label("length")), stream, by_length=by_length)
            .where(*stream.conditions, *self._times(stream, by_length), *self._lengths(stream, by_length))
            .where(*(self._after(stream, by_length) if self.wanted.marked else ()))
        )

    def _times(self, stream: Stream, by_length: bool) -> Conditions:
        place, given = _unless(by_length, stream.places[0]), self.wanted.given
        since: Conditions = [place >= sa.bindparam("begin")] if "begin" in given else []
        return since + ([place < sa.bindparam("end")] if "end" in given else [])

    def _lengths(self, stream: Stream, by_length: bool) -> Conditions:
        known: Conditions = [stream.length.is_not(None)] if by_length and stream.recorded else []
        if "min_duration_s" not in self.wanted.given:
            return known
        return [*known, _unless(not by_length, stream.length) >= sa.bindparam("shortest")]

    def _after(self, stream: Stream, by_length: bool) -> Conditions:
        """Fits what comes after a hit in the order that is asked."""
        mark = sa.bindparam("mark_place", type_=sa.BigInteger)
        place = _unless(by_length, stream.places[-1])
        if not self._by_length:
            return [place > mark if self.wanted.sort == "oldest" else place < mark]
        if stream.recorded is False and self.wanted.marks_recording:
            return []
        limit: sa.ColumnElement[int] = sa.bindparam("mark_length", type_=sa.Integer)
        length = _unless(not by_length, stream.length) if stream.recorded else _length(stream)
        return [length <= limit, sa.or_(length < limit, place < mark)]


def _by_index(select: sa.Select[Any], stream: Stream, *, by_length: bool) -> sa.Select[Any]:
    """Returns a query of a stream, which says to SQLite by which index: that knows nothing of the rows."""
    select, name = select.select_from(stream.source), stream.index(by_length=by_length)
    return select.with_hint(stream.rows, f"INDEXED BY {name}", "sqlite") if name else select


def _unless(hidden: bool, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Returns a column; where another index is to serve than that of the column, so that none of it can."""
    return column + sa.literal_column("0") if hidden else column


def _length(stream: Stream) -> sa.ColumnElement[int]:
    return sa.func.coalesce(stream.length, sa.literal_column(str(NO_LENGTH)))
