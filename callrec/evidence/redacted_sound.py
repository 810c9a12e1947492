"""Covers stretches of a recording with silence or a tone; every other sample stays as it is.

Streamed in blocks: a call of hours needs no more memory than one of seconds.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile  # decision 8

from callrec.errors import EvidenceBroken
from callrec.evidence.spans import Cover, Span, SpanTrack
from callrec.manifest import AudioFacts
from callrec.spool.sound import BLOCK, EXTERNAL_CHANNEL, STAFF_CHANNEL, Samples, examine, tag

TONE_HZ = 440
LEVEL = 3000
"""The amplitude of the tone: about as loud as speech on a telephone."""
RAMP_S = 0.01
"""How long the tone takes to swell and to fade, within the span: it does not click."""
_CHANNELS = {
    SpanTrack.EXTERNAL: [EXTERNAL_CHANNEL],
    SpanTrack.STAFF: [STAFF_CHANNEL],
    SpanTrack.BOTH: [EXTERNAL_CHANNEL, STAFF_CHANNEL],
}


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A span in frames of the file."""

    begin: int
    end: int
    channels: list[int]
    cover: Cover

    def lay_over(self, block: Samples, start: int, rate: int) -> None:
        """Covers what of it lies in a block that begins at frame `start`."""
        first, last = max(self.begin, start), min(self.end, start + len(block))
        if first < last:
            sound = self._tone(first, last, rate) if self.cover is Cover.TONE else np.int16(0)
            for channel in self.channels:
                block[first - start : last - start, channel] = sound

    def _tone(self, first: int, last: int, rate: int) -> Samples:
        at = np.arange(first, last)
        from_ends = np.minimum(at - self.begin, self.end - 1 - at) / (RAMP_S * rate)
        wave = LEVEL * np.sin(2 * np.pi * TONE_HZ * (at - self.begin) / rate)
        return (wave * np.minimum(from_ends, 1.0)).round().astype(np.int16)


def cover(source: Path, target: Path, spans: Sequence[Span], tags: dict[str, str]) -> AudioFacts:
    """Writes a recording with these spans covered into another FLAC, and returns what that is.

    Raises EvidenceBroken for a file that is no recording, and OSError where it cannot be written.
    """
    written = hashlib.sha256()
    with soundfile.SoundFile(source) as sound:
        if (sound.channels, sound.subtype) != (2, "PCM_16"):
            raise EvidenceBroken("the sound is not 16-bit stereo")
        stretches = [_stretch(each, sound.samplerate, sound.frames) for each in spans]
        with soundfile.SoundFile(target, "w", sound.samplerate, 2, "PCM_16", format="FLAC") as out:
            start = 0
            for block in sound.blocks(BLOCK, dtype="int16", always_2d=True):
                for each in stretches:
                    each.lay_over(block, start, sound.samplerate)
                out.write(block)
                written.update(block.astype("<i2").tobytes())
                start += len(block)
    tag(target, tags)
    facts = examine(target)
    if facts.pcm_sha256 != written.hexdigest():  # libsndfile says nothing of a disk that is full at the end
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)
    return facts


def frames(span: Span, rate: int, most: int) -> tuple[int, int]:
    """Returns the first frame of a span, and the one after its last: rather more is covered than less."""
    return int(span.begin_s * rate), min(most, -int(-span.end_s * rate // 1))


def _stretch(span: Span, rate: int, most: int) -> _Stretch:
    return _Stretch(*frames(span, rate, most), _CHANNELS[span.track], span.cover)
