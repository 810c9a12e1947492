"""Asks the catalogue and the bucket what is archived, and which calls should have a recording.

Of the bucket the days are listed, each facility's: a listing tells a thousand objects at a time, and of which
versions there are. Their bytes are for `callrec verify`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from callrec.archive.object_names import manifest_key
from callrec.archive.store import BrowsingStore, ListedVersion
from callrec.catalogue import calls, reconciling
from callrec.catalogue.database import Database
from callrec.catalogue.reconciling import Place
from callrec.errors import CheckFailed
from callrec.evidence.rebuilding import Rebuilding
from callrec.health import differences
from callrec.health.differences import Difference, Filed, Kept, Kind
from callrec.model.calls import CallRecord
from callrec.model.captures import Custody
from callrec.spool.directory import Spool

RECORDINGS = "recordings/"
DAYS, ALL_DAYS = 2, 31
"""How many days are looked at every time, and once a day."""
YOUNG = timedelta(minutes=10)
"""An object that was put so lately may be another machine's, which has yet to prove it."""


@dataclass(frozen=True, slots=True)
class FiledParts:
    """What is compared. `rebuilding` makes what writes rows of what the bucket says. `pbx` is the name of the
    PBX whose calls wait in this spool: of those of another one the recordings may wait elsewhere."""

    database: Database
    store: Callable[[], BrowsingStore]
    spool: Spool
    rebuilding: Callable[[], Rebuilding]
    zone: ZoneInfo
    pbx: str


class FiledLook:
    """Looks at what is archived. Raises CallrecError where a part does not answer."""

    def __init__(self, parts: FiledParts) -> None:
        self._parts = parts

    def look(self, now: datetime, *, days: int = DAYS) -> list[Difference]:
        """Returns the differences of the last days, today included."""
        begin = self._begin(now, days)
        with self._parts.database.read() as connection:
            before = reconciling.places(connection, begin, now + timedelta(days=1))
        there = self._there({*self._prefixes(begin, days), *map(_folder, before)})
        listed = _by_key(there)
        ids = {id_ for key in listed if (id_ := differences.recording_at(key))}
        with self._parts.database.read() as connection:
            known = frozenset(reconciling.recordings_of(connection, ids - {each.id for each in before}))
            answered = reconciling.answered_without_recording(connection, begin, now)
        waiting = self._parts.spool.known_calls()
        own = (each for each in answered if each.pbx == self._parts.pbx)
        still = tuple(self._alone(each for each in own if each.id not in waiting))
        known |= self._parts.spool.followed() | _young(there, now)
        return differences.of_filed(Filed(listed, tuple(map(_kept, before)), still, known))

    def _alone(self, answered: Iterable[CallRecord]) -> Iterator[CallRecord]:
        """Yields those that should be recorded, and whose sound no other row of the same call has."""
        lacking = filter(differences.should_be_recorded, answered)
        with self._parts.database.read() as connection:
            for each in lacking:
                if not reconciling.is_recorded_in_another(connection, each):
                    yield each

    def still(self, left: list[Difference], now: datetime, *, days: int = DAYS) -> list[Difference]:
        """Returns what is so yet of differences that a look at more days has left, but for those of the last
        `days`. That an object is there again, only such a look can tell."""
        begin = self._begin(now, days)
        older = [each for each in left if differences.is_older(each, begin)]
        ids = {each.call.id for each in older if each.call}
        if not ids:
            return older
        with self._parts.database.read() as connection:
            settled = reconciling.settled(connection, ids)
        return [each for each in older if not (each.call and each.call.id in settled)]

    def _begin(self, now: datetime, days: int) -> datetime:
        """Returns the beginning of the first of the last days, today included."""
        today = now.astimezone(self._parts.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=days - 1)

    def resolve(self, difference: Difference) -> None:
        """Makes rows of what the bucket says and can prove; all else is for a person. Raises CheckFailed
        where it cannot be proved."""
        if difference.kind is not Kind.NO_ROW:
            return
        for _ in self._parts.rebuilding().only(difference.key.removesuffix(".flac"), difference.about):
            continue
        with self._parts.database.read() as connection:
            found = calls.find_recording(connection, difference.about)
        if found is None:
            raise CheckFailed(
                "in the bucket lies {key}, and no row can be made of it: see callrec catalogue check",
                key=difference.key,
            )

    def _there(self, prefixes: Iterable[str]) -> list[ListedVersion]:
        """Returns the versions of the objects whose keys begin so."""
        every = (each for prefix in sorted(prefixes) for each in self._parts.store().listed(prefix))
        return [each for each in every if not each.marker]

    def _prefixes(self, begin: datetime, days: int) -> Iterator[str]:
        for facility in self._parts.store().folders(RECORDINGS):
            for number in range(days):
                yield f"{facility}{begin + timedelta(days=number):%Y/%m/%d}/"


def _by_key(there: Iterable[ListedVersion]) -> dict[str, frozenset[str | None]]:
    """Returns the versions of objects, by their keys."""
    found: dict[str, set[str | None]] = defaultdict(set)
    for each in there:
        found[each.key].add(each.version)
    return {key: frozenset(versions) for key, versions in found.items()}


def _young(there: Iterable[ListedVersion], now: datetime) -> set[str]:
    """Returns the recordings of which something was put into the bucket of late."""
    return {differences.recording_at(each.key) for each in there if now - each.at < YOUNG}


def _folder(place: Place) -> str:
    return place.key.rpartition("/")[0] + "/"


def _kept(place: Place) -> Kept:
    return Kept(
        place.id,
        place.key,
        manifest_key(place.key),
        place.version,
        place.manifest_version,
        Custody(place.state),
    )
