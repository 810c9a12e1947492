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
    """The keys that are believed. `since` is when the first of them was made; None where there is none."""

    def __init__(self, keys: Callable[[], PublicKeys], since: Callable[[], datetime | None]) -> None:
        self._keys, self._since = keys, since

    def is_signed(self, data: bytes, archived_at: datetime | None) -> bool:
        """Returns whether a manifest is signed by a key of ours; False for one that was archived before there
        was any. Raises EvidenceBroken for every other.

        `archived_at` is what the custody log says: by its own account a manifest could be as old as it likes.
        """
        if parsed(data).get("schema") not in UNSIGNED:
            opened(data, self._keys())
            return True
        since = self._since()
        if since is not None and (archived_at is None or archived_at >= since):
            raise EvidenceBroken(
                "it is not signed, though there are keys since {since}, and the custody log has it since "
                "{archived}",
                since=since.isoformat(),
                archived=archived_at.isoformat() if archived_at else Sentence("never"),
            )
        return False
