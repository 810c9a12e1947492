"""What the phones say: packets of 20 ms of µ-law at 8 kHz, made once and said again and again."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import soundfile
from numpy.typing import NDArray

from callrec.resources import shipped

RATE = 8000
SAMPLES = 160
"""Samples a packet, which are as many bytes."""
LOUDNESS = 8000
HERTZ = {"external": 500, "staff": 1000}
"""The tone of each side: whole waves in a packet, so that every packet is alike."""
PAUSE_SECONDS = 4.0
SILENT = b"\xff" * SAMPLES

Packets = list[bytes]


@cache
def packets(sound: str, side: str) -> Packets:
    """Returns a round of packets of a sound (tone, speech, silence) as that side says it. Raises KeyError."""
    make = {"tone": _tone, "speech": _speech, "silence": _silence}[sound]
    return _cut(_encoded(make(side)))


def decoded(payload: bytes) -> NDArray[np.int16]:
    """Returns the samples of a packet."""
    raw = io.BytesIO(payload)
    samples, _ = soundfile.read(
        raw, dtype="int16", format="RAW", subtype="ULAW", samplerate=RATE, channels=1, endian="FILE"
    )
    return np.asarray(samples, dtype=np.int16)


def _tone(side: str) -> NDArray[np.float64]:
    return LOUDNESS * np.sin(2 * np.pi * HERTZ[side] * np.arange(SAMPLES) / RATE)


def _speech(side: str) -> NDArray[np.float64]:
    """Returns the notice that callrec ships, and a pause in which mostly the other side speaks."""
    words, _ = soundfile.read(shipped("prompts") / "ja/notice.wav", dtype="int16")
    pause = np.zeros(int(PAUSE_SECONDS * RATE))
    parts = [words, pause] if side == "external" else [pause, words]
    return np.concatenate(parts).astype(np.float64)


def _silence(_side: str) -> NDArray[np.float64]:
    return np.zeros(SAMPLES)


def _encoded(samples: NDArray[np.float64]) -> bytes:
    raw = io.BytesIO()
    soundfile.write(raw, samples.astype(np.int16), RATE, format="RAW", subtype="ULAW")
    return raw.getvalue()


def _cut(encoded: bytes) -> Packets:
    whole = encoded + SILENT[: -len(encoded) % SAMPLES]
    return [whole[begin : begin + SAMPLES] for begin in range(0, len(whole), SAMPLES)]
