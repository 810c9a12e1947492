"""What is asked of a search, and the lines it answers with: all that somebody who searches through the desk
has to know of calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from callrec.model.kinds import Custody, Direction, KeptBecause, Mode, Outcome
from callrec.numbers import Number

SORTS = ("newest", "oldest", "longest")
MOST_FOUND = 1_000_000


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to search for; None means any. `begin` and `end` are a half-open span of time in UTC.

    `all_calls`: also the calls without a recording; `test_calls`: also those that callrec made itself. `sort`
    is one of SORTS. `dialled` is `number` as staff mean it, who dial a prefix: a call with either is found.
    `note` is a part of a note, however it is spelt. `after`: the id of a recording or call, or its beginning;
    what is found comes after that in the order of `sort`.
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


@dataclass(frozen=True, slots=True)
class FoundCall:
    """One line of a search: a call, and of its recording, where there is one, what lists say. The fields are
    the keys of a line in JSON and CSV.

    `started_at` is when the recording began, without one the call.
    """

    id: str | None
    call_id: str
    started_at: datetime
    duration_s: float | None
    facility: str | None
    extension: str | None
    number: Number | None
    direction: Direction | None
    mode: Mode | None
    outcome: Outcome | None
    discarded_at: datetime | None
    unannounced_at: datetime | None
    kept_because: KeptBecause | None
    incident: bool
    announced: bool
    state: Custody | None
    hold: bool
    retain_until: datetime | None
    sha256: str | None
    key: str | None
