"""Tells what of a search makes its SQL, and what are values in it.

SQL of dozens of streams takes longer to put together than to run: it is kept by shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import grams
from callrec.catalogue.hits import LONGEST_S, to_ms
from callrec.catalogue.kinds import RECORDED
from callrec.catalogue.places import SLOTS, place_of
from callrec.model.access import Reach
from callrec.model.found import SearchQuery
from callrec.texts import folded


@dataclass(frozen=True, slots=True)
class Mark:
    """The hit after which a page begins."""

    place: int
    length: int


@dataclass(frozen=True, slots=True)
class Shape:
    """What a search asks, without the values. `given` has the names of what is given. `recorded` and
    `unrecorded`: kinds of such hits are looked for. `reached`: facilities in reach, None for all; `covered`:
    the one that is asked for is among them. `is_gram`: the note is one sign or two, found by them alone."""

    given: frozenset[str]
    recorded: bool
    unrecorded: bool
    sort: str
    reached: int | None
    covered: bool
    is_gram: bool
    marked: bool
    marks_recording: bool

    @property
    def numbers(self) -> list[str]:
        """The names of the values that the number may be."""
        return [each for each in ("number", "dialled") if each in self.given and "number" in self.given]

    @property
    def codes(self) -> list[sa.BindParameter[str]]:
        """The facilities in reach."""
        return [sa.bindparam(f"reach_{each}", type_=sa.Text) for each in range(self.reached or 0)]


def shape_of(
    wanted: SearchQuery, reach: Reach, kinds: tuple[int, ...], mark: Mark | None, no_length: int
) -> Shape:
    """Returns the shape of a search for hits of some kinds."""
    names = ("begin", "end", "extension", "facility", "number", "note", "min_duration_s")
    given = {name for name in names if getattr(wanted, name) is not None}
    given |= {_NARROWED[wanted.sort]} if mark and wanted.sort in _NARROWED else set()
    given |= {name for name in ("incident", "held") if getattr(wanted, name)}
    if wanted.dialled not in (None, wanted.number):
        given.add("dialled")
    return Shape(
        frozenset(given),
        any(each & RECORDED for each in kinds),
        not all(each & RECORDED for each in kinds),
        wanted.sort,
        None if reach.facilities is None else len(reach.facilities),
        reach.covers(wanted.facility),
        len(folded(wanted.note or "")) <= grams.LONGEST,
        mark is not None,
        mark is not None and mark.length != no_length,
    )


def values_of(wanted: SearchQuery, reach: Reach, mark: Mark | None) -> dict[str, Any]:
    """Returns the values of a search, by the names that they have in its SQL."""
    note = folded(wanted.note or "")
    begin, end = _places(wanted, mark)
    return {
        "begin": begin,
        "end": end,
        "extension": wanted.extension,
        "facility": wanted.facility,
        "number": wanted.number,
        "dialled": wanted.dialled,
        "note": f"%{_plain(note)}%" if note else None,
        "gram": grams.wanted(note)[0] if note else None,
        "shortest": _shortest(wanted.min_duration_s),
        "limit": wanted.limit,
        "mark_place": mark.place if mark else None,
        "mark_length": mark.length if mark else None,
        **{f"reach_{number}": code for number, code in enumerate(sorted(reach.facilities or ()))},
    }


_NARROWED = {"newest": "end", "oldest": "begin"}
"""The end of a span that a page moves. SQLite goes by one limit only, and reads all up to another."""


def _places(wanted: SearchQuery, mark: Mark | None) -> tuple[int | None, int | None]:
    """Returns where the hits of a span begin and end, without what is before the microsecond of the mark."""
    begin, end = (None if each is None else place_of(each) for each in (wanted.begin, wanted.end))
    if mark is None or wanted.sort not in _NARROWED:
        return begin, end
    first = mark.place // SLOTS * SLOTS
    if wanted.sort == "oldest":
        return first if begin is None else max(begin, first), end
    return begin, first + SLOTS if end is None else min(end, first + SLOTS)


def _shortest(seconds: float | None) -> int | None:
    """Returns the shortest length that is asked for, which may be longer than any recording."""
    return None if seconds is None else to_ms(min(max(0.0, seconds), LONGEST_S))


def _plain(text: str) -> str:
    """Returns a text as LIKE finds it and nothing else."""
    return "".join(f"/{sign}" if sign in "/%_" else sign for sign in text)
