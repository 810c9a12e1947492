"""Puts files into the bucket, and proves that it holds them: read back, compared, locked, encrypted.

Nothing of what a server says is believed. Called by `archive.recordings`; nothing is removed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from callrec.archive.manifests import archived_manifest
from callrec.archive.store import DepositStore, StoredObject, TornObject, check_encryption
from callrec.catalogue.calls import ArchivedRecording
from callrec.errors import EvidenceBroken, Fault

log = structlog.get_logger()

MOST_VERSIONS = 3
"""How many versions of one object are put at most: a server that keeps none whole must not be filled up."""
NO_VERSION = (None, "null")
"""What stands for the version of an object in a bucket that does not keep several."""


class OtherBytes(EvidenceBroken):
    """The bucket has other bytes under a key than were put there."""

    fault = Fault.SERVER


class Deposit:
    """Puts files into a store, each until it is proved that it is there."""

    def __init__(
        self,
        store: DepositStore,
        *,
        locked: bool,
        encryption: str = "none",
        shortest_lock: timedelta = timedelta(days=1),
    ) -> None:
        """`locked`: objects carry a retention, of `shortest_lock` at least; `encryption`: how the store is to
        keep them, `none`, `s3` or `kms`."""
        self._store, self._locked = store, locked
        self._encryption, self._shortest_lock = encryption, shortest_lock

    def put(self, key: str, source: Path, sha256: str, kind: str, until: datetime) -> str | None:
        """Puts a file, and returns the version that was read back; None from a store that has none.

        What is under the key already stays, and is taken where it is the same. Where it is not, or became
        torn on its way, a new version is put on top of it. Raises EvidenceBroken where the store holds
        something else for all that, StoreUnreachable and Unreachable.
        """
        locked_until = max(until, datetime.now(UTC) + self._shortest_lock)
        self._store.put(key, source, sha256, kind, locked_until)
        try:
            return self._prove(key, source, sha256, until)
        except OtherBytes:
            if not self._may_put_again(key):
                raise
            log.error("other bytes are in the bucket than were put: a new version is put", key=key)
        self._store.put_again(key, source, sha256, kind, locked_until)  # decision 6: what was there stays
        return self._prove(key, source, sha256, until)

    def manifest(self, kept: ArchivedRecording) -> bytes:
        """Returns the manifest of a recording that was put. Raises as `archived_manifest`."""
        return archived_manifest(self._store, kept)

    def _may_put_again(self, key: str) -> bool:
        """Returns whether another version can be put without destroying one, and there are not too many."""
        there = [each for each in self._store.listed(key) if each.key == key and not each.marker]
        versioned = all(each.version not in NO_VERSION for each in there)
        return versioned and len(there) < MOST_VERSIONS

    def _prove(self, key: str, source: Path, sha256: str, until: datetime) -> str | None:
        """Returns the version that was read back.

        Raises OtherBytes unless the store holds exactly the file's bytes, EvidenceBroken unless they are
        locked and encrypted as asked.
        """
        # The version that is proved here is the one that is ever read again (decision 6).
        found, content = self._store.get(key)
        _require_same(found, content, source, sha256)
        if not self._is_kept_as_asked(found, until):
            told = self._store.head(key, found.version)  # a server may tell it only so
            if told.version != found.version:
                _require_same(told, self._store.read(key, told.version), source, sha256)
            found = told
        if self._locked and not found.is_locked_until(until):
            raise EvidenceBroken(
                "the S3 server does not lock {key}: create the bucket with Object Lock, "
                'or set archive.object_lock = "off"',
                key=key,
            )
        check_encryption(found, self._encryption)
        return found.version

    def _is_kept_as_asked(self, found: StoredObject, until: datetime) -> bool:
        locked = not self._locked or (found.version is not None and found.is_locked_until(until))
        return locked and self._encryption in ("none", found.encryption)


def _require_same(found: StoredObject, content: Iterator[bytes], source: Path, sha256: str) -> None:
    """Raises OtherBytes unless an object is, in all that is told of it and in what is read, that file."""
    if _sha256(content) != sha256 or found.size != source.stat().st_size:
        raise OtherBytes("{key} reads back different from what was put", key=found.key)
    if found.sha256 not in (None, sha256):
        raise OtherBytes("the S3 server has another checksum for {key}", key=found.key)


def _sha256(content: Iterator[bytes]) -> str:
    """Returns the SHA-256 of what is read from the store; empty where that notices itself that it has other
    bytes than it was given."""
    stored = hashlib.sha256()
    try:
        for chunk in content:
            stored.update(chunk)
    except TornObject:
        return ""
    return stored.hexdigest()
