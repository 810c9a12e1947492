"""Draws the sound of a recording: how loud each side was. Streamed: hours need no memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile  # decision 8

COLUMNS = 800
BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Waveform:
    """The loudest sample of each side in each column, as a part of the loudest of the file (0 to 1)."""

    seconds: float
    external: tuple[float, ...]
    staff: tuple[float, ...]


def waveform(path: Path, columns: int = COLUMNS) -> Waveform:
    """Returns the waveform of a stereo file."""
    with soundfile.SoundFile(path) as sound:
        frames, rate = sound.frames, sound.samplerate
        peaks, done = np.zeros((columns, 2), dtype=np.int32), 0
        for block in sound.blocks(BLOCK, dtype="int16", always_2d=True):
            places = np.arange(done, done + len(block)) * columns // max(frames, 1)
            np.maximum.at(peaks, places, np.abs(block.astype(np.int32)))
            done += len(block)
    scaled = np.round(peaks / max(1, int(peaks.max())), 3)
    return Waveform(frames / rate, tuple(scaled[:, 0].tolist()), tuple(scaled[:, 1].tolist()))


def outline(peaks: Sequence[float], width: float, middle: float, height: float) -> str:
    """Returns the path of an SVG that fills what lies between the peaks above and below a middle line."""
    step = width / len(peaks)
    upper = [(number * step, middle - max(0.5, peak * height)) for number, peak in enumerate(peaks)]
    lower = [(x, 2 * middle - y) for x, y in reversed(upper)]
    return "M" + "L".join(f"{x:.4g},{y:.4g}" for x, y in (*upper, *lower)) + "Z"
