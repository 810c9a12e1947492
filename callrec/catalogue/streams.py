"""Says which stretches of which indexes have the hits of a search.

A *stream* is one of them: hits of one kind, of one facility or extension where that is asked, which lie in
their index by time and in another by length. Those that come first in each stream together have those that
come first of all. A search by extension, by number or by note reads the streams of that, which are short, and
looks at each hit for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from callrec.catalogue.shapes import Shape
from callrec.catalogue.tables import hit_extensions, hit_facilities, hits, note_grams, notes

MOST_FACILITIES = 8
"""With more in reach, the hits of all facilities are read, and those passed over that are out of it."""
KIND, KINDS, CODE = "__kind__", "__kinds__", "__code__"
"""What stands in SQL for a kind and for a facility in reach, for each of which there is a stream, and for all
kinds that are looked for."""
_ORDER = ("time", "length")
Conditions = list[sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Stream:
    """Hits that fit some conditions. `rows` has the columns by whose order they are found, `source` these and
    those of the hits themselves. `recorded` tells whether they are recordings; None where both are there."""

    source: sa.FromClause
    rows: sa.Table
    conditions: Conditions
    by: str | None = ""
    """What the index begins with, before kinds; None without one of hits."""
    recorded: bool | None = None
    flag: str = ""

    @property
    def by_length(self) -> bool:
        """Whether there is an index by length, too."""
        return self.by in ("", "facility")

    def index(self, *, by_length: bool) -> str | None:
        """Returns the name of the index that has these hits, by time or by length."""
        if self.by in (None, "number", "filed"):
            return self.by and f"ix_{self.rows.name}_{self.by}"
        return "_".join(filter(None, ("ix", self.rows.name, self.by, self.flag, _ORDER[by_length])))

    @property
    def places(self) -> list[sa.ColumnElement[int]]:
        """The columns that have the time of a hit, the first of them that of the index."""
        return [note_grams.c.began, hits.c.place] if self.rows is note_grams else [self.rows.c.place]

    @property
    def length(self) -> sa.ColumnElement[int]:
        return hits.c.length_ms if self.rows is note_grams else self.rows.c.length_ms


_HITS = Stream(hits, hits, [])
_OF_NUMBER, _OF_FACILITY, _OF_EXTENSION = (
    replace(_HITS, by=name) for name in ("number", "facility", "extension")
)
_OTHER_EXTENSIONS = Stream(hit_extensions, hit_extensions, [], "extension")
_JOINED_EXTENSIONS = replace(
    _OTHER_EXTENSIONS, source=hit_extensions.join(hits, hits.c.place == hit_extensions.c.place)
)
_OTHER_FACILITIES, _FILED_ELSEWHERE = (
    Stream(hit_facilities, hit_facilities, [], name) for name in ("facility", "filed")
)
_NOTED = Stream(note_grams.join(hits, hits.c.call_id == note_grams.c.call_id), note_grams, [], None)


class _Beside(sa.ColumnElement[Any]):
    """A column that is looked at in hits that are found by something else. SQLite reads no index for what has
    a sign before it, PostgreSQL for none that is made of a column: of a number that calls often it would
    read all hits of these kinds, to join both."""

    inherit_cache = False

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        self.column, self.type = column, column.type


@compiles(_Beside)
def _(element: _Beside, compiler: Any, **options: Any) -> str:
    nothing = "|| ''" if isinstance(element.type, sa.String) else "+ 0"
    return f"({compiler.process(element.column, **options)} {nothing})"


@compiles(_Beside, "sqlite")
def _(element: _Beside, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.column, **options)}"


_OF_KINDS, _FILED_OF_KINDS = (
    _Beside(each.c.kind).in_([sa.literal_column(KINDS)]) for each in (hits, hit_facilities)
)
_FACILITY = _Beside(hits.c.facility)
_IN_REACH, _OTHER_IN_REACH = (
    each.c.facility == sa.literal_column(CODE, sa.Text) for each in (hits, hit_facilities)
)


@lru_cache(1000)
def streams(wanted: Shape) -> tuple[Stream, ...]:
    """Returns the streams of a search, for any of its kinds. A hit may be in several of them."""
    return tuple(_flagged(each, wanted) for each in _chosen(wanted))


def _chosen(wanted: Shape) -> Iterator[Stream]:
    """Yields the streams of whatever is asked that fewest calls have."""
    rest = [*_facility(wanted), *_within(wanted)]
    noted = _note(wanted)
    if wanted.numbers:
        for each in wanted.numbers:
            number = hits.c.number == sa.bindparam(each)
            yield _with(_OF_NUMBER, number, _OF_KINDS, *_extension(wanted), *noted, *rest)
    elif "extension" in wanted.given:
        for stream in (_OF_EXTENSION, _JOINED_EXTENSIONS if noted or rest else _OTHER_EXTENSIONS):
            extension = stream.rows.c.extension == sa.bindparam("extension")
            yield from _kinds(stream, wanted, extension, *noted, *rest)
    elif "note" in wanted.given:
        gram = note_grams.c.gram == sa.bindparam("gram")
        yield _with(_NOTED, gram, _OF_KINDS, *(() if wanted.is_gram else noted), *rest)
    elif "facility" in wanted.given:
        facility = hits.c.facility == sa.bindparam("facility")
        if wanted.covered:
            yield from _kinds(_OF_FACILITY, wanted, facility)
        else:
            filed = hit_facilities.c.filed == sa.bindparam("facility")
            yield _with(_FILED_ELSEWHERE, _OTHER_IN_REACH, filed, _FILED_OF_KINDS)
    elif wanted.reached is not None and wanted.reached <= MOST_FACILITIES:
        yield from _reached(wanted)
    else:
        yield from _kinds(_HITS, wanted, *_within(wanted))


def _reached(wanted: Shape) -> Iterator[Stream]:
    yield from _kinds(_OF_FACILITY, wanted, _IN_REACH)
    yield from _kinds(_OTHER_FACILITIES, wanted, _OTHER_IN_REACH)


def _kinds(stream: Stream, wanted: Shape, *conditions: sa.ColumnElement[bool]) -> Iterator[Stream]:
    """Yields a stream for each kind of recordings, and one for each of calls without."""
    found = _with(stream, *conditions, stream.rows.c.kind == sa.literal_column(KIND))
    if wanted.recorded:
        yield replace(found, recorded=True)
    if wanted.unrecorded:
        yield replace(found, recorded=False)


def _with(stream: Stream, *conditions: sa.ColumnElement[bool]) -> Stream:
    return replace(stream, conditions=[*stream.conditions, *conditions])


def _flagged(stream: Stream, wanted: Shape) -> Stream:
    """Returns a stream of incidents only, of what is held only, where that is asked."""
    columns = hits.c if stream.rows is note_grams else stream.rows.c
    flags: list[str] = [name for name in ("held", "incident") if name in wanted.given]
    return replace(_with(stream, *(columns[name] for name in flags)), flag=(flags or [""])[0])


def _extension(wanted: Shape) -> Conditions:
    if "extension" not in wanted.given:
        return []
    extension: sa.ColumnElement[str] = sa.bindparam("extension")
    other = sa.exists().where(hit_extensions.c.place == hits.c.place, hit_extensions.c.extension == extension)
    return [sa.or_(hits.c.extension == extension, other)]


def _facility(wanted: Shape) -> Conditions:
    return [sa.bindparam("facility") == _FACILITY] if "facility" in wanted.given else []


def _note(wanted: Shape) -> Conditions:
    if "note" not in wanted.given:
        return []
    text = notes.c.folded.like(sa.bindparam("note"), escape="/")
    return [sa.exists().where(notes.c.call_id == hits.c.call_id, text)]


def _within(wanted: Shape) -> Conditions:
    if wanted.reached is None:
        return []
    codes = wanted.codes
    other = sa.exists().where(hit_facilities.c.place == hits.c.place, hit_facilities.c.facility.in_(codes))
    return [sa.or_(_FACILITY.in_(codes), other)]
