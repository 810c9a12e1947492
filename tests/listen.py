"""Ears for tests: which tones are in a sound, where, and whether a prompt was heard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

WINDOW_SECONDS = 0.1
HANGUP_SECONDS = 0.3
PIECE = 3000
"""Samples of a prompt that are looked for together; no tone has two of them."""
AUDIBLE = 500.0
"""Amplitude from which a tone counts as heard; the phones speak at 8000."""


def amplitude(samples: Samples, rate: int, hertz: float) -> float:
    """How loud one tone is in all of the samples (a sine of amplitude A gives A)."""
    if not len(samples):
        return 0.0
    time = np.arange(len(samples)) / rate
    wave = np.exp(-2j * np.pi * hertz * time)
    return float(2 * abs(np.dot(samples.astype(float), wave)) / len(samples))


def windows(samples: Samples, rate: int) -> list[Samples]:
    size = int(rate * WINDOW_SECONDS)
    return [samples[begin : begin + size] for begin in range(0, len(samples) - size + 1, size)]


def heard_share(samples: Samples, rate: int, hertz: float) -> float:
    """The share of the time in which a tone is audible."""
    pieces = windows(samples, rate)
    return sum(amplitude(piece, rate, hertz) > AUDIBLE for piece in pieces) / max(len(pieces), 1)


def hears(samples: Samples, rate: int, hertz: float) -> bool:
    """Whether a tone is there for most of the time."""
    return heard_share(samples, rate, hertz) > 0.8


def hears_to_the_end(samples: Samples, rate: int, hertz: float) -> bool:
    """Whether a tone is there in the half second before the phone that sends it hung up. The PBX records on
    until it has been told of that, which takes longer on a busy machine."""
    late = int(rate * HANGUP_SECONDS)
    return hears(samples[-late - rate // 2 : -late], rate, hertz)


def hears_no(samples: Samples, rate: int, hertz: float) -> bool:
    """Whether a tone is nowhere to be heard."""
    return heard_share(samples, rate, hertz) == 0.0


def voiced(samples: Samples) -> Samples:
    """The samples without the silence before and after."""
    loud = np.flatnonzero(np.abs(samples) > AUDIBLE)
    return samples[loud[0] : loud[-1] + 1]


def likeness(prompt: Samples, heard: Samples) -> float:
    """How like the prompt what was heard is (1: the same).

    The prompt is looked for in short pieces, each where it is best: a busy PBX or phone drops,
    repeats or holds back a packet now and then, which shifts what follows by 20 ms or more.
    """
    if len(heard) < len(prompt):
        return 0.0
    pieces = np.array_split(prompt, max(1, len(prompt) // PIECE))
    return float(np.mean([_best(piece, heard)[0] for piece in pieces]))


def _best(piece: Samples, heard: Samples) -> tuple[float, int]:
    """The normalised correlation of the piece with its best place in what was heard, and that place."""
    if len(heard) < len(piece):
        return 0.0, 0
    a, b = piece.astype(float), heard.astype(float)
    size = len(a) + len(b)
    product = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)[: len(b) - len(a) + 1]
    power = np.cumsum(np.concatenate([[0.0], b**2]))
    energy = np.sqrt(np.maximum(power[len(a) :] - power[: len(b) - len(a) + 1], 1.0))
    score = product / (np.linalg.norm(a) * energy)
    best = int(np.argmax(score))
    return float(score[best]), best


def is_silent(samples: Samples) -> bool:
    return not len(samples) or int(np.max(np.abs(samples))) < 50


def longest_silence(samples: Samples, rate: int) -> float:
    """The longest stretch without sound, in seconds."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) >= 50)
    edges = np.concatenate([[-1], loud, [len(samples)]])
    return float(np.max(np.diff(edges)) - 1) / rate
