"""Measures what a caller would hear of a sound.

After the mix to one channel, since a telephone has one, and between 300 and 3,400 Hz, which is all that every
telephone carries (ITU-T G.712). Levels are dBFS: 0 is the power of a square wave at full scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from callrec.prompts.decoder import Sound

Samples = NDArray[np.float64]

RATE = 8000
BAND_HZ = (300.0, 3400.0)
LOUDNESS_DBFS = -20.0
"""Of the words of every announcement, and of the tones: as loud as people talk on the telephone."""
PEAK_DBFS = -1.0
"""No sample is made louder than this: a telephone would clip it."""
FLOOR_DBFS = -120.0
"""What stands for silence without a single sample."""
FRAME_S = 0.02
PAUSE_DB = 25.0
"""What is so much quieter than the words is a pause between them."""
CLIP_RUN = 3
"""So many samples in a row at the highest level were cut off there."""
LOSSLESS = ("pcm_", "flac", "alac", "wavpack", "tta", "ape")
CLIP_LEAST = 0.25
"""What is quieter was not clipped by being too loud, but stands still by being coded in few bits."""
TORN_S, TORN_EDGE_S = 0.005, 0.0025
TORN_PART, TORN_STEPS, TORN_LEAP = 0.05, 4, 0.2
"""A sound that stands still for 5 ms and is none too quiet before and after (a twentieth of the words, four
steps of its coding) was torn apart if it gets there or leaves in one leap. The voice of a machine comes to
rest between its sounds, too, but smoothly: its leaps are 0.02 of the loudness there, torn ones 0.1 to 2."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of a sound."""

    seconds: float
    rate: int
    """Samples a second, in the file."""
    channels: int
    coding: str
    level: float
    """dBFS of the words in the file, after the mix: of all that is no pause."""
    heard: float
    """dBFS of the words as the PBX plays them."""
    full_level: float
    """dBFS after the mix, at all frequencies and with the pauses."""
    mixed_part: float
    """How much of the channels' power is left after the mix: 1 of unlike ones, 0 of two that cancel out."""
    silence_begin: float
    """Seconds."""
    silence_end: float
    """Seconds."""
    longest_pause: float
    """Seconds, between words."""
    words: float
    """Seconds in which something can be heard."""
    clipped: float
    """The part of the samples that are clipped, 0 to 1, in the worst channel."""
    torn_at: float | None
    """Second at which the sound breaks off and goes on later; None: nowhere."""
    spread: float
    """dB between the loud and the quiet moments."""
    flatness: float
    """How evenly the power is spread over the band: 0 a tone, 1 noise."""


def measure(sound: Sound) -> Measures:
    """Returns what a caller would hear of a sound of at least one sample."""
    mono = mixed(sound)
    band = _in_band(soxr.resample(mono, sound.rate, RATE))
    levels = _frame_levels(band)
    level = _word_level(levels)
    silences = list(_runs(levels < level - PAUSE_DB))
    edges = {0: 0.0, len(levels): 0.0}
    edges.update({edge: end - begin for begin, end in silences for edge in (begin, end) if edge in edges})
    inner = [end - begin for begin, end in silences if begin and end < len(levels)]
    return Measures(
        sound.seconds,
        sound.rate,
        sound.samples.shape[1],
        sound.coding,
        level,
        level + evening_gain(mono, level),
        _dbfs(np.mean(mono**2)),
        _mixed_part(sound, mono),
        edges[0] * FRAME_S,
        edges[len(levels)] * FRAME_S,
        max(inner, default=0) * FRAME_S,
        float(np.sum(levels >= max(level - PAUSE_DB, FLOOR_DBFS + 1))) * FRAME_S,
        max(_clipped(channel, sound.coding) for channel in sound.samples.T),
        _torn_at(sound, 10 ** (_word_level(_frame_levels(mono, sound.rate)) / 20)),
        float(np.ptp(np.percentile(levels, (10, 90)))),
        _flatness(band),
    )


def mixed(sound: Sound) -> Samples:
    """Returns the sound in one channel, without a shift of its zero line (which would cost loudness)."""
    mono: Samples = np.mean(sound.samples, axis=1, dtype=np.float64)
    return mono - np.mean(mono)


def evening_gain(mono: Samples, level: float) -> float:
    """Returns the dB by which words of a level get LOUDNESS_DBFS, or as near as PEAK_DBFS allows."""
    return float(min(LOUDNESS_DBFS - level, PEAK_DBFS - _dbfs(np.max(np.abs(mono)) ** 2)))


def _dbfs(power: float | np.floating) -> float:
    return float(max(FLOOR_DBFS, 10 * np.log10(max(float(power), 1e-30))))


def _in_band(mono: Samples) -> Samples:
    """Returns what a telephone carries of a sound of RATE."""
    spectrum = np.fft.rfft(mono)
    hertz = np.fft.rfftfreq(len(mono), 1 / RATE)
    spectrum[(hertz < BAND_HZ[0]) | (hertz > BAND_HZ[1])] = 0
    return np.fft.irfft(spectrum, len(mono))


def _frame_levels(samples: Samples, rate: int = RATE) -> Samples:
    """Returns the level of each frame; of a sound that is shorter than a frame, one."""
    size = max(1, round(FRAME_S * rate))
    whole = samples if len(samples) >= size else np.pad(samples, (0, size - len(samples)))
    frames = whole[: len(whole) // size * size].reshape(-1, size)
    levels: Samples = 10 * np.log10(np.maximum(np.mean(frames**2, axis=1), 1e-30))
    return np.clip(levels, FLOOR_DBFS, None)


def _word_level(levels: Samples) -> float:
    """Returns the mean power of the frames that are no pause: what a pause is depends on it (ITU-T P.56)."""
    power = 10 ** (levels / 10)
    level = _dbfs(np.mean(power))
    for _ in range(20):
        found = _dbfs(np.mean(power[levels >= level - PAUSE_DB]))
        if found - level < 0.01:
            break
        level = found
    return level


def _runs(found: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yields where each run of what is so begins and ends."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], found, [False]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _mixed_part(sound: Sound, mono: Samples) -> float:
    apart = sound.samples - np.mean(sound.samples, axis=0, dtype=np.float64)
    unlike = float(np.sum(np.mean(apart**2, axis=0))) / sound.samples.shape[1] ** 2
    return float(np.mean(mono**2)) / unlike if unlike else 1.0


def _clipped(channel: NDArray[np.float32], coding: str) -> float:
    """Returns the part of a channel that stands at its highest level.

    Of what MP3 and the like have made of that, the part beyond full scale. A WAV of floats may go beyond it
    and is not clipped.
    """
    loud = np.abs(channel)
    highest = float(np.max(loud))
    if highest < CLIP_LEAST:
        return 0.0
    if not coding.startswith(LOSSLESS):
        return float(np.mean(loud > 0.9999))
    runs = (end - begin for begin, end in _runs(loud > 0.9999 * highest))
    return sum(run for run in runs if run >= CLIP_RUN) / len(channel)


def _torn_at(sound: Sound, usual: float) -> float | None:
    """Returns where the sound first stands still between sounds, in seconds. `usual`: their amplitude."""
    steps = np.abs(np.diff(sound.samples, axis=0))
    if not steps.any():
        return None
    least = max(TORN_PART * usual, TORN_STEPS * float(np.min(steps[steps > 0])))
    edge = max(1, round(TORN_EDGE_S * sound.rate))
    for begin, end in _runs(~np.any(steps, axis=1)):
        if begin and end < len(steps) and end - begin >= round(TORN_S * sound.rate):
            before = sound.samples[max(0, begin - edge) : begin][::-1] - sound.samples[begin]
            after = sound.samples[end + 1 : end + 1 + edge] - sound.samples[begin]
            loudness = [_amplitude(before), _amplitude(after)]
            leaps = [_amplitude(before[:1]), _amplitude(after[:1])]
            if min(loudness) > least and any(
                leap > TORN_LEAP * loud for leap, loud in zip(leaps, loudness, strict=True)
            ):
                return begin / sound.rate
    return None


def _amplitude(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(samples**2, dtype=np.float64)))


def _flatness(band: Samples) -> float:
    """Returns the geometric by the arithmetic mean of the power at the band's frequencies."""
    size = 256
    if len(band) < size:
        return 0.0
    frames = band[: len(band) // size * size].reshape(-1, size) * np.hanning(size)
    power = np.mean(np.abs(np.fft.rfft(frames)) ** 2, axis=0)
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    power = power[(hertz > BAND_HZ[0] + 50) & (hertz < BAND_HZ[1] - 50)] + 1e-30
    return float(np.exp(np.mean(np.log(power))) / np.mean(power))
