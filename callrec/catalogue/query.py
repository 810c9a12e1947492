"""What a search may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from callrec.numbers import Number

SORTS = ("newest", "oldest", "longest")


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to search for; None means any. `begin` and `end` are a half-open span of time in UTC.

    `all_calls`: also the calls without a recording; `test_calls`: also those that callrec made itself. `sort`
    is one of SORTS. `dialled` is `number` as staff mean it, who dial a prefix: a call with either is found.
    `note` is a part of a note, however it is spelt. `after`: the id of a recording or call, or its beginning;
    what is found comes after that in the order of `sort`, whatever else the search asks for.
    """

    begin: datetime | None = None
    end: datetime | None = None
    extension: str | None = None
    facility: str | None = None
    number: Number | None = None
    dialled: Number | None = None
    direction: str | None = None
    mode: str | None = None
    incident: bool = False
    held: bool = False
    note: str | None = None
    min_duration_s: float | None = None
    all_calls: bool = False
    test_calls: bool = False
    limit: int = 100
    sort: str = "newest"
    after: str | None = None
