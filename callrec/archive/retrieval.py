"""Gets recordings out of the archive: reads them back, proves them, converts them, and writes that down.

For `callrec fetch` and `callrec verify`. Who may do that is not asked here, and whether the custody log
itself is whole is asked by callrec.catalogue.custody.
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path

import soundfile  # decision 8

from callrec.archive.archiver import file_sha256
from callrec.archive.store import Store
from callrec.catalogue import custody, finding
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Database
from callrec.errors import CheckFailed, EvidenceBroken, NotFound, Sentence, WrongUsage
from callrec.failures import why
from callrec.files import Draft, draft, publish, scratch
from callrec.manifest import Manifest, differences, read
from callrec.model.access import EVERYWHERE
from callrec.spool.sound import BLOCK, examine
from callrec.texts import items

FORMATS = ("flac", "wav", "mp3", "opus")
AUDIBLE_S = 0.1
"""The shortest clip: what is shorter is a click."""
_FFMPEG = {"mp3": ["-codec:a", "libmp3lame", "-q:a", "4"], "opus": ["-codec:a", "libopus", "-b:a", "48k"]}


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a recording, in seconds from its beginning."""

    begin_s: float
    end_s: float

    def check(self, seconds: float) -> None:
        """Raises WrongUsage unless it lies in a recording of so many seconds, and something can be heard."""
        if self.begin_s >= seconds:
            raise WrongUsage(
                "the clip begins after the recording ends, at {seconds} s", seconds=math.floor(seconds)
            )
        if self.end_s > math.ceil(seconds):  # people see and type whole seconds
            raise WrongUsage(
                "the clip ends after the recording, which ends at {seconds} s", seconds=math.ceil(seconds)
            )
        if min(self.end_s, seconds) - self.begin_s < AUDIBLE_S:
            raise WrongUsage(
                "the clip is shorter than {seconds} s: nothing could be heard in it", seconds=AUDIBLE_S
            )

    def __str__(self) -> str:
        return f"-{self.begin_s:.10g}s-{self.end_s:.10g}s"


class Retrieval:
    """Reads recordings of one archive for `who`, and enters that into the custody log."""

    def __init__(self, store: Store, database: Database, *, who: str) -> None:
        self._store, self._database, self._who = store, database, who

    def verify(self, kept: ArchivedRecording) -> list[str]:
        """Reads a recording back and checks every hash. Raises EvidenceBroken with what is wrong.

        Returns the keys under which somebody has put something else since, or deleted the newest
        version: what was archived is still there, and is what is read.
        """
        with self._verified(kept):
            # Object Lock does not keep others from putting something over an object (decision 6).
            covered = [key for key, version in _objects(kept) if version and self._newest(key) != version]
            self._note(kept, "verified", **({"covered": covered} if covered else {}))
        return covered

    def fetch(
        self,
        id_: str,
        folder: Path,
        *,
        kind: str = "flac",
        clip: Clip | None = None,
        request: str | None = None,
    ) -> Path:
        """Puts a recording and its manifest into a folder. Returns the path of the sound.

        An existing file is replaced only by a whole new one, and only once the fetch is on record. Raises
        NotFound, EvidenceBroken where it does not verify, CheckFailed where a file cannot be made, and
        WrongUsage for a clip that is not in it.
        """
        kept, part = self.look_up(id_), str(clip or "")
        path = folder / f"{kept.id}{part}.{kind}"
        with _drafts(path, folder / f"{kept.id}.manifest.json") as (sound, sidecar):
            with self._verified(kept) as (audio, manifest):
                convert(audio, sound.path, kind, clip)
                sidecar.write(manifest)
            sound.sync()
            sidecar.sync()
            # First: a row without a file can be explained, a file without a row cannot (decision 7).
            self._note(kept, "fetched", format=kind, clip=part, request=request or "")
            publish(sidecar, sound)
        return path

    def look_up(self, id_: str) -> ArchivedRecording:
        """Returns the recording of an id or its beginning, which may also be those of its call.

        Raises NotFound, also for a call without a recording, and WrongUsage when it fits several.
        """
        with self._database.read() as connection:
            found = finding.look_up(connection, id_, reach=EVERYWHERE)
        if found.recording is None:
            raise NotFound("call {id} was not recorded: see callrec show {id}", id=found.call.id)
        return found.recording

    def named(self, texts: Collection[str]) -> list[ArchivedRecording]:
        """Returns the recordings that are named, each once; a text may be a list of ids.

        Raises as `look_up` does.
        """
        found = [self.look_up(each) for each in items(texts) or texts]
        return list({each.id: each for each in found}.values())

    @contextmanager
    def _verified(self, kept: ArchivedRecording) -> Iterator[tuple[Path, bytes]]:
        """Gives the sound, in a temporary file, and the manifest, both proved, or raises EvidenceBroken."""
        with scratch() as audio:
            try:
                data = self._read(kept, audio)
                self._check(kept, data, audio)
            except EvidenceBroken as error:
                self._note(kept, "broken", problem=str(error))
                raise
            yield audio, data

    def _read(self, kept: ArchivedRecording, audio: Path) -> bytes:
        """Saves the sound into a file and returns the manifest: the versions that were proved."""
        try:
            data = b"".join(self._store.read(kept.manifest_key, kept.manifest_version))  # decision 6
            _save(self._store.read(kept.key, kept.version), audio)
        except NotFound as error:
            raise EvidenceBroken("{key} is missing from the archive", key=error.values["key"]) from error
        return data

    def _check(self, kept: ArchivedRecording, data: bytes, audio: Path) -> None:
        """Raises EvidenceBroken unless manifest and sound are those that were archived."""
        if hashlib.sha256(data).hexdigest() != kept.manifest_sha256:
            raise EvidenceBroken("the manifest of {id} is not the one that was archived", id=kept.id)
        digest = file_sha256(audio)
        if digest != kept.sha256:
            raise EvidenceBroken(
                "the sound of {id} is not the one that was archived: SHA-256 {found}, not {expected}",
                id=kept.id,
                found=digest,
                expected=kept.sha256,
            )
        manifest: Manifest = read(data)
        wrong = differences(manifest, examine(audio))
        if manifest.recording_id != kept.id:
            wrong.append(Sentence("the manifest is that of {id}", id=manifest.recording_id))
        if wrong:
            raise EvidenceBroken(
                "recording {id} does not verify: {what}", id=kept.id, what=reduce(_and, wrong)
            )

    def _newest(self, key: str) -> str | None:
        """Returns the newest version of an object; empty when it was deleted on top of what is there."""
        try:
            return self._store.head(key).version
        except NotFound:
            return ""

    def _note(self, kept: ArchivedRecording, action: str, **details: str | list[str]) -> None:
        with self._database.begin() as connection:
            custody.append(connection, kept.id, action, who=self._who, at=datetime.now(UTC), **details)


def _and(first: Sentence, second: Sentence) -> Sentence:
    return Sentence("{first}; {second}", first=first, second=second)


def _objects(kept: ArchivedRecording) -> list[tuple[str, str | None]]:
    """Returns the keys of both objects, each with the version that was proved."""
    return [(kept.key, kept.version), (kept.manifest_key, kept.manifest_version)]


@contextmanager
def _drafts(path: Path, other: Path) -> Iterator[tuple[Draft, Draft]]:
    """Gives two files to write. Raises CheckFailed when they cannot be written."""
    try:
        with draft(path) as one, draft(other) as two:
            yield one, two
    except (OSError, soundfile.LibsndfileError) as error:
        raise CheckFailed("{path} cannot be written: {problem}", path=path, problem=why(error)) from error


def convert(source: Path, target: Path, kind: str, clip: Clip | None = None) -> None:
    """Writes a recording, or a clip of it, in another format. Streamed: hours need no memory."""
    if kind == "flac" and clip is None:
        _save(_chunks(source), target)
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
    begin, end = (round(at * sound.samplerate) for at in (clip.begin_s, clip.end_s))
    return begin, min(end, sound.frames)


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


def _save(chunks: Iterator[bytes], target: Path) -> None:
    with target.open("wb") as file:
        file.writelines(chunks)


def _chunks(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk
