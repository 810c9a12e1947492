"""What MixMonitor() writes for the dialplan's fallback: a WAV for each side, 8 kHz, 16 bits, one channel."""

from __future__ import annotations

from datetime import timedelta

HEADER_BYTES = 44
BYTES_A_SECOND = 16_000


def duration(size: int) -> timedelta:
    """Returns how long a file of so many bytes is: nothing where there is no sound in it.

    What it writes last is on disk when it has ended; up to two seconds are missing before that.
    """
    return timedelta(seconds=max(0, size - HEADER_BYTES) / BYTES_A_SECOND)
