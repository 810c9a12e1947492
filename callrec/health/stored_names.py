"""Finds out which stored recordings of ours a PBX has: of the whole list seldom, else by their names.

The PBX lists all that it keeps, also what is not ours, and nothing less; where that is much, it takes long.
What was measured stands in decision 24.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from callrec.recording.capture_tracks import FOLDER

SHARE = 3600.0
"""A list that took a second is not asked for again before so many seconds."""
LONGEST_SECONDS = 86_400.0
"""After which it is asked for whatever it takes."""


class Storage(Protocol):
    """The stored recordings of a PBX. Refusals and silence are CallrecErrors."""

    def stored(self) -> list[str]: ...
    def stored_size(self, name: str) -> int | None: ...


class StoredNames:
    """Which of the stored recordings of a PBX are ours. `clock` counts seconds."""

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.monotonic) -> None:
        self._storage, self._clock = storage, clock
        self._due = 0.0
        self._seen: set[str] = set()

    def look(self, suspects: Iterable[str], *, whole: bool) -> frozenset[str]:
        """Returns the names of ours that there are: all where the list is due or `whole`, else those among
        what was seen before and the `suspects`."""
        if whole or self._clock() >= self._due:
            self._seen = set(self._whole())
        else:
            self._seen = self.named({*self._seen, *suspects})
        return frozenset(self._seen)

    def named(self, names: Iterable[str]) -> set[str]:
        """Returns those of some names that are there."""
        return {name for name in names if self._storage.stored_size(name) is not None}

    def _whole(self) -> list[str]:
        begun = self._clock()
        names = [name for name in self._storage.stored() if name.startswith(f"{FOLDER}/")]
        took = self._clock() - begun
        self._due = self._clock() + min(took * SHARE, LONGEST_SECONDS)
        return names
