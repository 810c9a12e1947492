"""Which tone is heard when: the ears of the checker. Each call has two tones of its own, on a grid."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import numpy as np

from tests.listen import Samples

Melody = tuple[int, ...]
"""The loudest tone of each tenth of a second in Hz; 0 where it is silent."""

WINDOW_SECONDS = 0.1
LOUD = 1500.0
"""Amplitude from which a window has a tone; the phones speak at 8000."""
LOWEST, STEP, TONES = 400, 30, 86


def tone(number: int) -> int:
    """Returns the tone of this number, in Hz. Neighbours are told apart in every window."""
    return LOWEST + STEP * (number % TONES)


def melody(samples: Samples, rate: int) -> Melody:
    size = int(rate * WINDOW_SECONDS)
    whole = len(samples) // size if size else 0
    if not whole:
        return ()
    pieces = samples[: whole * size].reshape(whole, size).astype(float)
    loudness = 2 * np.abs(np.fft.rfft(pieces, axis=1)) / size
    loudest = np.argmax(loudness, axis=1)
    loud = loudness[np.arange(whole), loudest] > LOUD
    return tuple(
        _on_grid(int(bin_ / WINDOW_SECONDS)) if is_loud else 0
        for bin_, is_loud in zip(loudest, loud, strict=True)
    )


def seconds_of(heard: Melody, tones: tuple[int, ...]) -> float:
    """Returns for how long one of the tones is heard."""
    return sum(each in tones for each in heard) * WINDOW_SECONDS


def tones_in(heard: Melody, at_least: float) -> set[int]:
    """Returns the tones that are heard for so many seconds. Shorter ones are clicks, where two tones meet."""
    counted = Counter(each for each in heard if each)
    return {hertz for hertz, count in counted.items() if count * WINDOW_SECONDS >= at_least}


def longest_gap(heard: Melody, tones: tuple[int, ...]) -> float:
    """Returns the longest stretch without any of the tones between the first and the last of them."""
    there = [each in tones for each in heard]
    if True not in there:
        return 0.0
    between = there[there.index(True) : len(there) - there[::-1].index(True)]
    return max(
        (len(list(run)) * WINDOW_SECONDS for is_there, run in groupby(between) if not is_there), default=0.0
    )


def _on_grid(hertz: int) -> int:
    return LOWEST + STEP * round((hertz - LOWEST) / STEP)
