"""Looks in the bucket for a recording that the catalogue does not know: by its id alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from callrec.archive.store import BrowsingStore
from callrec.errors import EvidenceBroken, NotFound
from callrec.evidence import statement
from callrec.evidence.placing import content
from callrec.ids import ID
from callrec.signing import PublicKeys

RECORDINGS = "recordings/"
DESTROYED = "destroyed"
"""The action of the statement that stays of a recording that was destroyed."""


class Trace(StrEnum):
    """What the bucket has of a recording."""

    DESTROYED = "destroyed"
    """A statement of ours says that it was destroyed."""
    THERE = "there"
    NONE = "none"


class Traces:
    """Looks for recordings in a bucket. Raises StoreUnreachable."""

    def __init__(self, store: BrowsingStore, keys: PublicKeys, zone: ZoneInfo) -> None:
        self._store, self._keys, self._zone = store, keys, zone

    def of(self, recording_id: str) -> Trace:
        """Returns what there is of a recording, in the folder of any facility on the day of its id."""
        found = list(self._keys_of(recording_id))
        if any(self._says_destroyed(each, recording_id) for each in found):
            return Trace.DESTROYED
        return Trace.THERE if found else Trace.NONE

    def _keys_of(self, recording_id: str) -> Iterator[str]:
        if not ID.fullmatch(recording_id):
            return
        for facility in self._store.folders(RECORDINGS):
            for day in _days(recording_id, self._zone):
                prefix = f"{facility}{day}/{recording_id}."
                yield from (each.key for each in self._store.listed(prefix) if not each.marker)

    def _says_destroyed(self, key: str, recording_id: str) -> bool:
        if ".statements/" not in key:
            return False
        try:
            said = statement.read(content(self._store, key), self._keys)
        except (EvidenceBroken, NotFound):
            return False
        return (said.action, said.recording_id) == (DESTROYED, recording_id)


def _days(recording_id: str, zone: ZoneInfo) -> Iterator[str]:
    """Yields the day of an id, and those around it: PBX and callrec may not have the same time."""
    begun = int(recording_id.replace("-", "")[:12], 16) / 1000
    try:
        moment = datetime.fromtimestamp(begun, UTC).astimezone(zone)
        yield from (f"{moment + timedelta(days=days):%Y/%m/%d}" for days in (0, -1, 1))
    except (ValueError, OverflowError):  # no UUID of version 7
        return
