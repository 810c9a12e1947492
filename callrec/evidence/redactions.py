"""Makes redactions, puts them into the bucket beside their recordings, and reads them back.

The manifest goes first: its name is given to one redaction only, whoever else makes one at the same time. In
the catalogue a redaction is what the custody log says of it, once both objects were read back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from callrec import __version__
from callrec.archive.conversion import save
from callrec.archive.store import BrowsingStore, LockingStore
from callrec.catalogue.calls import ArchivedRecording
from callrec.errors import AlreadyThere, EvidenceBroken, NotFound
from callrec.evidence import redaction as documents
from callrec.evidence.redacted_sound import cover, frames
from callrec.evidence.redaction import SCHEMA, CoveredSpan, PlacedRedaction, Redaction, Wanted
from callrec.files import file_sha256, scratch
from callrec.manifest import Manifest
from callrec.signing import PublicKeys, Signer

_NUMBER = re.compile(r"\.redacted/([0-9]{1,6})\.")


class Bucket(BrowsingStore, LockingStore, Protocol):
    """A bucket that can be looked through, put into, locked and held."""


class Redactions:
    """The redactions of one archive. `locked`: objects carry a retention, of `shortest_lock` at least."""

    def __init__(
        self,
        store: Bucket,
        signer: Callable[[], Signer],
        keys: PublicKeys,
        *,
        locked: bool,
        shortest_lock: timedelta,
    ) -> None:
        self._store, self._signer, self._keys = store, signer, keys
        self._locked, self._shortest_lock = locked, shortest_lock

    def make(
        self, kept: ArchivedRecording, original: Path, manifest: Manifest, wanted: Wanted
    ) -> PlacedRedaction:
        """Covers what is wanted in a second file of a recording, puts it beside, and proves it.

        `original` is its sound; it and the manifest are proved. Raises Unreachable, EvidenceBroken where the
        bucket does not hold what was put, and OSError where there is no room for the file.
        """
        with scratch() as file:
            audio = cover(original, file, wanted.spans, _tags(kept.id))
            spans = tuple(
                CoveredSpan(
                    each.begin_s,
                    each.end_s,
                    *frames(each, audio.sample_rate, audio.frames),
                    each.track.value,
                    each.cover.value,
                )
                for each in wanted.spans
            )
            made = Redaction(
                schema=SCHEMA,
                recording_id=kept.id,
                number=self._next_number(kept),
                spans=spans,
                ground=wanted.ground,
                request=wanted.request,
                made_at=wanted.at,
                made_by=wanted.who,
                original_sha256=kept.sha256,
                original_pcm_sha256=manifest.audio.pcm_sha256,
                original_manifest_sha256=kept.manifest_sha256,
                audio=audio,
                software=f"callrec {__version__}",
            )
            return self._place(kept, made, file, wanted.at)

    @contextmanager
    def given(self, kept: ArchivedRecording, placed: PlacedRedaction) -> Iterator[tuple[Path, bytes]]:
        """Gives the sound of a redaction, in a file that is gone with the block, and its manifest, both
        proved. Raises EvidenceBroken where they are not as the custody log says."""
        with scratch() as file:
            try:
                data = b"".join(self._store.read(placed.manifest_key, placed.manifest_version))
                save(self._store.read(placed.key, placed.version), file)
            except NotFound as error:
                raise EvidenceBroken("{key} is missing from the archive", key=error.values["key"]) from error
            found = documents.read(data, self._keys)
            right = (
                kept.id,
                placed.number,
                kept.sha256,
                placed.sha256,
                placed.sha256,
                placed.manifest_sha256,
            )
            if right != (
                found.recording_id,
                found.number,
                found.original_sha256,
                found.audio.sha256,
                file_sha256(file),
                hashlib.sha256(data).hexdigest(),
            ):
                raise EvidenceBroken(
                    "redaction {number} of recording {id} is not the one that was made",
                    number=placed.number,
                    id=kept.id,
                )
            yield file, data

    def _next_number(self, kept: ArchivedRecording) -> int:
        taken = [_NUMBER.search(each.key) for each in self._store.listed(documents.folder(kept.key))]
        return max((int(each[1]) for each in taken if each), default=0) + 1

    def _place(self, kept: ArchivedRecording, made: Redaction, file: Path, now: datetime) -> PlacedRedaction:
        until = max(kept.retain_until or now, now + self._shortest_lock)
        made, data = self._named(kept, made, until)
        key = f"{documents.folder(kept.key)}{made.number}.flac"
        self._store.put(key, file, made.audio.sha256, "audio/flac", until)
        digest = hashlib.sha256(data).hexdigest()
        placed = PlacedRedaction(made.number, made.ground, made.audio.sha256, digest, key, None, None)
        return replace(
            placed,
            version=self._proved(key, placed.sha256, until, kept),
            manifest_version=self._proved(placed.manifest_key, digest, until, kept),
        )

    def _named(self, kept: ArchivedRecording, made: Redaction, until: datetime) -> tuple[Redaction, bytes]:
        """Puts the manifest under the first number that nobody has; returns the redaction with it, and its
        manifest."""
        while True:
            data = documents.write(made, self._signer())
            key = f"{documents.folder(kept.key)}{made.number}.manifest.json"
            try:
                self._store.put_bytes(key, data, "application/json", until)
            except AlreadyThere:  # somebody else's, made meanwhile
                made = replace(made, number=made.number + 1)
            else:
                return made, data

    def _proved(self, key: str, digest: str, until: datetime, kept: ArchivedRecording) -> str | None:
        """Returns the version of an object that was read back, held if its recording is. Raises
        EvidenceBroken unless it is what was put, locked as asked."""
        found, seen = self._store.head(key), hashlib.sha256()
        for chunk in self._store.read(key, found.version):
            seen.update(chunk)
        if seen.hexdigest() != digest:
            raise EvidenceBroken("{key} reads back different from what was put", key=key)
        if self._locked and kept.hold:
            self._store.hold(key, found.version, on=True)
            found = self._store.head(key, found.version)
        if self._locked and not (found.is_locked_until(until) and found.legal_hold >= kept.hold):
            raise EvidenceBroken(
                "the S3 server does not lock {key}: create the bucket with Object Lock, "
                'or set archive.object_lock = "off"',
                key=key,
            )
        return found.version


def _tags(recording_id: str) -> dict[str, str]:
    """Returns what the file says of itself. Not who telephoned: the file is made to be shown to others."""
    return {
        "TITLE": f"redacted {recording_id}",
        "DESCRIPTION": "Redacted: parts are covered by silence or a tone. The manifest beside says which.",
        "RECORDING_ID": recording_id,
        "REDACTED": "yes",
        "ENCODED_BY": f"callrec {__version__}",
    }
