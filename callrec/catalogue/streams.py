"""Says which stretches of which indexes have the hits of a search.

A *stream* is one of them: hits of one kind, of one facility or extension where that is asked, which lie in
their index by time and in another by length. Those that come first in each stream together have those that
come first of all. A search by extension, by number or by note reads the streams of that, which are short, and
looks at each hit for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from callrec.catalogue import grams
from callrec.catalogue.kinds import RECORDED
from callrec.catalogue.query import SearchQuery
from callrec.catalogue.tables import hit_extensions, hit_facilities, hits, note_grams, notes
from callrec.model.access import Reach
from callrec.texts import folded

MOST_FACILITIES = 8
"""With more in reach, the hits of all facilities are read, and those passed over that are out of it."""
Conditions = list[sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Stream:
    """Hits that fit some conditions. `rows` has the columns by whose order they are found, `source` these and
    those of the hits themselves. `recorded` tells whether they are recordings; None where both are there."""

    source: sa.FromClause
    rows: sa.Table
    conditions: Conditions
    recorded: bool | None = None

    @property
    def places(self) -> list[sa.ColumnElement[int]]:
        """The columns that have the time of a hit, the first of them that of the index."""
        return [note_grams.c.began, hits.c.place] if self.rows is note_grams else [self.rows.c.place]

    @property
    def length(self) -> sa.ColumnElement[float]:
        return hits.c.duration_s if self.rows is note_grams else self.rows.c.duration_s


def _beside(rows: sa.Table) -> Stream:
    return Stream(rows.join(hits, hits.c.place == rows.c.place), rows, [])


_HITS = Stream(hits, hits, [])
_OTHER_EXTENSIONS, _OTHER_FACILITIES = _beside(hit_extensions), _beside(hit_facilities)
_NOTED = Stream(note_grams.join(hits, hits.c.call_id == note_grams.c.call_id), note_grams, [])


def streams(wanted: SearchQuery, reach: Reach, kinds: Sequence[int]) -> list[Stream]:
    """Returns the streams of a search, for hits of some kinds. A hit may be in several of them."""
    return [_flagged(each, wanted) for each in _chosen(wanted, reach, kinds)]


def _chosen(wanted: SearchQuery, reach: Reach, kinds: Sequence[int]) -> Iterator[Stream]:
    """Yields the streams of whatever is asked that fewest calls have."""
    if wanted.number is not None:
        for number in {wanted.number, wanted.dialled} - {None}:
            rest = [*_extension(wanted), *_facility(wanted), *_note(wanted), *_within(reach)]
            yield _with(_HITS, hits.c.number == number, hits.c.kind.in_(kinds), *rest)
    elif wanted.extension is not None:
        rest = [*_facility(wanted), *_note(wanted), *_within(reach)]
        for each in (_HITS, _OTHER_EXTENSIONS):
            yield from _kinds(each, kinds, each.rows.c.extension == wanted.extension, *rest)
    elif wanted.note is not None:
        first, *_ = grams.wanted(folded(wanted.note))
        rest = [*_facility(wanted), *_note(wanted), *_within(reach)]
        yield _with(_NOTED, note_grams.c.gram == first, hits.c.kind.in_(kinds), *rest)
    elif wanted.facility is not None:
        rest = [] if reach.covers(wanted.facility) else _within(reach)
        yield from _kinds(_HITS, kinds, hits.c.facility == wanted.facility, *rest)
    elif reach.facilities is not None and len(reach.facilities) <= MOST_FACILITIES:
        yield from _reached(sorted(reach.facilities), kinds)
    else:
        yield from _kinds(_HITS, kinds, *_within(reach))


def _reached(facilities: list[str], kinds: Sequence[int]) -> Iterator[Stream]:
    elsewhere = sa.or_(hits.c.facility.is_(None), hits.c.facility.not_in(facilities))
    for code in facilities:
        yield from _kinds(_HITS, kinds, hits.c.facility == code)
        yield from _kinds(_OTHER_FACILITIES, kinds, hit_facilities.c.facility == code, elsewhere)


def _kinds(stream: Stream, kinds: Sequence[int], *conditions: sa.ColumnElement[bool]) -> Iterator[Stream]:
    """Yields a stream of each kind."""
    for kind in kinds:
        found = _with(stream, *conditions, stream.rows.c.kind == kind)
        yield replace(found, recorded=bool(kind & RECORDED))


def _with(stream: Stream, *conditions: sa.ColumnElement[bool]) -> Stream:
    return replace(stream, conditions=[*stream.conditions, *conditions])


def _flagged(stream: Stream, wanted: SearchQuery) -> Stream:
    """Returns a stream of incidents only, of what is held only, where that is asked."""
    columns = hits.c if stream.rows is note_grams else stream.rows.c
    asked = ((wanted.incident, columns.incident), (wanted.held, columns.held))
    return _with(stream, *(column for is_asked, column in asked if is_asked))


def _extension(wanted: SearchQuery) -> Conditions:
    if wanted.extension is None:
        return []
    other = sa.exists().where(
        hit_extensions.c.place == hits.c.place, hit_extensions.c.extension == wanted.extension
    )
    return [sa.or_(hits.c.extension == wanted.extension, other)]


def _facility(wanted: SearchQuery) -> Conditions:
    return [] if wanted.facility is None else [hits.c.facility == wanted.facility]


def _note(wanted: SearchQuery) -> Conditions:
    if wanted.note is None:
        return []
    text = notes.c.folded.contains(folded(wanted.note), autoescape=True)
    return [sa.exists().where(notes.c.call_id == hits.c.call_id, text)]


def _within(reach: Reach) -> Conditions:
    if reach.facilities is None:
        return []
    codes = sorted(reach.facilities)
    other = sa.exists().where(hit_facilities.c.place == hits.c.place, hit_facilities.c.facility.in_(codes))
    return [sa.or_(hits.c.facility.in_(codes), other)]
