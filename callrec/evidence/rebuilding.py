"""Compares the catalogue with the bucket, and makes it again from there.

The bucket has all: manifests say what was archived, statements what was done since. Whatever there cannot be
proved is named, and nothing is made of it. What is in the catalogue alone is named, and stays. Where the
custody log tells of a statement that the bucket does not have, nothing is made of that recording either: its
rows are newer. The log cannot be had back: each recording whose rows were written gets an entry `rebuilt`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from callrec.archive.store import BrowsingStore
from callrec.catalogue import rebuilding, statements
from callrec.catalogue.database import Connection, Database
from callrec.catalogue.rebuilding import Difference, RequestSteps, Rows
from callrec.errors import Sentence
from callrec.evidence import bucket, rule_versions
from callrec.evidence.afterwards import plain
from callrec.evidence.bucket import BucketReader, FoundRecording, FoundRequest, Place
from callrec.evidence.recording_rows import KnownRecording, differing, is_to_write, save
from callrec.evidence.request_rows import KnownRequest, lacks
from callrec.evidence.statement import REQUESTS, Statement
from callrec.evidence.wanted import WantedRecording
from callrec.signing import PublicKeys

AT_ONCE = 100
"""Recordings in one transaction: nobody else can write meanwhile."""
WHERE = ("sha256", "manifest_sha256", "key", "version", "manifest_version")
"""What the custody log says of how a recording lies in the bucket."""
GOES_ON_FOR = timedelta(days=1)
"""How long after it was ended a run is gone on with; later, it begins anew."""
THREADS = 8
"""Connections to the bucket at the same time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that bucket and catalogue do not have alike, or that cannot be proved."""

    id: str
    """The recording's, or the number of the request."""
    difference: Difference | None = None
    unproved: Sentence | None = None


@dataclass(slots=True)
class Course:
    """How far it has come: how many recordings and requests were looked at, and of how many rows were
    written."""

    recordings: int = 0
    requests: int = 0
    written: list[str] = field(default_factory=list)


class Rebuilding:
    """Compares one catalogue with one bucket, or makes it again. All methods raise StoreUnreachable and
    CatalogueUnreachable, after which it can be gone on with."""

    def __init__(
        self,
        database: Database,
        store: BrowsingStore,
        keys: PublicKeys,
        *,
        who: str,
        clock: Callable[[], datetime],
        zone: ZoneInfo,
        is_on_its_way: Callable[[str], bool] = lambda id_: False,
        ended: Callable[[], bool] = lambda: False,
    ) -> None:
        """`is_on_its_way` tells of the id of a recording whether it is being archived just now; `ended`
        whether `since` is to end: a bucket with millions of recordings takes a while."""
        self._database, self._store, self._reader = database, store, BucketReader(store, keys)
        self._who, self._clock, self._is_on_its_way, self._ended = who, clock, is_on_its_way, ended
        self._zone = zone
        self.course, self._steps = Course(), RequestSteps()

    # --- all of it

    def check(self) -> Iterator[list[Finding]]:
        """Yields what differs, some recordings at a time, whether anything does or not. Writes nothing."""
        seen: set[str] = set()
        for found in self._found(bucket.recordings(self._store.listed(bucket.RECORDINGS))):
            seen |= {each.id for each in found}
            with self._database.read() as connection:
                findings = [each for one in found for each in self._differences(connection, one)]
            self.course.recordings += len(found)
            yield findings
        yield list(self._missing_recordings(seen))
        yield from self._requests(write=False)

    def rebuild(self) -> Iterator[list[Finding]]:
        """Writes what is missing or differs, and yields what cannot be made right, as `check` does. Goes on
        where a run of late was ended."""
        with self._database.read() as connection:
            after = rebuilding.progress(connection, self._clock() - GOES_ON_FOR)
        listed = self._store.listed(bucket.RECORDINGS, after)
        yield from self._write(bucket.recordings(listed), only_lost=False)
        yield from self._requests(write=True)
        with self._database.begin() as connection:
            rebuilding.ended(connection)

    def since(self, moment: datetime) -> Iterator[list[Finding]]:
        """Does as `rebuild`, for those recordings and requests of which something was put into the bucket
        since then, and of which commits were lost: rows are missing, or the custody log does not tell of
        what the bucket says. What somebody has changed otherwise stays as it is: for `verify`."""

        def is_new(place: Place) -> bool:
            return any(each.at >= moment for each in place.versions)

        every = bucket.recordings(self._store.listed(bucket.RECORDINGS))
        places = takewhile(lambda _: not self._ended(), every)
        yield from self._write(filter(is_new, places), only_lost=True)
        yield from self._requests(write=True, only_lost=True, only=is_new)

    def only(self, base: str, id_: str) -> Iterator[list[Finding]]:
        """Does as `since`, for the one recording that lies in the bucket under this base."""
        yield from self._write([self._reader.place(base, id_)], only_lost=True)

    # --- recordings

    def _write(self, places: Iterable[Place], *, only_lost: bool) -> Iterator[list[Finding]]:
        for found in self._found(places):
            findings, later = self._written(found, only_lost=only_lost, final=False)
            if later:  # the log tells of more: something may have been done since the bucket was listed
                again = [self._reader.recording(self._reader.place(each.base, each.id)) for each in later]
                findings += self._written(again, only_lost=only_lost, final=True)[0]
            if not only_lost:
                with self._database.begin() as connection:
                    rebuilding.go_on_after(connection, f"{found[-1].base}/", self._clock())
            self.course.recordings += len(found)
            yield findings

    def _written(
        self, found: Iterable[FoundRecording], *, only_lost: bool, final: bool
    ) -> tuple[list[Finding], list[FoundRecording]]:
        """Writes the rows of some recordings; returns what cannot be made right, and, unless it is `final`,
        those at which it must be looked again: not here, as nobody else can write meanwhile."""
        findings: list[Finding] = []
        later: list[FoundRecording] = []
        with self._database.begin() as connection:
            for each in found:
                if self._is_on_its_way(each.id):
                    continue
                known = KnownRecording(connection, each)
                if known.lacking and not final:
                    later.append(each)
                else:
                    findings += self._rebuilt(connection, known, only_lost=only_lost)
        return findings, later

    def _found(self, places: Iterable[Place]) -> Iterator[list[FoundRecording]]:
        """Yields what the bucket says of recordings, some at a time."""
        with ThreadPoolExecutor(THREADS) as pool:
            for some in _some(places):
                yield list(pool.map(self._reader.recording, some))

    def _rebuilt(
        self, connection: Connection, known: KnownRecording, *, only_lost: bool
    ) -> Iterator[Finding]:
        """Writes the rows of one recording, and yields what cannot be made right."""
        found = known.found
        yield from self._unproved(known)
        if known.wanted is None or known.lacking:
            return
        apart = list(differing(connection, known.wanted))
        yield from (Finding(found.id, each) for each in apart if each.bucket is None)
        if known.is_logged and not any(is_to_write(each, only_lost) for each in apart):
            return
        save(connection, known.wanted)
        rule_versions.take_up(connection, known.wanted.rules, self._zone, who=self._who, at=self._clock())
        self._enter(connection, known.wanted, known.said)
        self.course.written.append(known.wanted.call.id)

    def _differences(self, connection: Connection, found: FoundRecording) -> Iterator[Finding]:
        if self._is_on_its_way(found.id):
            return
        known = self._known(connection, found)
        yield from self._unproved(known)
        if known.wanted is None:
            return
        yield from (Finding(found.id, each) for each in differing(connection, known.wanted))
        if not known.is_logged:
            yield Finding(found.id, Difference("custody", found.id, "", "rebuilt", None))

    def _known(self, connection: Connection, found: FoundRecording) -> KnownRecording:
        """Returns what is known of a recording. Where the log tells of more, it is looked again: something
        may have been done since the bucket was listed."""
        known = KnownRecording(connection, found)
        if known.lacking:
            place = self._reader.place(found.base, found.id)
            known = KnownRecording(connection, self._reader.recording(place))
        return known

    def _unproved(self, known: KnownRecording) -> Iterator[Finding]:
        found = known.found
        yield from (Finding(found.id, unproved=each) for each in (*found.unproved, *known.problems))
        if known.wanted is None and not found.unproved and not known.problems:
            nothing = Sentence("in the bucket lies {key}…, and nothing says of which call", key=found.base)
            yield Finding(found.id, unproved=nothing)
        yield from (Finding(found.id, unproved=lacks(each)) for each in sorted(known.lacking))

    def _enter(self, connection: Connection, made: WantedRecording, said: Iterable[Statement]) -> None:
        told = {name: made.row.get(name) for name in WHERE}
        statements.enter(
            connection,
            made.row["id"],
            "rebuilt",
            who=self._who,
            at=self._clock(),
            **told,
            stands=plain(made.now),
            statements=[each.id for each in said],
        )

    def _missing_recordings(self, seen: set[str]) -> Iterator[Finding]:
        """Yields the recordings of which there is a row, and nothing in the bucket."""
        with self._database.read() as connection:
            rows = rebuilding.all_recordings(connection)
        for id_, key in rows.items():
            if id_ not in seen and not self._reader.place(key.removesuffix(".flac"), id_).versions:
                yield Finding(id_, Difference("recordings", id_, "", None, {"key": key}))

    # --- requests

    def _requests(
        self,
        *,
        write: bool,
        only_lost: bool = False,
        only: Callable[[Place], bool] = lambda place: True,
    ) -> Iterator[list[Finding]]:
        seen: set[str] = set()
        every = bucket.requests(self._store.listed(REQUESTS))
        for place in takewhile(lambda _: not self._ended(), every):
            seen.add(place.id)
            if only(place):
                found = self._reader.request(place)
                with self._database.begin() if write else self._database.read() as connection:
                    findings = list(self._request(connection, found, write=write, only_lost=only_lost))
                self.course.requests += 1
                yield findings
        if not write:
            yield list(self._missing_requests(seen))

    def _request(
        self, connection: Connection, found: FoundRequest, *, write: bool, only_lost: bool
    ) -> Iterator[Finding]:
        """Compares the rows of one request, and yields what differs; with `write`, what cannot be made
        right."""
        known = self._known_request(connection, found)
        yield from (Finding(found.number, unproved=each) for each in known.unproved)
        if known.rows is None:
            return
        yield from self._listed_elsewhere(connection, found.number, known.rows)
        apart = list(known.differing(connection))
        if write and any(is_to_write(each, only_lost) for each in apart):
            rebuilding.write(connection, known.rows)
            self._enter_request(connection, found.number, known.said)
        yield from (Finding(found.number, each) for each in apart if not write or each.bucket is None)

    def _known_request(self, connection: Connection, found: FoundRequest) -> KnownRequest:
        """Does as `_known`."""
        known = KnownRequest(connection, found, self._steps)
        if known.lacking:
            again = self._reader.request(self._reader.place_of_request(found.number))
            known = KnownRequest(connection, again, self._steps)
        return known

    def _enter_request(self, connection: Connection, number: str, said: Iterable[Statement]) -> None:
        made = {"request": number, "statements": [each.id for each in said]}
        statements.enter(connection, "", "rebuilt", who=self._who, at=self._clock(), stated=None, **made)

    def _listed_elsewhere(self, connection: Connection, number: str, rows: Rows) -> Iterator[Finding]:
        """Takes out of the rows those of recordings that the catalogue does not have, and yields them."""
        there = rebuilding.known_recordings(
            connection, (row["recording_id"] for row in rows["request_recordings"])
        )
        missing = [row for row in rows["request_recordings"] if row["recording_id"] not in there]
        rows["request_recordings"] = [row for row in rows["request_recordings"] if row not in missing]
        for row in missing:
            key = f"{number} {row['recording_id']}"
            yield Finding(number, Difference("request_recordings", key, "", row, None))

    def _missing_requests(self, seen: set[str]) -> Iterator[Finding]:
        with self._database.read() as connection:
            missing = rebuilding.all_requests(connection) - seen
            missing -= {each.request for each in statements.waiting(connection)}
        for number in sorted(missing):
            yield Finding(number, Difference("requests", number, "", None, {"number": number}))


def _some(places: Iterable[Place]) -> Iterator[list[Place]]:
    rest = iter(places)
    while some := list(islice(rest, AT_ONCE)):
        yield some
