"""Compares the recordings that the catalogue has of a span of time with what lies in the bucket."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from callrec.archive.store import BrowsingStore
from callrec.catalogue import absences
from callrec.catalogue.absences import AbsenceScope
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Database
from callrec.errors import EvidenceBroken, NotFound
from callrec.evidence.absence import fits
from callrec.evidence.placing import content
from callrec.ids import ID
from callrec.manifest import Manifest, read
from callrec.model.calls import CallRecord
from callrec.model.captures import Custody

ROOT = "recordings/"
_SOUND = re.compile(rf"{ROOT}[^/]+/\d{{4}}/\d\d/\d\d/({ID.pattern})\.flac")
_AROUND = timedelta(days=1)
"""A recording lies under the day on which it began: that of its call, or the next."""
_FEW_DAYS = 10


@dataclass(frozen=True, slots=True)
class UnknownRecording:
    """A recording that only the bucket has, by what its manifest says."""

    recording_id: str
    key: str
    call: CallRecord
    facilities: frozenset[str]


@dataclass(frozen=True, slots=True)
class BucketFindings:
    """What the bucket says otherwise than the catalogue, by the ids of recordings. `unreadable`: keys of
    sounds that no row is of, and of which no manifest can be read."""

    missing: frozenset[str]
    still_there: frozenset[str]
    unknown: tuple[UnknownRecording, ...]
    unreadable: tuple[str, ...]


class RecordingsInBucket:
    """The recordings in a bucket, by days of the zone. Raises StoreUnreachable."""

    def __init__(self, store: BrowsingStore, database: Database, zone: ZoneInfo) -> None:
        self._store, self._database, self._zone = store, database, zone

    def look(self, scope: AbsenceScope, rows: Collection[ArchivedRecording]) -> BucketFindings:
        """Returns what of these rows, which are those of a scope, the bucket says otherwise; and what it has
        of the scope beside."""
        there = self._sounds(scope)
        gone = [each for each in rows if each.state is Custody.DESTROYED]
        kept = [each for each in rows if each.state is not Custody.DESTROYED]
        unknown, unreadable = self._unknown(scope, there)
        return BucketFindings(
            missing=frozenset(each.id for each in kept if not self._is_there(each, there)),
            still_there=frozenset(each.id for each in gone if each.key in there.values()),
            unknown=unknown,
            unreadable=unreadable,
        )

    def _is_there(self, kept: ArchivedRecording, there: dict[str, str]) -> bool:
        if there.get(kept.id) == kept.key and kept.version is None:
            return True
        try:
            self._store.head(kept.key, kept.version)
        except NotFound:
            return False
        return True

    def _sounds(self, scope: AbsenceScope) -> dict[str, str]:
        """Returns the keys of the sounds of these days, by their recordings' ids, also of hidden ones."""
        found = {}
        for prefix in self._prefixes(scope):
            for each in self._store.listed(prefix):
                if not each.marker and (named := _SOUND.fullmatch(each.key)):
                    found[named[1]] = each.key
        return found

    def _prefixes(self, scope: AbsenceScope) -> Iterator[str]:
        first = (scope.begin - _AROUND).astimezone(self._zone).date()
        last = (scope.end + _AROUND).astimezone(self._zone).date()
        for facility in self._store.folders(ROOT):
            yield from (f"{facility}{each}/" for each in _spans(first, last))

    def _unknown(
        self, scope: AbsenceScope, there: dict[str, str]
    ) -> tuple[tuple[UnknownRecording, ...], tuple[str, ...]]:
        with self._database.read() as connection:
            known = absences.known_ids(connection, there)
        found, unreadable = list[UnknownRecording](), list[str]()
        for id_, key in sorted(there.items()):
            if id_ in known:
                continue
            every = self._manifests(key)
            if not every:
                unreadable.append(key)
            fitting = [each for each in every if fits(each.call, scope, frozenset(each.facilities))]
            if fitting:
                call = fitting[0].call
                facilities = frozenset({*fitting[0].facilities, *filter(None, [call.facility])})
                found.append(UnknownRecording(id_, key, call, facilities))
        return tuple(found), tuple(unreadable)

    def _manifests(self, key: str) -> list[Manifest]:
        """Returns all that was ever put as the manifest beside a sound, the oldest first, whoever signed it:
        it only says what to look at, and what was put over it must hide nothing."""
        name = f"{key.removesuffix('.flac')}.manifest.json"
        puts = [each for each in self._store.listed(name) if each.key == name and not each.marker]
        found = []
        for each in sorted(puts, key=lambda put: put.at):
            with suppress(EvidenceBroken, NotFound):
                found.append(read(content(self._store, name, each.version)))
        return found


def _spans(first: date, last: date) -> Iterator[str]:
    """Yields how keys go on below a facility: by days, or for longer times by months."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    form = "%Y/%m/%d" if len(days) <= _FEW_DAYS else "%Y/%m"
    yield from dict.fromkeys(each.strftime(form) for each in days)
