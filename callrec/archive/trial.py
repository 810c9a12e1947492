"""Tries a bucket out: puts a small object as a recording is put, and looks what the server has made of it.

For `callrec doctor`. Its objects lie under `doctor/{machine}/`, at most one for each minute and way to
encrypt. What of them may be deleted goes at the end of a trial, or at the next one, once its lock has ended.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from callrec.archive.store import TRIALS, StoredObject, TrialStore, check_encryption
from callrec.errors import CheckFailed, Unreachable
from callrec.files import scratch

LOCK = timedelta(minutes=5)
"""How long a trial's object is locked, from the begin of its minute: longer than clocks may be apart."""
_KIND = "text/plain"


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a trial that went well. `deleted`: its object is gone again."""

    key: str
    checksum: bool
    versioned: bool
    deleted: bool
    locked: bool


def try_out(store: TrialStore, machine: str, lock: str, now: datetime, encryption: str = "none") -> Trial:
    """Puts an object, reads it back, looks at its lock and encryption, and deletes it unless it is locked.

    `lock` is governance, compliance or off; `encryption` none, s3 or kms. Raises CheckFailed or
    EvidenceBroken for what the server does not keep, Unreachable where it refuses what a recording needs.
    That it lets nothing be deleted is no failure.
    """
    folder = f"{TRIALS}{re.sub(r'[^A-Za-z0-9-]', '-', machine)}/"
    _sweep(store, folder)
    minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    # By its encryption, too: what was put a moment ago, before that was set, would be read back.
    key = f"{folder}{minute:%Y%m%dT%H%MZ}" + ("" if encryption == "none" else f"-{encryption}")
    data = f"{key}\nThis is a trial by callrec doctor, and no recording.\n".encode()
    _put(store, key, data, minute + LOCK)
    found = store.head(key)
    _check_content(store, found, data)
    if lock != "off":
        _check_lock(found, lock, minute + LOCK)
    check_encryption(found, encryption)
    _check_listing(store, folder)
    deleted = _delete(store, key, found.version)
    if deleted and lock != "off":
        raise CheckFailed(
            "the S3 server deleted {key} while it was locked, so its Object Lock protects nothing: use "
            'another server, or set archive.object_lock = "off"',
            key=key,
        )
    return Trial(key, found.sha256 is not None, found.version is not None, deleted, locked=lock != "off")


def _check_listing(store: TrialStore, folder: str) -> None:
    """Raises CheckFailed where a bucket that answers cannot be looked through: what lies beside recordings,
    anchors, and what the database has lost could not be found."""
    try:
        store.list_versions(folder)
    except Unreachable as error:
        raise CheckFailed(
            "the S3 server does not let callrec look through the bucket ({problem}): give its key the rights "
            "ListBucket and ListBucketVersions",
            problem=error,
        ) from error


def _sweep(store: TrialStore, folder: str) -> None:
    """Deletes what trials before have left, as far as that is allowed and no lock holds it."""
    with suppress(Unreachable):
        for key, version in store.list_versions(folder):
            _delete(store, key, version)


def _delete(store: TrialStore, key: str, version: str | None) -> bool:
    try:
        store.delete(key, version)
    except Unreachable:
        return False
    return True


def _put(store: TrialStore, key: str, data: bytes, until: datetime) -> None:
    with scratch() as source:
        source.write_bytes(data)
        store.put(key, source, hashlib.sha256(data).hexdigest(), _KIND, until)


def _check_content(store: TrialStore, found: StoredObject, data: bytes) -> None:
    """Raises CheckFailed unless the store holds exactly these bytes."""
    there = b"".join(store.read(found.key, found.version))
    if there != data or found.size != len(data):
        raise CheckFailed("{key} reads back different from what was put", key=found.key)
    if found.sha256 not in (None, hashlib.sha256(data).hexdigest()):
        raise CheckFailed("the S3 server has another checksum for {key}", key=found.key)


def _check_lock(found: StoredObject, lock: str, until: datetime) -> None:
    """Raises CheckFailed unless the server keeps the lock that was asked for, and versions."""
    if found.retain_until is None or found.lock_mode is None:
        raise CheckFailed(
            "the S3 server took the lock of {key} and dropped it: create the bucket with Object Lock, "
            'or set archive.object_lock = "off"',
            key=found.key,
        )
    if found.lock_mode != lock or found.retain_until < until:
        raise CheckFailed(
            "the S3 server has another lock on {key} than was asked for: {found} until {time}",
            key=found.key,
            found=found.lock_mode,
            time=f"{found.retain_until:%Y-%m-%d %H:%M}Z",
        )
    if found.version is None:
        raise CheckFailed(
            "the S3 server keeps no versions, so what is locked can be put over: switch versioning on in the "
            "bucket"
        )
