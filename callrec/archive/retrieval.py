"""Gets recordings out of the archive: reads them back, proves them, converts them, and writes that down.

For `callrec fetch` and `callrec verify`. Who may do that is not asked here, and whether the custody log
itself is whole is asked by callrec.catalogue.custody.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import soundfile  # decision 8

from callrec.archive.archiver import file_sha256
from callrec.archive.store import Store
from callrec.catalogue import calls, custody
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Database
from callrec.errors import CheckFailed, EvidenceBroken, NotFound, WrongUsage
from callrec.manifest import Manifest, differences, read
from callrec.spool.sound import BLOCK, examine

FORMATS = ("flac", "wav", "mp3", "opus")
_FFMPEG = {"mp3": ["-codec:a", "libmp3lame", "-q:a", "4"], "opus": ["-codec:a", "libopus", "-b:a", "48k"]}


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a recording, in seconds from its beginning."""

    begin_s: float
    end_s: float


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
        WrongUsage for a clip beyond the end.
        """
        kept = self.look_up(id_)
        sound = folder / f"{kept.id}{_clip_name(clip)}.{kind}"
        sidecar = folder / f"{kept.id}.manifest.json"
        with _partials(sound, sidecar) as (sound_partial, sidecar_partial):
            with self._verified(kept) as (audio, manifest):
                convert(audio, sound_partial, kind, clip)
                _save(iter([manifest]), sidecar_partial)
            # First: a row without a file can be explained, a file without a row cannot (decision 7).
            self._note(kept, "fetched", format=kind, clip=_clip_name(clip), request=request or "")
            sidecar_partial.replace(sidecar)
            sound_partial.replace(sound)
        return sound

    def look_up(self, id_: str) -> ArchivedRecording:
        """Returns the recording of an id or its beginning, which may also be those of its call.

        Raises NotFound, also for a call without a recording, and WrongUsage when it fits several.
        """
        with self._database.read() as connection:
            found = calls.look_up(connection, id_)
        if found.recording is None:
            raise NotFound("call {id} was not recorded: see callrec show {id}", id=found.call.id)
        return found.recording

    @contextmanager
    def _verified(self, kept: ArchivedRecording) -> Iterator[tuple[Path, bytes]]:
        """Gives the sound, in a temporary file, and the manifest, both proved, or raises EvidenceBroken."""
        with tempfile.TemporaryDirectory(prefix="callrec-") as folder:
            audio = Path(folder) / "recording.flac"
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
            wrong.append(f"the manifest is that of {manifest.recording_id}")
        if wrong:
            raise EvidenceBroken("recording {id} does not verify: {what}", id=kept.id, what="; ".join(wrong))

    def _newest(self, key: str) -> str | None:
        """Returns the newest version of an object; empty when it was deleted on top of what is there."""
        try:
            return self._store.head(key).version
        except NotFound:
            return ""

    def _note(self, kept: ArchivedRecording, action: str, **details: str | list[str]) -> None:
        with self._database.begin() as connection:
            custody.append(connection, kept.id, action, who=self._who, at=datetime.now(UTC), **details)


def _objects(kept: ArchivedRecording) -> list[tuple[str, str | None]]:
    """Returns the keys of both objects, each with the version that was proved."""
    return [(kept.key, kept.version), (kept.manifest_key, kept.manifest_version)]


@contextmanager
def _partials(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Gives names beside files that are to be written, and removes what is still there at the end.

    Nobody else has them: two may fetch the same at once. Raises CheckFailed when they cannot be written.
    """
    own = f".{secrets.token_hex(4)}.partial"
    partials = tuple(target.with_name(target.name + own) for target in targets)
    try:
        yield partials
    except (OSError, soundfile.LibsndfileError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise CheckFailed("{path} cannot be written: {problem}", path=targets[0], problem=problem) from error
    finally:
        for partial in partials:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


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
            left = end - begin
            while left > 0:
                block = sound.read(min(BLOCK, left), dtype="int16", always_2d=True)
                out.write(block)
                left -= len(block)


def _frames(sound: soundfile.SoundFile, clip: Clip | None) -> tuple[int, int]:
    """Returns the first frame of a clip and the one after its last. Raises WrongUsage beyond the end."""
    if clip is None:
        return 0, sound.frames
    begin, end = (round(at * sound.samplerate) for at in (clip.begin_s, clip.end_s))
    if begin >= sound.frames:
        raise WrongUsage(
            "the clip begins after the recording ends, at {seconds} s",
            seconds=sound.frames // sound.samplerate,
        )
    return begin, min(end, sound.frames)


def _through_ffmpeg(source: Path, target: Path, kind: str, clip: Clip | None) -> None:
    with tempfile.TemporaryDirectory(prefix="callrec-") as folder:
        if clip:
            source, whole = Path(folder) / "clip.wav", source
            _copy(whole, source, "wav", clip)
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), *_FFMPEG[kind], "-f", kind, str(target)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise CheckFailed(
                "ffmpeg is not installed, it makes {kind}: apt-get install ffmpeg", kind=kind
            ) from error
    if done.returncode:
        target.unlink(missing_ok=True)
        raise CheckFailed(
            "ffmpeg could not make {kind}: {problem}", kind=kind, problem=done.stderr.strip()[-200:]
        )


def _save(chunks: Iterator[bytes], target: Path) -> None:
    with target.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _chunks(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


def _clip_name(clip: Clip | None) -> str:
    return f"-{clip.begin_s:g}s-{clip.end_s:g}s" if clip else ""
