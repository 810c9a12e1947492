"""What of a party's words is missing in its track: the checker of bench.capacity.

A party says one tone, from its first packet in the call to its last. All of that has to be in the track.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.phones.sounds import RATE

Samples = NDArray[np.int16]

LENGTH = 0.04
"""Seconds by which what is heard may differ from what was said: two packets."""
HOLE = 0.02
"""Seconds of silence that nobody made: one packet."""
EDGE = 0.0005
"""Seconds that do not count: the tone begins and ends, and crosses zero, with samples that are quiet."""
QUIET = 50
WINDOW = 160
LOUD, PURE = 0.5, 0.7
"""The share of the power that a tone must have, where so much of a packet's length is loud."""


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a track, and at which second of it."""

    what: str
    at: float


def flaws(track: Samples, hertz: float, said: float) -> list[Flaw]:
    """Returns what is wrong with a track, in which a tone has to be heard for so many seconds."""
    loud = np.flatnonzero(np.abs(track.astype(int)) > QUIET)
    if not len(loud):
        return [Flaw("nothing is heard", 0.0)]
    begin, end = int(loud[0]), int(loud[-1]) + 1
    found = [Flaw("hole", (begin + at) / RATE) for at in _holes(loud - begin)]
    found += [Flaw("wrong tone", (begin + at) / RATE) for at in _wrong(track[begin:end], hertz)]
    heard = (end - begin) / RATE
    if abs(heard - said) > LENGTH + EDGE:
        found.append(Flaw(f"{(heard - said) * 1000:+.0f} ms", begin / RATE))
    return found


def missing(track: Samples, said: float) -> float:
    """Returns how many of so many seconds of a tone are nowhere in a track. Silence inside it, which the PBX
    has put between two packets, takes nothing away."""
    loud = np.flatnonzero(np.abs(track.astype(int)) > QUIET)
    if not len(loud):
        return said
    gaps = np.diff(loud) - 1
    silent = int(np.sum(gaps[gaps >= (HOLE - EDGE) * RATE]))
    return said - (int(loud[-1]) + 1 - int(loud[0]) - silent) / RATE


def is_missing(track: Samples, said: float) -> bool:
    """Whether more is missing than what a track may be shorter by."""
    return missing(track, said) > LENGTH + EDGE


def _holes(loud: NDArray[np.int64]) -> list[int]:
    """Returns where between loud samples there is a hole."""
    quiet = np.diff(loud) - 1
    return [int(loud[at]) for at in np.flatnonzero(quiet >= (HOLE - EDGE) * RATE)]


def _wrong(heard: Samples, hertz: float) -> list[int]:
    """Returns where in a window another tone is, or noise. Silence is neither: holes are told already."""
    count = len(heard) // WINDOW
    windows = heard[: count * WINDOW].reshape(count, WINDOW).astype(float)
    wave = np.exp(-2j * np.pi * hertz * np.arange(WINDOW) / RATE)
    tone = 2 * np.abs(windows @ wave / WINDOW) ** 2
    loud = np.mean(np.abs(windows) > QUIET, axis=1)
    # Of a tone in a part of the window that part of the power is the tone's.
    wrong = (loud > LOUD) & (tone < PURE * loud * np.mean(windows**2, axis=1))
    return [int(at) * WINDOW for at in np.flatnonzero(wrong)]
