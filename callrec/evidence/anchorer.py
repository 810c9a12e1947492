"""Makes anchors: says where the custody log stands, signs it, and puts it into the bucket for good.

The anchor itself is put first, for by its key no two follow the same one; then the list of manifests under
it. What was not put for a crash or an outage, the next one makes up for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from callrec import __version__
from callrec.catalogue import custody
from callrec.catalogue.database import Connection, Database
from callrec.catalogue.locks import one_anchorer
from callrec.errors import AlreadyThere, EvidenceBroken, NotFound, Unreachable
from callrec.evidence import merkle
from callrec.evidence.anchor import SCHEMA, Anchor, AnchorReason, Leaf, sha256, write, write_leaves
from callrec.evidence.anchors import AnchorLog, AnchorName, FoundAnchor, day_of
from callrec.evidence.placing import Placer
from callrec.signing import Signer

TRIES = 5
LATELY = 40
"""So many anchors are compared with the log when a new one is made: those of more than a month."""
LOCK_SECONDS = 60.0
MOST_LEAVES = 100_000
"""Manifests under one anchor: of an office that has millions when the first one is made, several are made."""


@dataclass(frozen=True, slots=True)
class CustodyHead:
    """Where the custody log stands, and the manifests that were archived since the newest anchor it fits."""

    rows: int
    hash: str
    leaves: list[Leaf]


class Anchorer:
    """Makes the anchors of one custody log."""

    def __init__(
        self,
        database: Database,
        log: AnchorLog,
        placer: Placer,
        signer: Callable[[], Signer],
        zone: ZoneInfo,
    ) -> None:
        self.log = log
        self._database, self._placer, self._signer, self._zone = database, placer, signer, zone

    def anchor(
        self,
        reason: AnchorReason,
        who: str,
        at: datetime,
        note: str = "",
        known_breaks: tuple[str, ...] = (),
    ) -> FoundAnchor:
        """Makes an anchor of all that the log has by now, and returns it; where that are very many manifests,
        several, and returns the last. A daily one that would say what today's newest says is not made:
        that one is returned.

        Raises Unreachable while bucket or database is away, WrongConfiguration without a key to sign with,
        EvidenceBroken where the bucket does not keep what it took.
        """
        with self._database.read() as connection:
            until, _ = custody.head(connection)
        with one_anchorer(self._database, LOCK_SECONDS):
            made = self._next(reason, who, at, note, known_breaks)
            while made.believed.custody_rows < until and made.believed.manifests:
                made = self._next(reason, who, at, note, known_breaks)
        return made

    def _next(
        self, reason: AnchorReason, who: str, at: datetime, note: str, known_breaks: tuple[str, ...]
    ) -> FoundAnchor:
        """Makes the next anchor, of MOST_LEAVES manifests at most."""
        for _ in range(TRIES):  # under the lock nobody is quicker, unless there are two databases
            before = self.log.newest()
            self._make_up_for(before)
            head = self._head(before)
            if reason is AnchorReason.DAILY and before and self._says_the_same(before, head, at):
                return before
            anchor = _next(before, head, reason, who, at, note, known_breaks)
            try:
                return self._put(self._name(before, at), anchor, head.leaves)
            except AlreadyThere:
                continue
        raise Unreachable("somebody else puts anchors into the bucket at the same time: try again")

    def broken_lately(self) -> str:
        """Returns the key of an anchor, among the last LATELY ones, that the custody log does not fit and of
        which none says that this is known; empty where there is none."""
        lately = list(islice(self.log.newest_first(), LATELY))
        known = {key for each in lately if each.believed.note for key in each.believed.known_breaks}
        with self._database.read() as connection:
            unlike = (each.key for each in lately if not _fits(connection, each.believed))
            return next((key for key in unlike if key not in known), "")

    def _put(self, name: AnchorName, anchor: Anchor, leaves: list[Leaf]) -> FoundAnchor:
        data = write(anchor, self._signer())
        found = FoundAnchor(name, data, self.log.read(data))
        self._placer.place(name.key, data)
        self._place_leaves(name, leaves)
        return found

    def _place_leaves(self, name: AnchorName, leaves: list[Leaf]) -> None:
        try:
            self._placer.place(name.leaves_key, write_leaves(leaves))
        except AlreadyThere as error:
            raise EvidenceBroken("somebody else has put {key}", key=name.leaves_key) from error

    def _name(self, before: FoundAnchor | None, at: datetime) -> AnchorName:
        """Returns the next name. Names go up also where the clock went back."""
        day = max(day_of(at, self._zone), before.name.day) if before else day_of(at, self._zone)
        return AnchorName(day, self.log.taken(day) + 1)

    def _make_up_for(self, before: FoundAnchor | None) -> None:
        """Puts the list of manifests of the newest anchor, where that was not done. Nothing where the log
        does not have them any more: verifying says so."""
        if before is None or before.anchor is None or self._has_leaves(before):
            return
        begin = self._fits_at(self._all_before(before))
        with self._database.read() as connection:
            rows = custody.archived(connection, begin, before.anchor.custody_rows)
        leaves = [Leaf(*each) for each in rows]
        if _root(leaves) == before.anchor.merkle_root:
            self._place_leaves(before.name, leaves)

    def _has_leaves(self, found: FoundAnchor) -> bool:
        try:
            self.log.leaves(found)
        except NotFound:
            return False
        except EvidenceBroken:  # another list is there: verifying says so
            return True
        return True

    def _all_before(self, found: FoundAnchor) -> list[FoundAnchor]:
        return list(takewhile(lambda each: each.key != found.key, self.log.all()))

    def _head(self, before: FoundAnchor | None) -> CustodyHead:
        begin = self._begin(before)
        with self._database.read() as connection:
            rows, digest = custody.head(connection)
            last = custody.archived_so_many(connection, begin, MOST_LEAVES)
            if last is not None and (found := custody.hash_at(connection, last)):
                rows, digest = last, found
            archived = custody.archived(connection, begin, rows)
        return CustodyHead(rows, digest, [Leaf(*each) for each in archived])

    def _begin(self, before: FoundAnchor | None) -> int:
        """Returns the row up to which manifests are under anchors: that of the newest anchor the log fits.
        That is the one before, unless the log was cut off, rewritten or restored since."""
        if before is None:
            return 0
        return self._fits_at([before]) or self._fits_at(list(self.log.all()))

    def _fits_at(self, anchors: list[FoundAnchor]) -> int:
        """Returns the row of the newest of some anchors that the log fits; 0 where it fits none."""
        with self._database.read() as connection:
            for each in reversed(anchors):
                if each.anchor and _fits(connection, each.anchor):
                    return each.anchor.custody_rows
        return 0

    def _says_the_same(self, before: FoundAnchor, head: CustodyHead, at: datetime) -> bool:
        anchor = before.anchor
        if anchor is None or day_of(anchor.made_at, self._zone) != day_of(at, self._zone):
            return False
        return (anchor.custody_rows, anchor.custody_hash) == (head.rows, head.hash)


def _fits(connection: Connection, anchor: Anchor) -> bool:
    return custody.hash_at(connection, anchor.custody_rows) == anchor.custody_hash


def _next(
    before: FoundAnchor | None,
    head: CustodyHead,
    reason: AnchorReason,
    who: str,
    at: datetime,
    note: str,
    known_breaks: tuple[str, ...],
) -> Anchor:
    return Anchor(
        schema=SCHEMA,
        number=before.anchor.number + 1 if before and before.anchor else 1,
        reason=reason,
        note=note,
        made_at=at,
        made_by=who,
        custody_rows=head.rows,
        custody_hash=head.hash,
        manifests=len(head.leaves),
        merkle_root=_root(head.leaves),
        previous_key=before.key if before else "",
        previous_sha256=sha256(before.data) if before else "",
        software=f"callrec {__version__}",
        known_breaks=known_breaks,
    )


def _root(leaves: list[Leaf]) -> str:
    return merkle.root([each.manifest_sha256 for each in leaves])
