"""Reads the PBX's tracks, joins them into one stereo FLAC, tags and hashes it.

Everything is streamed in blocks; a call of hours needs no more memory than one of seconds. Samples are 16-bit
signed. Left is the external party, right is staff. What a track is of, and when, is not known here.
"""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile  # decision 8
import soxr
from mutagen.flac import FLAC
from numpy.typing import NDArray

from callrec.errors import EvidenceBroken
from callrec.manifest import AudioFacts, Placement

Samples = NDArray[np.int16]
Hear = Callable[[Samples, int], object]
"""Is given sound block by block, with its rate: a row for each frame, a column for each channel."""
EXTERNAL_CHANNEL, STAFF_CHANNEL = 0, 1
"""Left and right of a recording."""
MOST_OVERLAP_S = 1.0
MOST_LATE_S = 60.0
"""How late the PBX can be in ending a segment, in seconds."""
BLOCK = 1 << 16
"""Frames handled at a time."""
HEADER_WRAPS = 1 << 32
"""A WAV's header counts its bytes modulo this."""
RATES = range(8_000, 192_001)
"""Sample rates that Asterisk can write."""


class Wav:
    """A mono 16-bit WAV that Asterisk wrote. Raises EvidenceBroken for any other file.

    Its length is that of the file, not the one in its header: after a crash of the PBX the header says 0, and
    the sound is there all the same.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self.rate, self._offset, said = _header(file.read(4096))
        self.size = path.stat().st_size
        """In bytes, with the header."""
        size = self.size - self._offset
        self.frames = size // 2
        self.is_closed = said == size % HEADER_WRAPS
        """Whether the header was finished: false while the PBX writes, and after its crash."""

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    def blocks(self, rate: int) -> Iterator[Samples]:
        """Yields all samples in blocks, resampled to `rate` Hz where they have another rate."""
        change = soxr.ResampleStream(self.rate, rate, 1, dtype="int16") if rate != self.rate else None
        with self.path.open("rb") as file:
            file.seek(self._offset)
            left = self.frames
            while left > 0:
                block = np.frombuffer(file.read(2 * min(left, BLOCK)), dtype="<i2")
                if not len(block):
                    raise EvidenceBroken("{path} became shorter while it was read", path=self.path.name)
                left -= len(block)
                yield change.resample_chunk(block, last=left <= 0) if change else block


SilentSpan = tuple[float, float]
"""A span in which nothing may be heard: seconds from the beginning of the recording."""


@dataclass(frozen=True, slots=True)
class SegmentSound:
    """One segment that is to be joined: its tracks, None where there is no sound, and its place in the file.

    `offset_s` is in seconds from the beginning of the recording; each `lead` is in seconds from the beginning
    of the segment to that of the track. `ends_s`, from there too, is where callrec ended the segment: what
    the PBX wrote until it obeyed is not of it. None: the PBX ended it.
    """

    segment: int
    offset_s: float
    external: Wav | None
    staff: Wav | None
    external_lead_s: float = 0.0
    staff_lead_s: float = 0.0
    ends_s: float | None = None

    def frames(self, rate: int) -> int:
        """Returns the frames at `rate` from the beginning of the segment to its end, or that of its longer
        track.

        A track that is longer by more than a minute says that a time is wrong: then nothing is cut.
        """
        written = self._written(rate)
        ends = written if self.ends_s is None else round(self.ends_s * rate)
        return max(ends, 0) if 0 < written - ends <= MOST_LATE_S * rate else written

    def _written(self, rate: int) -> int:
        return max(
            _scaled(track, rate) + round(lead * rate)
            for track, lead in ((self.external, self.external_lead_s), (self.staff, self.staff_lead_s))
        )


def join(
    sounds: Sequence[SegmentSound], target: Path, silences: Sequence[SilentSpan] = ()
) -> tuple[list[Placement], str]:
    """Writes the sounds of segments into one stereo FLAC, each at its time, with silence in `silences`.

    Where one still runs for a moment when the next begins (a snoop that was slow to end), the next one is
    heard. A longer overlap means that a time is wrong: then nothing is cut, and the next comes after. Returns
    where each stands, and the SHA-256 of the samples that were written.
    """
    tracks = [track for each in sounds for track in (each.external, each.staff) if track]
    rate = max(track.rate for track in tracks)
    placements = []
    with soundfile.SoundFile(target, "w", rate, 2, subtype="PCM_16", format="FLAC") as file:
        out = _Writer(file, [(round(begin * rate), round(end * rate)) for begin, end in silences])
        for each, after in itertools.zip_longest(sounds, sounds[1:]):
            out.silence(round(each.offset_s * rate) - out.frames)
            begin = out.frames
            left_over = each.frames(rate) - _cut(begin + each.frames(rate), after, rate)
            for left, right in _side_by_side(each, rate):
                block = np.column_stack([left, right])[:left_over]
                out.write(block)
                left_over -= len(block)
            sides = (("external", each.external), ("staff", each.staff))
            missing = tuple(name for name, track in sides if not track)
            placements.append(Placement(each.segment, begin / rate, (out.frames - begin) / rate, missing))
    return placements, out.digest.hexdigest()


def _cut(end: int, after: SegmentSound | None, rate: int) -> int:
    """Returns how many frames of a segment that ends at frame `end` give way to the one after."""
    overlap = end - round(after.offset_s * rate) if after else 0
    return overlap if 0 < overlap <= MOST_OVERLAP_S * rate else 0


def tag(path: Path, tags: Mapping[str, str | Sequence[str]]) -> None:
    """Writes Vorbis comments into a FLAC. That changes the file: hash it afterwards."""
    file: Any = FLAC(path)  # type: ignore[no-untyped-call]
    for name, value in tags.items():
        file[name] = value
    file.save()


def examine(path: Path, hear: Hear = lambda block, rate: None) -> AudioFacts:
    """Reads a FLAC back from disk, decodes it to the end, and returns what it is, with its hashes.

    `hear` is given all that is decoded, so that nobody needs to decode it once more. Raises EvidenceBroken
    when it cannot be decoded.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    try:
        with soundfile.SoundFile(path) as sound:
            pcm, frames = hashlib.sha256(), 0
            for block in sound.blocks(BLOCK, dtype="int16", always_2d=True):
                pcm.update(block.astype("<i2", copy=False).data)
                frames += len(block)
                hear(block, sound.samplerate)
            rate, channels, kind = sound.samplerate, sound.channels, sound.format
    except soundfile.LibsndfileError as error:
        raise EvidenceBroken(
            "the sound cannot be decoded: libsndfile, error {code}", code=error.code
        ) from error
    return AudioFacts(
        format=kind.lower(),
        sample_rate=rate,
        channels=channels,
        frames=frames,
        pcm_sha256=pcm.hexdigest(),
        sha256=digest.hexdigest(),
        size=path.stat().st_size,
    )


def _header(head: bytes) -> tuple[int, int, int]:
    """Returns the sample rate, where the samples begin, and how many bytes of them the header promises.

    Raises EvidenceBroken for anything but 16-bit mono.
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise EvidenceBroken("the file is no WAV file")
    position, rate = 12, 0
    while position + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, position)
        if name == b"fmt ":
            rate = _rate(head[position + 8 :])
        if name == b"data" and rate:
            return rate, position + 8, size
        position += 8 + size + size % 2
    raise EvidenceBroken("the file holds no sound")


def _rate(form: bytes) -> int:
    """Returns the sample rate that a `fmt ` chunk names. Raises EvidenceBroken unless it is 16-bit mono."""
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form.ljust(16, b"\0"))
    if (kind, channels, bits) != (1, 1, 16) or rate not in RATES:
        raise EvidenceBroken("the file is not 16-bit mono PCM")
    return int(rate)


def _scaled(track: Wav | None, rate: int) -> int:
    """Returns the frames of a track at `rate`, rounded up; 0 for none."""
    return -(-track.frames * rate // track.rate) if track else 0


def _side_by_side(each: SegmentSound, rate: int) -> Iterator[tuple[Samples, Samples]]:
    """Yields both tracks in step, block by block, the shorter filled up with silence."""
    # Asterisk itself writes silence where no packets come: they rarely differ (decision 3).
    left = _Feed(each.external, each.external_lead_s, rate)
    right = _Feed(each.staff, each.staff_lead_s, rate)
    frames = each.frames(rate)
    for begin in range(0, frames, BLOCK):
        count = min(BLOCK, frames - begin)
        yield left.take(count), right.take(count)


class _Feed:
    """Gives the samples of a track in pieces of any length; silence before it begins and after it ends."""

    def __init__(self, track: Wav | None, lead_s: float, rate: int) -> None:
        self._blocks = track.blocks(rate) if track else iter(())
        self._rest: Samples = np.zeros(round(lead_s * rate), dtype=np.int16)

    def take(self, count: int) -> Samples:
        pieces = [self._rest]
        have = len(self._rest)
        while have < count:
            block = next(self._blocks, None)
            if block is None:
                block = np.zeros(count - have, dtype=np.int16)
            pieces.append(block)
            have += len(block)
        joined = np.concatenate(pieces)
        self._rest = joined[count:]
        return joined[:count]


class _Writer:
    """Writes blocks into a file, counts their frames and hashes them.

    `silences` are spans of frames in which nothing may be heard, whatever is written.
    """

    def __init__(self, file: soundfile.SoundFile, silences: Sequence[tuple[int, int]]) -> None:
        self._file, self.frames, self.digest = file, 0, hashlib.sha256()
        self._silences = silences

    def write(self, block: Samples) -> None:
        for begin, end in self._silences:
            first, last = max(0, begin - self.frames), end - self.frames
            if first < len(block) and last > 0:
                block = block.copy()
                block[first:last] = 0
        self._file.write(block)
        self.digest.update(block.astype("<i2", copy=False).data)
        self.frames += len(block)

    def silence(self, frames: int) -> None:
        while frames > 0:
            count = min(frames, BLOCK)
            self.write(np.zeros((count, 2), dtype=np.int16))
            frames -= count
