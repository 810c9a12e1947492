"""Decides which refusals are written down: nobody fills the custody log by asking again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from threading import Lock

EACH = 50
"""So many of the same are written each."""
SPELL_SECONDS = 3600.0
"""So long they are counted together, from the first on."""


class Refusals:
    """Counts how often the same was refused to the same person. Any thread may use it.

    Of the same within an hour the first fifty are written each, then the hundredth, the two hundredth, the
    four hundredth and so on, each of these for those since the one before. The desk's own log has every one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._seen: dict[Hashable, tuple[float, int]] = {}
        """When the first of each was, and how many there were; the oldest first."""

    def stands_for(self, what: Hashable) -> int:
        """Counts one more, and returns for how many a row is to be written now; 0: none."""
        with self._lock:
            self._forget()
            begun, before = self._seen.get(what, (self._clock(), 0))
            self._seen[what] = begun, before + 1
        return _rows_for(before + 1)

    def _forget(self) -> None:
        """Forgets those whose time is over."""
        over = self._clock() - SPELL_SECONDS
        while self._seen and next(iter(self._seen.values()))[0] <= over:
            del self._seen[next(iter(self._seen))]


def _rows_for(count: int) -> int:
    if count <= EACH:
        return 1
    times, rest = divmod(count, EACH)
    return 0 if rest or times & (times - 1) else count // 2
