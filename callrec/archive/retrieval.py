"""Gets recordings out of the archive: reads them back, proves them, makes the file that was asked for, and
has that written down before anybody has it.

For `callrec fetch` and `callrec play`. What is proved is that sound and manifest are those that the custody
log names, and that the manifest is signed; all else that is told of a recording is compared by
callrec.evidence.verification. Who may have it is not asked here, and whether the custody log itself is whole
is asked by callrec.catalogue.custody.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any, Protocol

import soundfile  # decision 8

from callrec.archive.conversion import convert, save
from callrec.archive.given import Clip, GivenRecording, Kind
from callrec.archive.store import Store
from callrec.catalogue import calls, custody, destructions
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Connection, Database
from callrec.catalogue.logged import Logged, logged
from callrec.errors import CheckFailed, EvidenceBroken, NotFound, Sentence
from callrec.failures import why
from callrec.files import file_sha256, scratch
from callrec.manifest import Manifest, differences, read, require_manifest, require_sound
from callrec.model.captures import Custody
from callrec.spool.sound import examine

Proved = AbstractContextManager[tuple[Path, bytes]]
"""Gives sound and manifest, both proved."""


class Notes(Protocol):
    """Enters into the custody log what was done with a recording, and by whom."""

    def __call__(self, connection: Connection, recording_id: str, action: str, **details: Any) -> None: ...


class Believes(Protocol):
    """Knows which manifests are believed: see callrec.evidence.trust."""

    def is_signed(self, data: bytes, archived_at: datetime | None, row: int | None = None) -> bool:
        """Returns whether a manifest is signed. Raises EvidenceBroken for one that is not believed."""


class Retrieval:
    """Reads recordings of one archive; `note` enters that into the custody log."""

    def __init__(self, store: Store, database: Database, trust: Believes, note: Notes) -> None:
        self._store, self._database, self._trust, self._enter = store, database, trust, note

    @contextmanager
    def given(
        self,
        kept: ArchivedRecording,
        action: str,
        kind: Kind,
        clip: Clip | None,
        source: Proved | None = None,
        /,
        **details: str,
    ) -> Iterator[tuple[GivenRecording, Path]]:
        """Makes a file of a recording, or of another `source` of it, and says what it is; the file is gone
        with the block.

        It is on record before it can be had: a row without a file can be explained, a file without a row
        cannot (decision 7). Raises EvidenceBroken where the recording does not verify, CheckFailed where the
        file cannot be made, and WrongUsage for a clip that is not in it.
        """
        with self.made(kept, kind, clip, source) as (given, path):
            self._note(kept, action, format=kind, sha256=given.sha256, **details)
            yield given, path

    @contextmanager
    def made(
        self, kept: ArchivedRecording, kind: Kind, clip: Clip | None, source: Proved | None = None
    ) -> Iterator[tuple[GivenRecording, Path]]:
        """Does as `given`, and leaves it to the caller to write down that it was given, before it is."""
        with _scratch() as made:
            with source or self.proved(kept) as (audio, manifest):
                convert(audio, made, kind, clip)
            yield GivenRecording(kept.id, kind, made.stat().st_size, file_sha256(made), manifest), made

    @contextmanager
    def proved(self, kept: ArchivedRecording) -> Iterator[tuple[Path, bytes]]:
        """Gives the sound, in a file that is gone with the block, and the manifest, both proved. Raises as
        `given` does; what is done with them is for the caller to write down."""
        with _scratch() as audio:
            said = self._said(kept)
            try:
                _agree(kept, said)
                data = self._read(kept, audio)
                _check(kept, data, audio)
                self._trust.is_signed(data, said.archived_at, said.archived_row)
            except EvidenceBroken as error:
                self._note(kept, "broken", problem=str(error))
                raise
            yield audio, data

    def _read(self, kept: ArchivedRecording, audio: Path) -> bytes:
        """Saves the sound into a file and returns the manifest: the versions that were proved."""
        try:
            data = b"".join(self._store.read(kept.manifest_key, kept.manifest_version))  # decision 6
            save(self._store.read(kept.key, kept.version), audio)
        except NotFound as error:
            self._check_wanted(kept)
            raise EvidenceBroken("{key} is missing from the archive", key=error.values["key"]) from error
        return data

    def _check_wanted(self, kept: ArchivedRecording) -> None:
        """Raises NotFound for a recording that is not there because it is being destroyed, or was since."""
        with self._database.read() as connection:
            now = calls.find_recording(connection, kept.id)
            begun = destructions.is_begun(connection, kept.id)
        if now and now.state is Custody.DESTROYED:
            raise NotFound("recording {id} was destroyed meanwhile: see callrec show {id}", id=kept.id)
        if begun:
            raise NotFound(
                "recording {id} is being destroyed, as its time is over: see callrec show {id}", id=kept.id
            )

    def _said(self, kept: ArchivedRecording) -> Logged:
        """Returns what the custody log says of a recording. Raises EvidenceBroken where that is nothing."""
        with self._database.read() as connection:
            said = logged(custody.of(connection, kept.id))
        if not said.key:
            raise EvidenceBroken("the custody log does not say that recording {id} was archived", id=kept.id)
        return said

    def _note(self, kept: ArchivedRecording, action: str, **details: str) -> None:
        with self._database.begin() as connection:
            self._enter(connection, kept.id, action, **details)


def _agree(kept: ArchivedRecording, said: Logged) -> None:
    """Raises EvidenceBroken unless the row, by which a recording is read, says what the custody log does."""
    for name in ("key", "version", "manifest_version", "manifest_sha256", "sha256"):
        found, expected = getattr(kept, name), getattr(said, name)
        if found != expected:
            raise EvidenceBroken(
                "{what}: {found} in the database, {expected} in the custody log",
                what=f"recordings.{name}",
                found=found,
                expected=expected,
            )


def _check(kept: ArchivedRecording, data: bytes, audio: Path) -> None:
    """Raises EvidenceBroken unless manifest and sound are those that were archived."""
    require_manifest(kept.id, hashlib.sha256(data).hexdigest(), kept.manifest_sha256)
    require_sound(kept.id, file_sha256(audio), kept.sha256)
    manifest: Manifest = read(data)
    wrong = differences(manifest, examine(audio))
    if manifest.recording_id != kept.id:
        wrong.append(Sentence("the manifest is that of {id}", id=manifest.recording_id))
    if wrong:
        raise EvidenceBroken("recording {id} does not verify: {what}", id=kept.id, what=reduce(_and, wrong))


def _and(first: Sentence, second: Sentence) -> Sentence:
    return Sentence("{first}; {second}", first=first, second=second)


@contextmanager
def _scratch() -> Iterator[Path]:
    """Gives a file that never has a name. Raises CheckFailed where it cannot be written."""
    try:
        with scratch() as path:
            yield path
    except (OSError, soundfile.LibsndfileError) as error:
        folder = tempfile.gettempdir()
        raise CheckFailed("{path} cannot be written: {problem}", path=folder, problem=why(error)) from error
