"""Lets a renewal of snoops wait until the PBX has told that the old ones are gone (decision 9)."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection

PATIENCE_SECONDS = 0.1
"""How long is waited. A snoop is gone with the next packet (20 ms) of the channel it listens to; where
none comes for so long, nothing is said that could be missed."""
REMEMBERED = 1000
"""How many of our channels that have gone are remembered."""


class Hangups:
    """Knows which channels of ours have gone lately. Safe to use from several threads."""

    def __init__(self) -> None:
        self._gone: deque[str] = deque(maxlen=REMEMBERED)
        self._changed = threading.Condition()

    def gone(self, channel: str) -> None:
        """Takes note that the PBX has told that this channel is no more."""
        with self._changed:
            self._gone.append(channel)
            self._changed.notify_all()

    def pause(self, what: str, seconds: float) -> None:
        """Waits so long, for something of which the PBX tells nothing. `what` tells waits apart."""
        time.sleep(seconds)

    def wait(self, channels: Collection[str]) -> bool:
        """Waits until all these channels are gone, a tenth of a second at most. Returns whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: set(channels) <= set(self._gone), PATIENCE_SECONDS)
