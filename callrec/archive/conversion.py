"""Makes of a recording the file that somebody asked for: in another format, or a part of it.

Streamed: hours need no memory. Who may have it, and what it is of, is not known here.
"""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import soundfile  # decision 8

from callrec.archive.given import Clip
from callrec.errors import CheckFailed, EvidenceBroken, Sentence
from callrec.failures import why
from callrec.files import scratch
from callrec.spool.sound import BLOCK, examine

_FFMPEG = {"mp3": ["-codec:a", "libmp3lame", "-q:a", "4"], "opus": ["-codec:a", "libopus", "-b:a", "48k"]}


def convert(source: Path, target: Path, kind: str, clip: Clip | None = None) -> None:
    """Writes a recording, or a clip of it, in another format. Streamed: hours need no memory."""
    if kind == "flac" and clip is None:
        save(chunks(source), target)
    elif kind in ("flac", "wav"):
        _copy(source, target, kind, clip)
    else:
        _through_ffmpeg(source, target, kind, clip)


def _copy(source: Path, target: Path, kind: str, clip: Clip | None) -> None:
    with soundfile.SoundFile(source) as sound:
        begin, end = _frames(sound, clip)
        sound.seek(begin)
        with soundfile.SoundFile(
            target, "w", sound.samplerate, sound.channels, "PCM_16", format=kind.upper()
        ) as out:
            left, written = end - begin, hashlib.sha256()
            while left > 0:
                block = sound.read(min(BLOCK, left), dtype="int16", always_2d=True)
                out.write(block)
                written.update(block.astype("<i2").tobytes())
                left -= len(block)
    if not _reads_back(target, written.hexdigest()):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)


def _reads_back(path: Path, pcm_sha256: str) -> bool:
    """Returns whether a file has these samples. libsndfile says nothing of a disk that is full at the end."""
    try:
        return examine(path).pcm_sha256 == pcm_sha256
    except EvidenceBroken:
        return False


def _frames(sound: soundfile.SoundFile, clip: Clip | None) -> tuple[int, int]:
    """Returns the first frame of a clip and the one after its last. Raises WrongUsage."""
    if clip is None:
        return 0, sound.frames
    clip.check(sound.frames / sound.samplerate)
    end = sound.frames if clip.end_s is None else round(clip.end_s * sound.samplerate)
    return round(clip.begin_s * sound.samplerate), min(end, sound.frames)


def _through_ffmpeg(source: Path, target: Path, kind: str, clip: Clip | None) -> None:
    with scratch() as part:
        if clip:
            _copy(source, part, "wav", clip)
        given = part if clip else source
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(given), *_FFMPEG[kind], "-f", kind, str(target)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise CheckFailed(
                "ffmpeg is not installed, it makes {kind}: apt-get install ffmpeg", kind=kind
            ) from error
    if done.returncode:
        raise CheckFailed(
            "ffmpeg could not make {kind}: {problem}", kind=kind, problem=_of_ffmpeg(done.stderr)
        )


def _of_ffmpeg(said: str) -> Sentence:
    """Returns what went wrong, by its kind: what ffmpeg says is English."""
    if os.strerror(errno.ENOSPC) in said:
        return why(OSError(errno.ENOSPC, ""))
    return Sentence("it does not read the recording, or lacks the encoder")


def save(data: Iterator[bytes], target: Path) -> None:
    """Streams bytes into a file."""
    with target.open("wb") as file:
        file.writelines(data)


def chunks(source: Path) -> Iterator[bytes]:
    """Returns the bytes of a file, a part at a time."""
    with source.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk
