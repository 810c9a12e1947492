"""Compares the custody log with what the anchors say of it, and says what was done to it: pure.

An anchor fits when the log has a row of that number with that hash; then all rows before it are what they
were when it was made. Anchors that do not fit, one after the other, are one break: something happened to the
log after the last of them was made, and before the next one that fits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from callrec.catalogue.custody import GENESIS, Link
from callrec.evidence.anchor import Anchor

BROKEN_LINKS = 100
"""So many rows that do not follow are named at most."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An anchor that can be believed, with its key in the bucket."""

    key: str
    anchor: Anchor

    @property
    def rows(self) -> int:
        return self.anchor.custody_rows


class Kind(StrEnum):
    """What was done to the log, as far as the rows can tell."""

    SHORT = "short"
    """Rows are missing at its end."""
    WENT_ON = "went-on"
    """Rows are missing, and in their place are rows from after they were anchored: it was taken back to an
    older state and went on."""
    REWRITTEN = "rewritten"
    """In their place are others from the same time."""


@dataclass(frozen=True, slots=True)
class Break:
    """Anchors, one after the other, that the log does not fit.

    `before` is the newest one before them that fits, `after` the next one after them that does.
    """

    anchors: tuple[Standing, ...]
    before: Standing | None
    after: Standing | None

    @property
    def first(self) -> int:
        """The first row that may not be what it was."""
        return (self.before.rows if self.before else 0) + 1

    @property
    def last(self) -> int:
        """The last row that is known not to be what it was."""
        return max(each.rows for each in self.anchors)

    @property
    def was_whole_at(self) -> datetime:
        """When the log is known to have been as these anchors have it."""
        return self.anchors[-1].anchor.made_at


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing: how many rows there are, which do not follow from the one before (the first of
    them), and the breaks."""

    rows: int
    altered: tuple[int, ...]
    breaks: tuple[Break, ...]


def compare(links: Iterable[Link], anchors: Sequence[Standing]) -> Comparison:
    """Compares the rows of the log with the anchors, in the order in which these were made."""
    wanted = {each.rows for each in anchors}
    hashes, altered, rows = {0: GENESIS}, list[int](), 0
    for link in links:
        rows = link.seq
        if not link.follows and len(altered) < BROKEN_LINKS:
            altered.append(link.expected)
        if link.seq in wanted:
            hashes[link.seq] = link.hash
    fits = [hashes.get(each.rows) == each.anchor.custody_hash for each in anchors]
    return Comparison(rows, tuple(altered), tuple(_breaks(anchors, fits)))


class Notes:
    """What anchors say by a note to be known."""

    def __init__(self, anchors: Sequence[Standing]) -> None:
        self._anchors = anchors
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        for place, each in enumerate(anchors):
            for subject in each.anchor.known_breaks if each.anchor.note else ():
                self._places[subject].append(place)

    def known_by(self, subject: str, after: int = -1) -> Standing | None:
        """Returns the first anchor behind the place `after` that says that something is known, named as in
        known_breaks."""
        places = self._places.get(subject, ())
        first = bisect_right(places, after)
        return self._anchors[places[first]] if first < len(places) else None


def _breaks(anchors: Sequence[Standing], fits: Sequence[bool]) -> Iterator[Break]:
    notes = Notes(anchors)

    def kind(number: int) -> tuple[bool, str]:
        known = None if fits[number] else notes.known_by(anchors[number].key, number)
        return fits[number], known.key if known else ""

    for (fitting, _), numbers in groupby(range(len(anchors)), key=kind):
        found = list(numbers)
        if fitting:
            continue
        first, last = found[0], found[-1]
        yield Break(
            tuple(anchors[first : last + 1]),
            next((anchors[each] for each in reversed(range(first)) if fits[each]), None),
            next((anchors[each] for each in range(last + 1, len(anchors)) if fits[each]), None),
        )


def kind_of(found: Break, times: Iterable[tuple[int, datetime]]) -> tuple[Kind, datetime | None]:
    """Returns what was done to the log, and since when it went on. `times` are number and time of the rows it
    has in place of those that are gone.

    Rows are written one after the other, so one that is newer than an anchor cannot have been under it. Who
    rewrites the log can give the rows any times: that it was rewritten is certain then, how is not.
    """
    newest, newer = 0, None
    for seq, at in times:
        newest = seq
        if newer is None and at > found.was_whole_at:
            newer = at
    if newer is not None:
        return Kind.WENT_ON, newer
    return (Kind.SHORT if newest < found.anchors[0].rows else Kind.REWRITTEN), None
