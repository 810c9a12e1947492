"""What is flat travels without pydantic: as it was, and nothing else is taken for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest

from callrec.desk import flat
from callrec.model.found import FoundCall, SearchQuery
from callrec.model.office import Conventions
from callrec.numbers import Number


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    name: str
    at: datetime
    colour: Colour | None = None
    size: float = 0.0
    count: int = 0
    is_new: bool = False
    others: tuple[str, ...] = ()
    number: Number | None = None


AT = datetime(2026, 11, 22, 1, 2, 3, 456789, UTC)
THINGS = [
    Thing("芝\n\x00", AT),
    Thing("", AT, Colour.RED, 1.5, 7, is_new=True, others=("a", "b"), number=Number("+81312345678")),
]


@pytest.mark.parametrize("thing", THINGS)
def test_what_is_flat_arrives_as_it_was(thing: Thing) -> None:
    read = flat.reader(Thing)
    assert read
    assert read(json.loads(json.dumps(thing, default=flat.plain))) == thing


@pytest.mark.parametrize("kind", [Thing, SearchQuery, FoundCall, Conventions, str | None, tuple[Thing, ...]])
def test_whoever_searches_needs_no_pydantic(kind: Any) -> None:
    assert flat.reader(kind)


@dataclass
class Nested:
    kinds: dict[str, Any]


@pytest.mark.parametrize("kind", [Any, Nested, int | str, list[str], tuple[str, int], timedelta])
def test_what_is_not_flat_is_left_to_pydantic(kind: Any) -> None:
    assert flat.reader(kind) is None


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        "name",
        7,
        {},
        {"name": "x"},
        {"name": 7, "at": "2026-11-22T01:02:03Z"},
        {"name": "x\ud800", "at": "2026-11-22T01:02:03Z"},
        {"name": "x", "at": "2026-11-22T01:02:03Z", "number": "\udfff"},
        {"name": "x", "at": "2026-11-22T01:02:03Z", "others": ["a", "\ud800"]},
        {"name": "x", "at": "yesterday"},
        {"name": "x", "at": 7},
        {"name": "x", "at": "2026-11-22T01:02:03Z", "colour": "blue"},
        {"name": "x", "at": "2026-11-22T01:02:03Z", "colour": []},
        {"name": "x", "at": "2026-11-22T01:02:03Z", "size": "1"},
        {"name": "x", "at": "2026-11-22T01:02:03Z", "size": True},
        {"name": "x", "at": "2026-11-22T01:02:03Z", "size": 10**400},
        {"name": "x", "at": "2026-11-22T01:02:03Z", "count": 1.0},
        {"name": "x", "at": "2026-11-22T01:02:03Z", "is_new": 1},
        {"name": "x", "at": "2026-11-22T01:02:03Z", "others": "ab"},
        {"name": "x", "at": "2026-11-22T01:02:03Z", "others": [None]},
    ],
)
def test_what_is_something_else_is_refused(found: Any) -> None:
    read = flat.reader(Thing)
    assert read
    with pytest.raises((ValueError, TypeError, KeyError, OverflowError)):
        read(found)


def test_of_another_version_what_is_not_known_is_passed_over() -> None:
    read = flat.reader(Conventions)
    assert read
    assert read({"timezone": "Asia/Tokyo", "prefixes": ["0"], "newer": 1}) == Conventions(
        "Asia/Tokyo", ("0",)
    )
