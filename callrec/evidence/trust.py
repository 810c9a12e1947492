"""Says which manifests are believed: those that a key of ours has signed, and those that are older than the
first of our keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from callrec.errors import EvidenceBroken, Sentence
from callrec.signing import PublicKeys, opened, parsed

UNSIGNED = ("callrec-manifest/1", "callrec-manifest/2")
"""The versions of manifests that no key signs."""


class Trust:
    """The keys that are believed. `since` is when the first of them was made; None where there is none.
    `first_row` gives the number of the first row of the custody log that was written since a moment."""

    def __init__(
        self,
        keys: Callable[[], PublicKeys],
        since: Callable[[], datetime | None],
        first_row: Callable[[datetime], int | None] = lambda moment: None,
    ) -> None:
        self._keys, self._since, self._first_row = keys, since, first_row
        self._first: int | None = None

    @property
    def keys(self) -> PublicKeys:
        return self._keys()

    def is_older(self, at: datetime, row: int | None) -> bool:
        """Returns whether a row of the custody log was written before there were keys: by its time, and by
        its place. Who writes a row at the end of the log can give it any time."""
        since = self._since()
        if since is None:
            return True
        if self._first is None and at < since:
            self._first = self._first_row(since)
        return at < since and (self._first is None or row is None or row < self._first)

    def is_signed(self, data: bytes, archived_at: datetime | None, row: int | None = None) -> bool:
        """Returns whether a manifest is signed by a key of ours; False for one that was archived before there
        was any. Raises EvidenceBroken for every other.

        `archived_at` is what the custody log says, in a row of this number: by its own account a manifest
        could be as old as it likes.
        """
        if parsed(data).get("schema") not in UNSIGNED:
            opened(data, self._keys())
            return True
        since = self._since()
        if since is not None and (archived_at is None or not self.is_older(archived_at, row)):
            raise EvidenceBroken(
                "it is not signed, though there are keys since {since}, and the custody log has it since "
                "{archived}",
                since=since.isoformat(),
                archived=archived_at.isoformat() if archived_at else Sentence("never"),
            )
        return False
