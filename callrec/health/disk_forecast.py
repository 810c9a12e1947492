"""Says when the disk of the spool will be full, if it goes on filling as in the last hour."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from callrec.errors import Sentence

SAMPLE_SECONDS = 60.0
SAMPLES = 61
"""An hour of them."""
SHORTEST_SECONDS = 900.0
"""How long must have been looked before anything is foretold: one long recording is no trend."""
SOON_SECONDS = 24 * 3600.0
"""When it will be full so soon, people are told."""


class DiskForecast:
    """Looks at the free bytes of a disk, once a minute at most."""

    def __init__(self, free_bytes: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._free_bytes, self._clock = free_bytes, clock
        self._samples: deque[tuple[float, int]] = deque(maxlen=SAMPLES)

    def look(self) -> None:
        """Takes a sample when a minute has passed since the last. Raises OSError."""
        now = self._clock()
        if not self._samples or now - self._samples[-1][0] >= SAMPLE_SECONDS:
            self._samples.append((now, self._free_bytes()))

    def full_in(self) -> float | None:
        """Returns in how many seconds the disk will be full; None where it does not fill, or nobody knows."""
        if not self._samples:
            return None
        (begun, before), (ended, left) = self._samples[0], self._samples[-1]
        if ended - begun < SHORTEST_SECONDS or left >= before:
            return None
        return left * (ended - begun) / (before - left)

    def problems(self) -> list[Sentence]:
        """Returns that the disk will be full within a day, if so."""
        self.look()
        seconds = self.full_in()
        if seconds is None or seconds >= SOON_SECONDS:
            return []
        return [
            Sentence(
                "the disk of the spool will be full in {hours} hours, if it goes on filling as in the last "
                "hour: make room, or see why recordings stay in the spool",
                hours=int(seconds // 3600),
            )
        ]
