"""What MixMonitor() writes for the dialplan: a WAV for each side, 8 kHz, 16 bits, one channel."""

from __future__ import annotations

import re
from datetime import timedelta

FALLBACK_VARIABLE = "CALLREC_FALLBACK"
"""Set by the dialplan on a channel that its journal has a line of: since when, in seconds since 1970."""
MONITOR_VARIABLE = "CALLREC_MIXMONITOR"
"""The id of the MixMonitor that records a channel for callrec, set by the dialplan."""
RECORDED = "callrec/fallback-"
"""How the names of the stored recordings begin that the dialplan makes."""
HEADER_BYTES = 44
BYTES_A_SECOND = 16_000


def file_of(channel: str) -> str:
    """Returns how the names of both recordings of a channel, by its id, begin: what follows is the side."""
    return RECORDED + re.sub(r"[^0-9A-Za-z._-]", "", channel)


def is_of_dialplan(name: str) -> bool:
    """Tells whether a stored recording of this name was made by the dialplan."""
    return name.startswith(RECORDED)


def duration(size: int) -> timedelta:
    """Returns how long a file of so many bytes is: nothing where there is no sound in it.

    What it writes last is on disk when it has ended; up to two seconds are missing before that.
    """
    return timedelta(seconds=max(0, size - HEADER_BYTES) / BYTES_A_SECOND)
