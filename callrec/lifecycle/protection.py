"""Locks and holds in the bucket all that belongs to a recording, as the catalogue says or is about to say:
its sound, its manifest, and whatever lies beside them.

What the server was asked for is read back: some accept locks and drop them. When a lock has ended, and what
the catalogue says, is not looked at here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from callrec.archive.store import ListedVersion, LockingStore, StoredObject
from callrec.catalogue.calls import ArchivedRecording
from callrec.errors import EvidenceBroken, NotFound

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Protection:
    """The locks of one bucket. `mode` is governance, compliance, or off where nothing is locked.

    `shortest_lock`: a lock lasts at least so long. All methods raise Unreachable where the server refuses or
    is away, and EvidenceBroken where an object is missing, or the server did not do what it took.
    """

    store: Callable[[], LockingStore]
    """Gives the bucket: it is not needed where nothing is locked."""
    mode: str
    shortest_lock: timedelta

    @property
    def locks(self) -> bool:
        """Whether the bucket is to lock: else the catalogue alone keeps a recording."""
        return self.mode != "off"

    def protect(self, kept: ArchivedRecording, now: datetime) -> None:
        """Locks all of it for as long as this row says, and holds it if it says so.

        What is locked for longer, or held without that, stays so.
        """
        if not self.locks:
            return
        for found in self._objects(kept):
            self._lock(found, kept.retain_until, now)
            if kept.hold and not found.legal_hold:
                self._hold(found, on=True)

    def let_go(self, kept: ArchivedRecording) -> None:
        """Takes all of it out of legal hold. The locks stay."""
        if not self.locks:
            return
        for found in self._objects(kept):
            if found.legal_hold:
                self._hold(found, on=False)

    def is_held(self, kept: ArchivedRecording) -> bool:
        """Returns whether the bucket holds any of it, whatever the catalogue says."""
        return self.locks and any(found.legal_hold for found in self._objects(kept))

    def _objects(self, kept: ArchivedRecording) -> list[StoredObject]:
        """Returns what the server says of the versions that were archived, and of what lies beside them,
        before anything is asked of it."""
        versions = ((kept.key, kept.version), (kept.manifest_key, kept.manifest_version))
        archived = [self._head(key, version) for key, version in versions]
        return [*archived, *(self._head(each.key, each.version) for each in self._beside(kept))]

    def _beside(self, kept: ArchivedRecording) -> Iterator[ListedVersion]:
        for each in self.store().listed(f"{kept.key.removesuffix('.flac')}."):
            if each.key not in (kept.key, kept.manifest_key) and not each.marker:
                yield each

    def _head(self, key: str, version: str | None) -> StoredObject:
        with _there(key):
            return self.store().head(key, version)

    def _lock(self, found: StoredObject, until: datetime | None, now: datetime) -> None:
        if until is None or until <= now or found.is_locked_until(until):
            return
        mode = "compliance" if found.lock_mode == "compliance" else self.mode  # the stricter one stays
        asked = _whole_second(max(until, now + self.shortest_lock))  # S3 takes no date that is over
        with _there(found.key):
            self.store().lock(found.key, found.version, mode, asked)
        made = self._head(found.key, found.version)
        if not made.is_locked_until(until) or made.lock_mode != mode:
            raise EvidenceBroken(
                "the S3 server took a longer lock of {key} and did not keep it: create the bucket with "
                'Object Lock, or set archive.object_lock = "off"',
                key=found.key,
            )

    def _hold(self, found: StoredObject, *, on: bool) -> None:
        for _ in range(3):  # somebody may have asked for the contrary in between
            with _there(found.key):
                self.store().hold(found.key, found.version, on=on)
            if self._head(found.key, found.version).legal_hold == on:
                return
        raise EvidenceBroken(
            "the S3 server took a change of the legal hold of {key} and did not keep it: see whether its "
            "Object Lock has legal holds, and whether the key may read them",
            key=found.key,
        )


@contextmanager
def _there(key: str) -> Iterator[None]:
    """Raises EvidenceBroken where an object is not there, or not any more."""
    try:
        yield
    except NotFound as error:
        raise EvidenceBroken("{key} is missing from the archive", key=key) from error


def _whole_second(moment: datetime) -> datetime:
    """Returns the moment, or the next whole second after it."""
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + SECOND
