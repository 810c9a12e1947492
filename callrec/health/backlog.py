"""Says what waits in the spool, how much it is and since when, and what has waited for too long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from callrec.errors import Sentence
from callrec.spool.directory import CAPTURED


class Waits(StrEnum):
    """What can wait in the spool, by the name of its folder."""

    RECORDINGS = "recordings"
    CALLS = "calls"
    DISCARDS = "discards"
    ALERTS = "alerts"
    QUARANTINE = "quarantine"
    """For a person."""


TOO_LONG = {Waits.RECORDINGS: 3600.0, Waits.CALLS: 900.0, Waits.DISCARDS: 900.0}
"""After how many seconds what waits is a problem; of alerts and the quarantine others tell."""
LONGEST_REST = 60.0
"""After how many seconds it looks again however long a look took: a disk may have stood still."""
REST = 20.0
"""How many times as long as a look takes until the next: it takes a twentieth of a processor at most."""
LATE = {
    Waits.RECORDINGS: "{count} recordings have not been archived within an hour",
    Waits.CALLS: "{count} calls have not been written to the database within 15 minutes",
    Waits.DISCARDS: "{count} recordings that nobody wanted kept have not been destroyed within 15 minutes: "
    "does the PBX answer?",
}
"""What is told of it."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits of one kind: how many, their bytes, and when the oldest was put there (None: nothing
    waits)."""

    waits: Waits
    count: int
    bytes: int
    oldest_at: datetime | None


def backlogs(spool: Path) -> list[Backlog]:
    """Returns what waits of each kind."""
    return [_backlog(spool, waits) for waits in Waits]


def _backlog(spool: Path, waits: Waits) -> Backlog:
    sizes: list[int] = []
    times: list[float] = []
    for entry in _entries(spool, waits):
        with suppress(OSError):  # it is gone just now
            times.append(_put_by(entry, waits).stat().st_mtime)
            files = entry.rglob("*") if entry.is_dir() else [entry]
            sizes.extend(each.stat().st_size for each in files)
    oldest = datetime.fromtimestamp(min(times), UTC) if times else None
    return Backlog(waits, len(times), sum(sizes), oldest)


def _entries(spool: Path, waits: Waits) -> Iterator[Path]:
    """Yields what waits of a kind: folders of recordings, files of all else."""
    with suppress(OSError):
        for entry in sorted((spool / waits).iterdir()):
            put = _put_by(entry, waits)
            if waits is Waits.QUARANTINE or (put.suffix == ".json" and put.exists()):
                yield entry


def _put_by(entry: Path, waits: Waits) -> Path:
    """Returns the file with which something was put there: what is in the folder of a recording changes with
    each try."""
    return entry / CAPTURED if waits is Waits.RECORDINGS else entry


class Overdue:
    """Tells of what waits for too long, by a clock that nobody sets: since this process saw it first.

    It is asked twice a second. Where so much waits that a look takes long, it looks the more seldom, and
    tells what it saw last.
    """

    def __init__(self, spool: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._spool, self._clock = spool, clock
        self._since: dict[Path, float] = {}
        self._told: list[Sentence] = []
        self._due = clock()

    def problems(self) -> list[Sentence]:
        """Returns what has waited for too long."""
        begun = self._clock()
        if begun >= self._due:
            self._told = self._look(begun)
            took = self._clock() - begun
            self._due = begun + min(took * REST, LONGEST_REST)
        return self._told

    def _look(self, now: float) -> list[Sentence]:
        there = {waits: list(_entries(self._spool, waits)) for waits in TOO_LONG}
        self._since = {each: self._since.get(each, now) for found in there.values() for each in found}
        told = []
        for waits, seconds in TOO_LONG.items():
            late = sum(now - self._since[each] >= seconds for each in there[waits])
            if late:
                told.append(Sentence(LATE[waits], count=late))
        return told
