"""Makes of a sound the files that the PBX plays: even loudness, one channel, 16 bit, at every rate."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soxr
from pydub import AudioSegment  # decision 8

from callrec.model.prompts import RATES, PlayableSound
from callrec.prompts.judgement import Judgement, judged
from callrec.prompts.measures import Samples, evening_gain, mixed


def playable(path: Path) -> PlayableSound:
    """Returns what the PBX would play of a file of sound. Raises what is wrong with it, as `judged` finds."""
    judgement = judged(path)
    if judgement.faults:
        raise judgement.faults[0]
    return evened(judgement)


def evened(of: Judgement) -> PlayableSound:
    """Returns what the PBX plays of a sound that was judged."""
    mono = mixed(of.sound)
    even = mono * 10 ** (evening_gain(mono, of.measures.level) / 20)
    return PlayableSound({rate: _wav(even, of.sound.rate, rate) for rate in RATES}, of.measures.seconds)


def _wav(mono: Samples, source_rate: int, rate: int) -> bytes:
    resampled = soxr.resample(mono, source_rate, rate)
    samples = np.clip(np.round(resampled * 32768), -32768, 32767).astype("<i2")
    made = AudioSegment(samples.tobytes(), sample_width=2, frame_rate=rate, channels=1)
    return made.export(io.BytesIO(), format="wav").getvalue()  # type: ignore[no-any-return]
