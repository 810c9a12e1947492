"""Says of which tracks the archive has the sound, as the manifests in the bucket tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from callrec.archive.manifests import archived_manifest
from callrec.archive.store import BrowsingStore
from callrec.catalogue.calls import ArchivedRecording
from callrec.errors import CallrecError, StoreUnreachable
from callrec.health.differences import Archived
from callrec.manifest import read
from callrec.model.captures import Custody

T = TypeVar("T")


class ArchivedTracks:
    """Asks the bucket during one look: each manifest is read once, and a bucket that is away is not asked
    again, for each answer that does not come takes seconds. Others tell that it is away."""

    def __init__(self, store: Callable[[], BrowsingStore]) -> None:
        self._store = store
        self._told: dict[str, Archived] = {}
        self._is_away = False

    def archived(self, row: ArchivedRecording) -> Archived:
        """Returns what the archive has of a recording. Where the bucket does not show its objects, it lacks
        all: what the PBX has may be the last there is."""
        known = self.told(row)
        there = known.state is Custody.DESTROYED or self._is_there(row)
        return known if there else replace(known, lacking=known.tracks)

    def told(self, row: ArchivedRecording) -> Archived:
        """Returns what the manifest of a recording says of its tracks."""
        if row.id not in self._told:
            self._told[row.id] = self._by_manifest(row)
        return self._told[row.id]

    def _by_manifest(self, row: ArchivedRecording) -> Archived:
        if row.state is Custody.DESTROYED:
            return Archived(row.state, id=row.id)
        data = self._asked(lambda store: archived_manifest(store, row))
        try:
            manifest = read(data or b"")
        except CallrecError:  # it is not to be had, or none
            return Archived(row.state, id=row.id, unread=True)
        values = [each.values for each in manifest.call.notes]
        lacking = frozenset(each["track"] for each in values if "track" in each)
        return Archived(row.state, manifest.capture.track_names, lacking, row.id)

    def _is_there(self, row: ArchivedRecording) -> bool:
        wanted = {row.key: row.version, row.manifest_key: row.manifest_version}
        listed = self._asked(lambda store: [each for key in wanted for each in store.listed(key)])
        return wanted.items() <= {(each.key, each.version) for each in listed or () if not each.marker}

    def _asked(self, ask: Callable[[BrowsingStore], T]) -> T | None:
        """Returns what the bucket answers; None where it does not."""
        if self._is_away:
            return None
        try:
            return ask(self._store())
        except StoreUnreachable:
            self._is_away = True
        except CallrecError:  # it is not there, or not as it was
            pass
        return None
