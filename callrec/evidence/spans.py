"""The stretches of a recording that are to be covered, as people write them into a file of TOML.

    [[span]]
    from = "03:10"
    to = "03:25"
    track = "external"    # external, staff or both
    with = "tone"         # silence or tone

Without `track` both are covered, without `with` by silence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from callrec import toml_text
from callrec.durations import clock, parse_position
from callrec.errors import CallrecError, WrongEntries, WrongUsage

E = TypeVar("E", bound=StrEnum)
MOST_SPANS = 1000
KEYS = ("from", "to", "track", "with")
_HEADER = re.compile(r"\s*\[\[\s*span\s*\]\]")


class SpanTrack(StrEnum):
    """Which side of a recording is covered."""

    EXTERNAL = "external"
    """What the external party said; left."""
    STAFF = "staff"
    """What that party heard; right."""
    BOTH = "both"


class Cover(StrEnum):
    """What is heard in its place."""

    SILENCE = "silence"
    TONE = "tone"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch to be covered, in seconds from the beginning of the recording. `line`: where it is written;
    0: that is not known."""

    begin_s: float
    end_s: float
    track: SpanTrack = SpanTrack.BOTH
    cover: Cover = Cover.SILENCE
    line: int = 0

    def meets(self, other: Span) -> bool:
        """Returns whether both cover the same moment of the same track."""
        same = SpanTrack.BOTH in (self.track, other.track) or self.track is other.track
        return same and self.begin_s < other.end_s and other.begin_s < self.end_s

    def __str__(self) -> str:
        return f"{_place(self.begin_s)}–{_place(self.end_s)}"


def read(text: str, path: Path | None = None) -> list[Span]:
    """Returns the spans in a text of TOML. Raises WrongUsage for what is no TOML or has none, and
    WrongEntries with each that cannot be read."""
    document = toml_text.parse(text, path)
    tables = document.get("span")
    if set(document) != {"span"} or not isinstance(tables, list) or not tables:
        raise WrongUsage("there are no spans in the file: write [[span]], and from and to below it")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _HEADER.match(line)]
    lines = lines if len(lines) == len(tables) else [0] * len(tables)
    found, wrong = list[Span](), list[tuple[int, CallrecError]]()
    for line, table in zip(lines, tables, strict=True):
        try:
            found.append(_span(table, line))
        except CallrecError as error:
            wrong.append((line, error))
    if wrong:
        raise WrongEntries(wrong)
    return found


def check(spans: Sequence[Span], seconds: float) -> None:
    """Raises WrongEntries with each span that is empty, not in a recording of so many seconds, or covers what
    another does; and WrongUsage where there are none, or too many."""
    if not 1 <= len(spans) <= MOST_SPANS:
        raise WrongUsage(
            "a redaction has from 1 to {most} spans, not {count}", most=MOST_SPANS, count=len(spans)
        )
    wrong = [(each.line, error) for each in spans if (error := _problem(each, seconds))]
    wrong += _overlapping(spans) if not wrong else []
    if wrong:
        raise WrongEntries(sorted(wrong, key=lambda entry: entry[0]))


def _span(table: Any, line: int) -> Span:
    if not isinstance(table, dict):
        raise WrongUsage("write [[{kind}]] and its keys below it", kind="span")
    for key in table:
        if key not in KEYS:
            raise WrongUsage("there is no key {key}: write {choices}", key=key, choices=", ".join(KEYS))
    track = _one_of(SpanTrack, "track", table.get("track", SpanTrack.BOTH))
    cover = _one_of(Cover, "with", table.get("with", Cover.SILENCE))
    return Span(_position(table, "from"), _position(table, "to"), track, cover, line)


def _position(table: dict[str, Any], key: str) -> float:
    if key not in table:
        raise WrongUsage('{key} is missing: write {key} = "03:10"', key=key)
    if not isinstance(table[key], str):
        raise WrongUsage("{key} = {value} is of the wrong type", key=key, value=table[key])
    return parse_position(table[key])


def _one_of(kind: type[E], key: str, value: object) -> E:
    try:
        return kind(str(value))
    except ValueError as error:
        choices = ", ".join(kind)
        raise WrongUsage(
            "{key} = {value} is none: write one of {choices}", key=key, value=value, choices=choices
        ) from error


def _place(seconds: float) -> str:
    """Returns a place in a recording as it is written, to the millisecond."""
    if not math.isfinite(seconds):
        return str(seconds)
    whole, rest = divmod(seconds, 1)
    return clock(whole) + f"{rest:.3f}"[1:].rstrip("0").rstrip(".")


def _problem(span: Span, seconds: float) -> CallrecError | None:
    """Returns what is wrong with a span by itself; the last second may be written as a whole one."""
    if not (math.isfinite(span.begin_s) and math.isfinite(span.end_s)) or span.end_s <= span.begin_s:
        return WrongUsage("the span {span} is empty: its end is not after its beginning", span=span)
    if span.begin_s < 0 or span.begin_s >= seconds or span.end_s > math.ceil(seconds):
        return WrongUsage(
            "the span {span} is not in the recording, which ends at {end}", span=span, end=clock(seconds)
        )
    return None


def _overlapping(spans: Iterable[Span]) -> list[tuple[int, CallrecError]]:
    return [
        (later.line, WrongUsage("the spans {span} and {other} overlap", span=earlier, other=later))
        for earlier, later in _neighbours(spans)
        if earlier.meets(later)
    ]


def _neighbours(spans: Iterable[Span]) -> Iterator[tuple[Span, Span]]:
    """Yields, for each track, what follows one another on it; a pair that covers both tracks once."""
    seen = set[tuple[int, int]]()
    for track in (SpanTrack.EXTERNAL, SpanTrack.STAFF):
        on_it = [each for each in spans if each.track in (track, SpanTrack.BOTH)]
        for pair in pairwise(sorted(on_it, key=lambda each: (each.begin_s, each.end_s))):
            if (id_ := (id(pair[0]), id(pair[1]))) not in seen:
                seen.add(id_)
                yield pair
