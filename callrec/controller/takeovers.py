"""Lets calls that the dialplan's fallback records be taken over one after the other.

Of each nothing is recorded between the end of what the dialplan recorded and the first sample of its snoops
(decision 9: the one has to end before the others begin). Of many at once each would wait for the requests of
all, and so would a call that is answered then; the dialplan goes on with those whose turn has not come.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

PATIENCE_SECONDS = 0.25
"""How long the next one waits for one that the PBX does not begin to record."""


class Takeovers:
    """Waits until what was taken over is recorded. Safe to use from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()

    def begun(self) -> None:
        """Takes note that the PBX has begun some recording."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, is_recorded: Callable[[], bool]) -> bool:
        """Waits until it is, a quarter of a second at most. Returns whether it is."""
        with self._changed:
            return self._changed.wait_for(is_recorded, PATIENCE_SECONDS)
