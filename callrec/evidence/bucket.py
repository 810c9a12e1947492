"""Reads in the bucket what belongs to recordings and requests, and believes only what a key of ours signed.

Of an object over which something was put, the oldest version that verifies is the one that callrec wrote.
Sound is not read here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TypeVar

from callrec.archive.store import BrowsingStore, ListedVersion
from callrec.catalogue.calls import Versions
from callrec.errors import CallrecError, EvidenceBroken, NotFound, Sentence, StoreUnreachable, Unreachable
from callrec.evidence import statement
from callrec.evidence.placing import content
from callrec.evidence.statement import REQUESTS, Statement
from callrec.manifest import Manifest, read
from callrec.signing import PublicKeys, opened

T = TypeVar("T")
RECORDINGS = "recordings/"
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_BASE = re.compile(rf"({RECORDINGS}(?:.+?/)?({_ID}))\.")
_REQUEST = re.compile(rf"({REQUESTS}([0-9-]+))/")


@dataclass(frozen=True, slots=True)
class Place:
    """What lies in the bucket for one recording or request: all versions of all that begins with its base."""

    base: str
    id: str
    """The recording's id, or the number of the request."""
    versions: tuple[ListedVersion, ...]

    def puts(self, key: str) -> list[ListedVersion]:
        """Returns what was put under a key, the oldest first. A listing has the newest first."""
        found = [each for each in reversed(self.versions) if each.key == key and not each.marker]
        return sorted(found, key=lambda each: each.at)


@dataclass(frozen=True, slots=True)
class FoundRecording:
    """What the bucket says of a recording. `manifest` is None where there is none that can be believed; then
    a statement may still say that it was destroyed."""

    id: str
    base: str
    manifest: Manifest | None = None
    manifest_sha256: str = ""
    versions: Versions = field(default_factory=Versions)
    said: tuple[Statement, ...] = ()
    """In the order in which it was done."""
    unproved: tuple[Sentence, ...] = ()
    """What is there and cannot be believed, or is missing."""

    @property
    def key(self) -> str:
        return f"{self.base}.flac"


@dataclass(frozen=True, slots=True)
class FoundRequest:
    """What the bucket says of a request."""

    number: str
    said: tuple[Statement, ...]
    unproved: tuple[Sentence, ...]


def recordings(listed: Iterable[ListedVersion]) -> Iterator[Place]:
    """Yields the recordings of a listing, streamed. What has no such key is passed over."""
    return _places(listed, _BASE)


def requests(listed: Iterable[ListedVersion]) -> Iterator[Place]:
    """Yields the requests of a listing, streamed."""
    return _places(listed, _REQUEST)


def _places(listed: Iterable[ListedVersion], pattern: re.Pattern[str]) -> Iterator[Place]:
    matched = ((pattern.match(each.key), each) for each in listed)
    known = ((match.groups(), each) for match, each in matched if match)
    for (base, id_), some in groupby(known, key=lambda pair: pair[0]):
        yield Place(base, id_, tuple(each for _, each in some))


class BucketReader:
    """Reads one bucket. Any thread may use it. Raises StoreUnreachable while it is away."""

    def __init__(self, store: BrowsingStore, keys: PublicKeys) -> None:
        self._store, self._keys = store, keys

    def place(self, base: str, id_: str) -> Place:
        """Returns what lies there now."""
        return Place(base, id_, tuple(self._store.listed(f"{base}.")))

    def place_of_request(self, number: str) -> Place:
        """Returns what lies there now of a request."""
        base = f"{REQUESTS}{number}"
        return Place(base, number, tuple(self._store.listed(f"{base}/")))

    def recording(self, place: Place) -> FoundRecording:
        """Returns what is said of a recording."""
        unproved: list[Sentence] = []
        said = self._said(place, f"{place.base}.statements/", unproved, lambda each: each.recording_id)
        key = f"{place.base}.manifest.json"
        proved = self._oldest(place, key, lambda data: self._manifest(place.id, data), unproved)
        if proved is None:
            return FoundRecording(place.id, place.base, said=said, unproved=tuple(unproved))
        version, data, manifest = proved
        sound = [each for each in place.puts(f"{place.base}.flac") if each.size == manifest.audio.size]
        if not sound:
            unproved.append(Sentence("{key} is missing from the archive", key=f"{place.base}.flac"))
        return FoundRecording(
            place.id,
            place.base,
            manifest,
            hashlib.sha256(data).hexdigest(),
            Versions(sound[0].version if sound else None, version),
            said,
            tuple(unproved),
        )

    def request(self, place: Place) -> FoundRequest:
        """Returns what is said of a request."""
        unproved: list[Sentence] = []
        said = self._said(place, f"{place.base}/", unproved, lambda each: each.request)
        return FoundRequest(place.id, said, tuple(unproved))

    def _manifest(self, id_: str, data: bytes) -> Manifest:
        opened(data, self._keys)
        manifest = read(data)
        if manifest.recording_id != id_:
            raise EvidenceBroken("it is the manifest of recording {id}", id=manifest.recording_id)
        return manifest

    def _said(
        self, place: Place, folder: str, unproved: list[Sentence], subject: Callable[[Statement], str]
    ) -> tuple[Statement, ...]:
        """Returns what is stated in a folder about one recording or request."""

        def proved(key: str, data: bytes) -> Statement:
            found = statement.read(data, self._keys)
            if subject(found) != place.id or f"{folder}{found.id}.json" != key:
                raise EvidenceBroken("it is a statement of another place, about {id}", id=subject(found))
            return found

        keys = dict.fromkeys(each.key for each in place.versions if each.key.startswith(folder))
        found = (self._oldest(place, key, partial(proved, key), unproved) for key in keys)
        return tuple(sorted((each[2] for each in found if each), key=lambda each: each.id))

    def _oldest(
        self, place: Place, key: str, prove: Callable[[bytes], T], unproved: list[Sentence]
    ) -> tuple[str | None, bytes, T] | None:
        """Returns the oldest version of an object that can be believed, its bytes, and what they say; None
        where there is none: then `unproved` has why, if there is anything."""
        problem: CallrecError | None = None
        for each in place.puts(key):
            try:
                data = content(self._store, key, each.version)
                return each.version, data, prove(data)
            except NotFound:  # it went meanwhile
                continue
            except StoreUnreachable:
                raise
            except (EvidenceBroken, Unreachable) as error:
                problem = problem or error
        if problem:
            said = Sentence(problem.template, **problem.values)
            unproved.append(Sentence("{key}: {problem}", key=key, problem=said))
        return None


def numbered(said: Sequence[Statement]) -> set[str]:
    """Returns the ids of some statements."""
    return {each.id for each in said}
