"""Looks for a prompt in a sound: whether all of it can be heard there, whoever speaks at the same time.

Prompt and sound are compared by the phases of their spectra (a phase transform): a voice or a tone over the
prompt spoils only the frequencies it has just then, however loud it is. The whole prompt tells where it is;
then each half second of it must be there by itself, so that one which broke off is not taken for whole. A PBX
with too little time loses, repeats or holds back packets: each piece is looked for near its neighbour, from
the surest one to both ends.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from callrec.spool.sound import Samples

RATE = 8_000
"""Hz of prompt and sound: most calls carry no more."""
BAND_HZ = (250.0, 3_400.0)
"""What a telephone carries."""
SLIP = RATE // 10
"""Samples by which a piece may stand elsewhere than the one before it tells: late packets shift a voice."""
LEAP = 2 * RATE // 5
"""Samples by which it may where it is beyond doubt: so long may a busy PBX have played nothing before it."""
PIECE = RATE // 2
LEAST_SCORE = 8.0
"""How far the place of a piece must stand out of its surroundings, in standard deviations.

Measured with the shipped prompts through G.711, G.722 and Opus: the faintest piece of a prompt gives 40 by
itself, and 11 or more below noise, a tone or another voice of twice its loudness; below four times its
loudness (12 dB) it may be missed. Where there is no prompt, in speech, noise and tones, the faintest piece
gives 6 at most. Where every twentieth packet was lost or came twice, or one came 0.38 s late, the faintest
piece gives 25 by itself and 17 or more below a voice as loud.
"""
SURE_SCORE = 20.0
"""From which score on a piece is beyond doubt. One that is missing gives 15 at most."""
FAINT = 0.1
"""A piece of less than this part of the prompt's loudness is a pause between its words."""


def is_heard(prompt: Samples, sound: Samples) -> bool:
    """Returns whether a prompt is in a sound from beginning to end.

    Both have RATE. An interruption of less than a second may go unnoticed.
    """
    return min(scores(prompt, sound), default=0.0) >= LEAST_SCORE


def scores(prompt: Samples, sound: Samples) -> list[float]:
    """Returns for each half second of a prompt, but for pauses, how far it stands out where it should be."""
    pieces, sound = _pieces(prompt), np.pad(sound, PIECE)  # what surrounds the words may not be in the sound
    place = _best(prompt, sound)[0]
    alone = [_followed([each], sound, place)[0] for each in pieces]
    surest = int(np.argmax(alone)) if alone else 0
    earlier = _followed(pieces[:surest][::-1], sound, place)
    return [*earlier[::-1], *_followed(pieces[surest:], sound, place)]


def _pieces(prompt: Samples) -> list[tuple[int, Samples]]:
    """Returns the half seconds of a prompt and where in it they begin, without pauses."""
    count = max(1, len(prompt) // PIECE)
    edges = pairwise(round(each * len(prompt) / count) for each in range(count + 1))
    pieces = [(begin, prompt[begin:end]) for begin, end in edges]
    least = FAINT * _loudness(prompt)
    return [(begin, piece) for begin, piece in pieces if _loudness(piece) >= least]


def _followed(pieces: list[tuple[int, Samples]], sound: Samples, place: int) -> list[float]:
    """Returns how far each piece stands out near where the one before tells that the prompt begins."""
    found = []
    for begin, piece in pieces:
        at, score = _near(piece, sound, place + begin, SLIP)
        if score < LEAST_SCORE:
            far, sure = _near(piece, sound, place + begin, LEAP)
            at, score = (far, sure) if sure >= SURE_SCORE else (at, score)
        found.append(score)
        if score >= LEAST_SCORE:
            place = at - begin
    return found


def _near(piece: Samples, sound: Samples, place: int, by: int) -> tuple[int, float]:
    """Returns where a piece most likely begins, not farther than `by` from a place, and how sure that is."""
    first = max(0, place - by)
    offset, score = _best(piece, sound[first : place + len(piece) + by])
    return first + offset, score


def _best(piece: Samples, sound: Samples) -> tuple[int, float]:
    """Returns where in a sound a piece is most likely to begin, and how far that place stands out."""
    places = len(sound) - len(piece) + 1
    if places < 1:
        return 0, 0.0
    size = 1 << (len(sound) + len(piece)).bit_length()
    likeness = np.fft.irfft(_cross_phase(np.fft.rfft(piece, size), np.fft.rfft(sound, size), size), size)
    best = int(np.argmax(likeness[:places]))
    spread = float(np.std(likeness))
    return best, float(likeness[best]) / spread if spread else 0.0


def _cross_phase(
    piece: NDArray[np.complex128], sound: NDArray[np.complex128], size: int
) -> NDArray[np.complex128]:
    """Returns by how much the phases differ; frequencies that are strong in the piece count more."""
    begin, end = np.searchsorted(np.fft.rfftfreq(size, 1 / RATE), BAND_HZ)
    piece_carried, sound_carried = piece[begin:end], sound[begin:end]
    strength = np.abs(sound_carried) * np.sqrt(np.abs(piece_carried))
    differ = np.zeros_like(sound)
    np.divide(sound_carried * piece_carried.conj(), strength, out=differ[begin:end], where=strength > 0)
    return differ


def _loudness(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2))) if len(samples) else 0.0
