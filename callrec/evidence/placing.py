"""Puts a small document into the bucket for good, and says so only once it was read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from callrec.archive.store import BrowsingStore
from callrec.errors import AlreadyThere, EvidenceBroken

JSON = "application/json"


class Placer:
    """Puts documents into a bucket that stay there for `days`; `locked`: under Object Lock."""

    def __init__(self, store: BrowsingStore, days: int, *, locked: bool) -> None:
        self._store, self._days, self._locked = store, days, locked

    def place(self, key: str, data: bytes, kind: str = JSON) -> None:
        """Puts a document and reads it back: bytes and lock. The same document, there already, is as good.

        Raises AlreadyThere where another one is there, and EvidenceBroken where the bucket does not have, or
        lock, what it took.
        """
        until = datetime.now(UTC) + timedelta(days=self._days)
        try:
            self._store.put_bytes(key, data, kind, until)
        except AlreadyThere:
            if content(self._store, key) != data:
                raise
            return
        if content(self._store, key) != data:
            raise EvidenceBroken("{key} reads back different from what was put", key=key)
        if self._locked and not self._store.head(key).is_locked_until(until):
            raise EvidenceBroken(
                "the S3 server does not lock {key}: create the bucket with Object Lock, "
                'or set archive.object_lock = "off"',
                key=key,
            )


def content(store: BrowsingStore, key: str, version: str | None = None) -> bytes:
    """Returns the bytes of a small object. Raises NotFound."""
    return b"".join(store.read(key, version))
