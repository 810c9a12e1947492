"""Says what a place for recordings must be able to do. callrec.archive.s3 does it; tests do it in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from callrec.errors import EvidenceBroken, StoreUnreachable

TRIALS = "doctor/"
"""How the keys begin of what `callrec doctor` puts there. That is no recording: whoever looks through the
bucket passes over it."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store says of an object. `sha256` is hexadecimal, and the server's own computation.

    `version` names these very bytes, also after others were put over them; None without versioning.
    """

    key: str
    size: int
    sha256: str | None
    retain_until: datetime | None
    legal_hold: bool
    version: str | None = None  # decision 6
    lock_mode: str | None = None
    """``governance`` or ``compliance``; None of what is not locked."""
    encryption: str | None = None
    """``s3`` or ``kms``, by whose key the server says that it has encrypted it; None: it says nothing."""

    def is_locked_until(self, moment: datetime) -> bool:
        """Returns whether it is locked until then. Servers keep no fractions of a second."""
        return self.retain_until is not None and self.retain_until >= moment.replace(microsecond=0)


def check_encryption(found: StoredObject, wanted: str) -> None:
    """Raises EvidenceBroken unless the server says that an object is encrypted as was asked: `none` (whatever
    it does by itself), `s3` or `kms`."""
    if wanted not in ("none", found.encryption):
        raise EvidenceBroken(
            "the S3 server does not encrypt {key} as it was asked to: use another server, or set "
            'archive.encryption = "{found}"',
            key=found.key,
            found=found.encryption or "none",
        )


class TornObject(StoreUnreachable):
    """What a store sends of an object is not what it says itself that it has."""


class Store(Protocol):
    """A bucket. All methods raise StoreUnreachable when it does not answer or does not let us in, and
    Unreachable when it refuses a single request."""

    def put(self, key: str, source: Path, sha256: str, kind: str, retain_until: datetime) -> None:
        """Uploads a file; the server checks its SHA-256. An object that is there is left as it is."""

    def head(self, key: str, version: str | None = None) -> StoredObject:
        """Returns what is known of that version of an object, or of the newest. Raises NotFound."""

    def read(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """Yields the bytes of an object, streamed: of that version, or of the newest. Raises NotFound."""

    def locks(self) -> bool:
        """Returns whether objects of this bucket can be locked against change."""


@dataclass(frozen=True, slots=True)
class ListedVersion:
    """One version of an object in a listing; `version` is None without versioning.

    `newest`: it is what is had without naming a version. `marker`: it has no bytes, and says that the key was
    deleted.
    """

    key: str
    version: str | None
    size: int
    at: datetime
    newest: bool = True
    marker: bool = False


class BrowsingStore(Store, Protocol):
    """A bucket that can be looked through, and into which small documents are put."""

    def put_bytes(self, key: str, data: bytes, kind: str, retain_until: datetime) -> None:
        """Uploads bytes as `put` does a file. Raises AlreadyThere for a key that is taken."""

    def listed(self, prefix: str, after: str = "") -> Iterator[ListedVersion]:
        """Yields every version of every object whose key begins so, sorted by key, streamed; those after a
        key, where it is given."""

    def folders(self, prefix: str) -> list[str]:
        """Returns how the keys begin that go on with a slash after this prefix, slash included, in order."""


class DepositStore(Store, Protocol):
    """A bucket into which recordings are put."""

    def put_again(self, key: str, source: Path, sha256: str, kind: str, retain_until: datetime) -> None:
        """Uploads a file as a new version of what is there: to be asked for only where versions are kept."""

    def get(self, key: str) -> tuple[StoredObject, Iterator[bytes]]:
        """Returns what is known of the newest version of an object, and the bytes of that very version,
        streamed: by one request. Raises NotFound."""

    def listed(self, prefix: str, after: str = "") -> Iterator[ListedVersion]:
        """Does as that of a BrowsingStore."""


class LockingStore(Store, Protocol):
    """A bucket in which what is there already can be locked for longer, and held."""

    def listed(self, prefix: str, after: str = "") -> Iterator[ListedVersion]:
        """Does as that of a BrowsingStore."""

    def lock(self, key: str, version: str | None, mode: str, until: datetime) -> None:
        """Locks a version of an object until then, at the earliest; `mode` is governance or compliance."""

    def hold(self, key: str, version: str | None, *, on: bool) -> None:
        """Puts a version of an object under legal hold, or takes it out again."""


class LinkingStore(Store, Protocol):
    """A bucket of which somebody without keys can be given one object, for a time."""

    def presigned(self, key: str, version: str | None, seconds: int) -> str:
        """Returns a URL by which anybody gets that version of an object, for so many seconds."""


class TrialStore(Store, Protocol):
    """A bucket in which something can be tried. Only what lies there for a trial is ever deleted."""

    def list_versions(self, prefix: str) -> list[tuple[str, str]]:
        """Returns key and version of what is there under a prefix, also of what was deleted; 1000 at most."""

    def delete(self, key: str, version: str | None) -> None:
        """Deletes a version of an object for good. Raises StoreUnreachable where that is not allowed."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version of an object, or a delete marker that was put on top of it, and what forbids its end."""

    version: str
    marker: bool = False
    retain_until: datetime | None = None
    legal_hold: bool = False


class DestructionStore(Protocol):
    """A bucket from which recordings can be destroyed, by keys that nobody else has. Raises as a Store."""

    def versions(self, key: str) -> list[StoredVersion]:
        """Returns all that is there of exactly this key, each looked at; nothing once it is gone."""

    def remove(self, key: str, version: str) -> None:
        """Deletes one version or marker for good. Raises Unreachable where that is refused; one that is not
        there is no failure. Never goes round a lock."""

    def is_there(self, key: str, version: str | None) -> bool:
        """Returns whether that version of an object can be had, or the newest, whatever `versions` lists."""

    def listed(self, prefix: str, after: str = "") -> Iterator[ListedVersion]:
        """Does as that of a BrowsingStore."""

    def time(self) -> datetime:
        """Returns what time it is by the server's clock."""
