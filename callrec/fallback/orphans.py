"""Finds what was recorded on the PBX and nothing knows of: no line of the journal, no capture, no channel.

A PBX that crashes loses what it wrote into its database in its last second; a line can be deleted by hand;
and a PBX that is seconds late begins a track that callrec has given up.
Whose such a recording is nobody can tell but a person who hears it, so it is a problem that names it, and is
never deleted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog

from callrec.fallback import journal
from callrec.language import translated
from callrec.pbx.events import Channel
from callrec.problems import Problems
from callrec.recording.capture_tracks import FOLDER

log = structlog.get_logger()

PROBLEM = "orphans"
EVERY_SECONDS = 120.0
"""How long after a look the next is due: a PBX that keeps many recordings needs long to list them."""
NAMED = 5
"""How many are named in the problem."""


class Pbx(Protocol):
    """What a PBX has of calls and recordings. Refusals and silence are CallrecErrors."""

    def channels(self) -> list[Channel]: ...
    def stored(self) -> list[str]: ...


class Orphans:
    """Looks for orphans every two minutes; what is one at two looks is a problem until it is gone.

    `known_tracks` returns the names of the stored recordings that captures in the spool have.
    """

    def __init__(
        self,
        pbx: Pbx,
        known_tracks: Callable[[], set[str]],
        problems: Problems,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pbx, self._known_tracks, self._problems, self._clock = pbx, known_tracks, problems, clock
        self._due, self._seen = clock(), set[str]()

    def look(self, lines: Callable[[], Iterable[str]]) -> None:
        """Looks where it is due. `lines` returns what the journal has now. Raises CallrecError."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + EVERY_SECONDS
        # In this order: what is adopted meanwhile is in a line or, later, in the spool.
        found = {name for name in self._pbx.stored() if name.startswith(f"{FOLDER}/")}
        there = {each.id for each in self._pbx.channels()} if found else set()
        told = {field for line in lines() for field in line.split("|")} if found else set()
        known = self._known_tracks() if found else set()
        orphans = {
            name
            for name in found - known
            if journal.file_of(name) not in told and journal.channel_of(name) not in there
        }
        self._tell(sorted(orphans & self._seen))
        self._seen = orphans

    def _tell(self, names: list[str]) -> None:
        if not names:
            self._problems.clear(PROBLEM)
            return
        text = translated("the PBX has recordings of which no call is known: {names}: look at them")
        shown = [*names[:NAMED], *(["…"] if len(names) > NAMED else [])]
        if self._problems.add(PROBLEM, text.format(names=", ".join(shown))):
            log.error("the PBX has recordings of which no call is known", names=names)
