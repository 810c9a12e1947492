"""Reads the anchors in the bucket, one after the other, and finds the one that a manifest is under.

An anchor lies under the day of the office on which it was made, `anchors/2026/11/29.json`; further ones of a
day are `29.2.json`, `29.3.json` and so on. Beside each lie the list of manifests under it,
`29.2.leaves.json`, its time-stamp, `29.2.tsr`, and what renews that, `29.2.renewal-1.tsr`. Each anchor has
the key and the hash of the one before it.

Of several versions of a key the oldest is the anchor. Whatever was put over it, forged, or taken out is a
problem of that anchor, and the reading goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

from callrec.archive.store import BrowsingStore, ListedVersion
from callrec.errors import CallrecError, EvidenceBroken, NotFound, Sentence
from callrec.evidence import merkle
from callrec.evidence.anchor import FOLDER, Anchor, Leaf, read, read_leaves, sha256
from callrec.evidence.placing import content
from callrec.ids import ID
from callrec.signing import PublicKeys

_KEY = re.compile(
    rf"{FOLDER}(\d{{4}}/\d\d/\d\d)(?:\.([1-9]\d*))?(\.leaves\.json|\.json|(?:\.renewal-([1-9]\d*))?\.tsr)"
)
_DAY = len(f"{FOLDER}2026/11/29")
_LEAVES_IN_MEMORY = 64


@dataclass(frozen=True, slots=True, order=True)
class AnchorName:
    """The name of an anchor: the day of the office on which it was made, and the how many-th of the day."""

    day: date
    nth: int

    @property
    def base(self) -> str:
        """How the keys begin of what belongs to the anchor, without the dot."""
        return f"{FOLDER}{self.day:%Y/%m/%d}" + (f".{self.nth}" if self.nth > 1 else "")

    @property
    def key(self) -> str:
        return f"{self.base}.json"

    @property
    def leaves_key(self) -> str:
        return f"{self.base}.leaves.json"

    def stamp_key(self, number: int = 1) -> str:
        """The key of the so many-th time-stamp of the anchor; the second is the first renewal."""
        return f"{self.base}.tsr" if number == 1 else f"{self.base}.renewal-{number - 1}.tsr"


@dataclass(frozen=True, slots=True)
class FoundAnchor:
    """What lies in the bucket under the key of an anchor. `anchor` is None of what cannot be believed."""

    name: AnchorName
    data: bytes
    anchor: Anchor | None
    problems: tuple[Sentence, ...] = field(default=())

    @property
    def key(self) -> str:
        return self.name.key

    @property
    def believed(self) -> Anchor:
        """The anchor. Raises EvidenceBroken where it cannot be believed."""
        if self.anchor is None:
            raise EvidenceBroken("{key} is no anchor of ours", key=self.key)
        return self.anchor


@dataclass(frozen=True, slots=True)
class AnchoredManifest:
    """A manifest under an anchor: its place among those under it, and the steps from there to the root."""

    under: FoundAnchor
    index: int
    steps: list[merkle.Step]


class AnchorLog:
    """The anchors in a bucket. All methods raise StoreUnreachable."""

    def __init__(self, store: BrowsingStore, keys: PublicKeys) -> None:
        self._store, self._keys = store, keys
        self._leaves = lru_cache(_LEAVES_IN_MEMORY)(self._read_leaves)

    def all(self) -> Iterator[FoundAnchor]:
        """Yields all anchors in the order in which they were made, each with what is wrong with it: in
        itself, or in how it follows the one before."""
        before: FoundAnchor | None = None
        for each in self._each(self._store.listed(FOLDER)):
            if each.anchor is None:
                yield each
                continue
            yield replace(each, problems=(*each.problems, *_following(each, each.anchor, before)))
            before = each

    def newest(self) -> FoundAnchor | None:
        """Returns the newest anchor that can be believed. An older one that somebody copied to a newer name
        is not taken for it: its number does not go on from the one before."""
        found = self.newest_first()
        each = next(found, None)
        for before in found:
            if each and each.believed.number > before.believed.number:
                break
            each = before
        return each

    def newest_first(self) -> Iterator[FoundAnchor]:
        """Yields the anchors that can be believed, the newest first."""
        for year in reversed(self._store.folders(FOLDER)):
            for month in reversed(self._store.folders(year)):
                named = _by_name(self._store.listed(month))
                found = (self._found(name, named[name]) for name in sorted(named, reverse=True))
                yield from (each for each in found if each.anchor)

    def taken(self, day: date) -> int:
        """Returns the highest number under which something of a day was put; 0 where there is nothing."""
        keys = (_KEY.fullmatch(each.key) for each in self._store.listed(AnchorName(day, 1).base))
        return max((int(found[2] or 1) for found in keys if found), default=0)

    def read(self, data: bytes) -> Anchor:
        """Returns an anchor that is signed by one of our keys. Raises EvidenceBroken."""
        return read(data, self._keys)

    def leaves(self, found: FoundAnchor) -> list[Leaf]:
        """Returns the manifests under an anchor. Raises NotFound where the list is not there, and
        EvidenceBroken where it is another one."""
        return self._leaves(found)

    def path_of(self, recording_id: str, manifest_sha256: str) -> AnchoredManifest:
        """Returns where a manifest stands under an anchor. Raises NotFound where it is under none."""
        wanted = Leaf(recording_id, manifest_sha256)
        for found in self._each(self._store.listed(FOLDER, _begin(recording_id))):
            leaves = self._leaves_if_any(found)
            if wanted in leaves:
                index = leaves.index(wanted)
                steps = merkle.path([each.manifest_sha256 for each in leaves], index)
                return AnchoredManifest(found, index, steps)
        raise NotFound("the manifest of recording {id} is under no anchor yet", id=recording_id)

    def _leaves_if_any(self, found: FoundAnchor) -> list[Leaf]:
        try:
            return self.leaves(found) if found.anchor and found.anchor.manifests else []
        except (NotFound, EvidenceBroken):
            return []

    def found(self, name: AnchorName) -> FoundAnchor:
        """Returns what lies under the key of an anchor."""
        return self._found(name, self._versions(name.key))

    def stamps(self) -> dict[AnchorName, list[int]]:
        """Returns the numbers of the time-stamps that each anchor has, of those that have any."""
        found: dict[AnchorName, set[int]] = {}
        for each in self._store.listed(FOLDER):
            key = _KEY.fullmatch(each.key)
            if key and key[3].endswith(".tsr") and (name := _named(key)) and not each.marker:
                found.setdefault(name, set()).add(int(key[4] or 0) + 1)
        return {name: sorted(numbers) for name, numbers in found.items()}

    def content(self, key: str) -> bytes:
        """Returns what was put first under a key. Raises NotFound."""
        return content(self._store, key, _oldest(self._versions(key)))

    def _versions(self, key: str) -> list[ListedVersion]:
        return [each for each in self._store.listed(key) if each.key == key]

    def _read_leaves(self, found: FoundAnchor) -> list[Leaf]:
        anchor = found.believed
        return read_leaves(self.content(found.name.leaves_key), anchor)

    def _each(self, listed: Iterator[ListedVersion]) -> Iterator[FoundAnchor]:
        """Yields the anchors of a listing in their order."""
        for _, of_day in groupby(listed, key=lambda each: each.key[:_DAY]):
            versions = _by_name(of_day)
            for name in sorted(versions):
                yield self._found(name, versions[name])

    def _found(self, name: AnchorName, versions: list[ListedVersion]) -> FoundAnchor:
        problems = [Sentence("something was put over it, or it was deleted")] if len(versions) > 1 else []
        data = b""
        try:
            data = content(self._store, name.key, _oldest(versions))
            return FoundAnchor(name, data, self.read(data), tuple(problems))
        except (EvidenceBroken, NotFound) as error:
            return FoundAnchor(name, data, None, (*problems, _as_sentence(error)))


def _name(key: str) -> AnchorName | None:
    """Returns the name of the anchor that has this key; None of any other key."""
    found = _KEY.fullmatch(key)
    return _named(found) if found and found[3] == ".json" else None


def _named(found: re.Match[str]) -> AnchorName | None:
    """Returns the name of the anchor to which a key belongs; None where its day is none."""
    try:
        return AnchorName(date.fromisoformat(found[1].replace("/", "-")), int(found[2] or 1))
    except ValueError:
        return None


def _by_name(listed: Iterable[ListedVersion]) -> dict[AnchorName, list[ListedVersion]]:
    """Returns the versions of each anchor of a listing, and nothing else of it."""
    found: dict[AnchorName, list[ListedVersion]] = {}
    for each in listed:
        if name := _name(each.key):
            found.setdefault(name, []).append(each)
    return found


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """Returns the day of the office at a moment."""
    return moment.astimezone(zone).date()


def _oldest(versions: list[ListedVersion]) -> str | None:
    """Returns the version that was put first. A listing has the newest first."""
    puts = [each for each in reversed(versions) if not each.marker]
    return min(puts, key=lambda each: each.at).version if puts else None


def _following(each: FoundAnchor, anchor: Anchor, before: FoundAnchor | None) -> list[Sentence]:
    """Returns what is wrong with how an anchor follows the one before it that could be believed."""
    number = before.anchor.number if before and before.anchor else 0
    key, digest = (before.key, sha256(before.data)) if before else ("", "")
    if (anchor.previous_key, anchor.previous_sha256, anchor.number) == (key, digest, number + 1):
        return []
    if anchor.number > number + 1:
        missing = f"{number + 1}" if anchor.number == number + 2 else f"{number + 1}–{anchor.number - 1}"
        return [Sentence("before it, anchor {numbers} is missing", numbers=missing)]
    return [
        Sentence(
            "it is number {number} and follows {named}, but before it comes {key}, number {before}",
            number=anchor.number,
            named=anchor.previous_key or "—",
            key=key or "—",
            before=number,
        )
    ]


def _begin(recording_id: str) -> str:
    """Returns a key before all anchors that a recording can be under: those from before it was begun are
    not looked at, with two days for clocks and zones."""
    if not ID.fullmatch(recording_id):
        return ""
    begun = int(recording_id.replace("-", "")[:12], 16) / 1000
    try:
        day = datetime.fromtimestamp(begun, UTC).date() - timedelta(days=2)
    except (ValueError, OverflowError):  # no UUID of version 7
        return ""
    return AnchorName(day, 1).base


def _as_sentence(error: CallrecError) -> Sentence:
    return Sentence(error.template, **error.values)
