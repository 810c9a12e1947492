"""Small WAVs as Asterisk writes them."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def tone(hertz: float, seconds: float, rate: int = 8000, loud: int = 8000) -> NDArray[np.int16]:
    return _tone(hertz, seconds, rate, loud).copy()


@cache
def _tone(hertz: float, seconds: float, rate: int, loud: int) -> NDArray[np.int16]:
    time = np.arange(round(seconds * rate)) / rate
    return (loud * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def write_wav(path: Path, samples: NDArray[np.int16], rate: int = 8000, *, closed: bool = True) -> Path:
    """A mono WAV; not `closed`: with the header as it is before the file is finished."""
    data = samples.astype("<i2").tobytes()
    said = len(data) if closed else 0
    head = b"RIFF" + struct.pack("<I", 36 + said) + b"WAVEfmt "
    head += struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16) + b"data" + struct.pack("<I", said)
    path.write_bytes(head + data)
    return path
