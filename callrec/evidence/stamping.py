"""Has anchors stamped with the time, renews the time-stamps before their certificates end, and verifies them.

The first time-stamp of an anchor is over its bytes, each further one over the anchor and all before it, put
one after the other (as RFC 3161 says, appendix B, and RFC 4998 in full). So each proves when the one before
was there, while the certificate of that one still held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Protocol
from zoneinfo import ZoneInfo

from callrec.dates import spoken
from callrec.errors import AlreadyThere, EvidenceBroken, NotFound, Sentence
from callrec.evidence.anchors import AnchorLog, AnchorName, FoundAnchor
from callrec.evidence.placing import Placer

KIND = "application/timestamp-reply"
APART = timedelta(minutes=1)
"""So far the authority's time may be from ours."""
LATELY = 40
"""So many anchors get their first time-stamp late at most: each anchor stands for all before it."""
EACH = timedelta(days=1)
"""How often time-stamps are looked at that are wrong."""
RENEWED_BEFORE = timedelta(days=30)
"""So long before a certificate ends, what it has signed is stamped again."""
AT_ONCE = 100
"""So many are renewed in one go."""


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What an authority says: that the bytes were there at a moment. Its certificate ends at `ends_at`."""

    at: datetime
    ends_at: datetime


class StampVerifier(Protocol):
    """Somebody who can tell whether a time-stamp is right. callrec.evidence.timestamps can."""

    def verify(self, answer: bytes, data: bytes) -> TimeStamp:
        """Returns what a time-stamp over data says. Raises EvidenceBroken for one that is not over it, or by
        somebody whom the root does not vouch for."""


class StampAuthority(Protocol):
    """Somebody who stamps with the time."""

    def stamp(self, data: bytes) -> bytes:
        """Returns a time-stamp over data, verified. Raises Unreachable while there is none to be had, and
        EvidenceBroken for one that is not right."""


class StampLog:
    """The time-stamps in a bucket. All methods raise StoreUnreachable."""

    def __init__(self, log: AnchorLog, verifier: StampVerifier | None) -> None:
        self._log, self._verifier = log, verifier

    @property
    def can_verify(self) -> bool:
        """Whether it is known whose time-stamps are believed."""
        return self._verifier is not None

    def of(self, name: AnchorName, numbers: Sequence[int]) -> list[bytes]:
        """Returns the time-stamps of an anchor that have these numbers."""
        return [self._log.content(name.stamp_key(number)) for number in numbers]

    def verified(self, found: FoundAnchor, numbers: Sequence[int]) -> list[TimeStamp]:
        """Returns what the time-stamps of an anchor say, in order; nothing where nobody can tell. Raises
        EvidenceBroken unless all are right, and each came while the certificate of the one before held."""
        if self._verifier is None:
            return []
        before, said = found.data, list[TimeStamp]()
        for stamp in self.of(found.name, numbers):
            said.append(self._verifier.verify(stamp, before))
            before += stamp
        if any(later.at > earlier.ends_at for earlier, later in pairwise(said)):
            raise EvidenceBroken("its time-stamp was renewed too late: the certificate had ended")
        return said

    def problems(
        self, anchors: Sequence[FoundAnchor], now: datetime, zone: ZoneInfo
    ) -> Iterator[tuple[list[str], Sentence]]:
        """Yields what is wrong with the time-stamps of some anchors, each with the key of the anchor."""
        numbers = self._log.stamps()
        for found in anchors:
            if found.anchor and (own := numbers.get(found.name)):
                for problem in self._of(found, own, now, zone):
                    yield [found.key], Sentence("{what}: {problem}", what=found.key, problem=problem)

    def _of(
        self, found: FoundAnchor, numbers: Sequence[int], now: datetime, zone: ZoneInfo
    ) -> Iterator[Sentence]:
        try:
            said = self.verified(found, numbers)
        except (EvidenceBroken, NotFound) as error:
            yield Sentence(error.template, **error.values)
            return
        if said and said[0].at < found.believed.made_at - APART:
            yield Sentence("its time-stamp is older than it is: {time}", time=spoken(said[0].at, zone))
        if said and said[-1].ends_at < now:
            ended = spoken(said[-1].ends_at, zone)
            yield Sentence(
                "the certificate of its time-stamp ended at {time}, and none renews it", time=ended
            )


class Stamper:
    """Puts time-stamps beside anchors."""

    def __init__(
        self,
        log: AnchorLog,
        stamps: StampLog,
        placer: Placer,
        authority: StampAuthority,
        clock: Callable[[], datetime],
    ) -> None:
        self._log, self._stamps, self._placer = log, stamps, placer
        self._authority, self._clock = authority, clock
        self._due: dict[AnchorName, datetime] = {}
        """When what was looked at already has to be renewed."""

    def stamp(self) -> None:
        """Stamps the last anchors that have no time-stamp. Raises Unreachable, or EvidenceBroken for what the
        authority or the bucket did wrong."""
        there = self._log.stamps()
        for found in islice(self._log.newest_first(), LATELY):
            if found.name not in there:
                self._put(found, 1, found.data)

    def renew(self) -> None:
        """Stamps again what was stamped by a certificate that ends soon. Raises as `stamp`; time-stamps that
        are wrong are passed over: verifying names them."""
        there = self._log.stamps()
        due = (name for name in there if self._due.get(name, self._clock()) <= self._clock())
        found = ((self._log.found(name), there[name]) for name in due)
        some = islice(((each, numbers) for each, numbers in found if self._is_due(each, numbers)), AT_ONCE)
        for each, numbers in some:
            data = b"".join([each.data, *self._stamps.of(each.name, numbers)])
            self._put(each, numbers[-1] + 1, data)
            del self._due[each.name]

    def _is_due(self, found: FoundAnchor, numbers: Sequence[int]) -> bool:
        try:
            said = self._stamps.verified(found, numbers) if found.anchor else []
        except (EvidenceBroken, NotFound):
            said = []
        ends_at = said[-1].ends_at if said else None
        self._due[found.name] = ends_at - RENEWED_BEFORE if ends_at else self._clock() + EACH
        return ends_at is not None and self._due[found.name] <= self._clock() < ends_at

    def _put(self, found: FoundAnchor, number: int, data: bytes) -> None:
        key = found.name.stamp_key(number)
        try:
            self._placer.place(key, self._authority.stamp(data), KIND)
        except AlreadyThere:  # another process was quicker, or somebody's: verifying tells
            return
