"""Looks through the bucket for what belongs to no recording, and for what should be gone.

Each recording's own objects are verified by callrec.evidence.verification; what else lies beside them begins
with the same key. Here all that is there is asked whose it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from callrec.archive.retrieval import Notes
from callrec.archive.store import BrowsingStore, ListedVersion
from callrec.catalogue import traces
from callrec.catalogue.database import Database
from callrec.errors import Sentence
from callrec.evidence.findings import Findings

FOLDER = "recordings/"
OWN = ("flac", "manifest.json")
"""How the keys of both objects of a recording end."""
_KEY = re.compile(r"(recordings/(?:.+?/)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))\.(.+)")
AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class _Lying:
    """An object in the bucket. `base` is how all keys of its recording begin; empty where it has none."""

    key: str
    id: str
    base: str
    own: bool


class Strays:
    """What lies in a bucket without being anything of a catalogue's. `is_on_its_way` tells of the id of a
    recording whether it is being archived just now; `note` enters what is found into the custody log."""

    def __init__(
        self, store: BrowsingStore, database: Database, is_on_its_way: Callable[[str], bool], note: Notes
    ) -> None:
        self._store, self._database = store, database
        self._is_on_its_way, self._note = is_on_its_way, note

    def found(self, first: str) -> Iterator[Findings]:
        """Yields what is wrong, a recording after the other; of those whose ids come before `first`,
        nothing."""
        suspects = [each for some in _parts(self._lying(first)) for each in self._wrong(some)]
        # What was archived since it was listed has its row by now.
        again = [each for each in suspects if not self._is_on_its_way(each.id)]
        still = [each for some in _parts(again) for each in self._wrong(some)]
        for _, of_one in groupby(still, key=lambda each: each.base or each.key):
            yield self._entered(list(of_one))

    def _lying(self, first: str) -> Iterator[_Lying]:
        for version in self._store.listed(FOLDER):
            found = _lying(version)
            if not version.marker and (not found.id or found.id >= first):
                yield found

    def _wrong(self, some: list[_Lying]) -> list[_Lying]:
        """Returns those of some objects that nobody knows, or of recordings that are destroyed."""
        wanted = {each.id for each in some if each.id}
        with self._database.read() as connection:
            keys = traces.keys_of(connection, wanted)
            destroyed = traces.destroyed_among(connection, wanted)
        known = {key.removesuffix(".flac") for of_one in keys.values() for key in of_one}
        return [each for each in some if each.base not in known or (each.own and each.id in destroyed)]

    def _entered(self, objects: list[_Lying]) -> Findings:
        first = objects[0]
        found = Findings(first.id or first.key, checked=["bucket"])
        with self._database.begin() as connection:
            gone = first.id in traces.destroyed_among(connection, {first.id})
            found.problems.append(_told(objects, gone=gone))
            self._note(connection, first.id, "broken", problem=str(found.problems[0]))
        return found


def _told(objects: list[_Lying], *, gone: bool) -> Sentence:
    keys = ", ".join(dict.fromkeys(each.key for each in objects))
    if gone:
        return Sentence("{keys}: in the bucket, though the recording was destroyed", keys=keys)
    return Sentence("{keys}: in the bucket, and neither catalogue nor custody log know of it", keys=keys)


def _lying(version: ListedVersion) -> _Lying:
    match = _KEY.fullmatch(version.key)
    if match is None:
        return _Lying(version.key, "", "", own=False)
    base, id_, rest = match.groups()
    return _Lying(version.key, id_, base, own=rest in OWN)


def _parts(objects: Iterable[_Lying]) -> Iterator[list[_Lying]]:
    """Yields objects some at a time: a bucket may have millions."""
    some: list[_Lying] = []
    for each in objects:
        some.append(each)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some
