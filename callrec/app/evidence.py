"""The parts of one callrec that sign, anchor and compare what is said of recordings, and give it out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from callrec.app.base import BaseParts

if TYPE_CHECKING:
    from callrec.archive.retrieval import Notes, Retrieval
    from callrec.catalogue.database import Connection
    from callrec.evidence.absences import Absences
    from callrec.evidence.anchorer import Anchorer
    from callrec.evidence.anchors import AnchorLog
    from callrec.evidence.custody_check import CustodyCheck
    from callrec.evidence.daily_anchors import DailyAnchors
    from callrec.evidence.key_copies import KeyCopies
    from callrec.evidence.lost_commits import LostCommits
    from callrec.evidence.packing import Packer
    from callrec.evidence.placing import Placer
    from callrec.evidence.rebuilding import Rebuilding
    from callrec.evidence.redactions import Redactions
    from callrec.evidence.stamping import Stamper
    from callrec.evidence.statements import Outbox, StatementStore
    from callrec.evidence.strays import Strays
    from callrec.evidence.timestamps import Roots, TimeStampAuthority
    from callrec.evidence.trust import Trust
    from callrec.evidence.verification import Verifier


class EvidenceParts(BaseParts):
    """What is about evidence, each part made when it is first asked for."""

    # --- anchors

    @cached_property
    def placer(self) -> Placer:
        """What puts anchors and their time-stamps into the bucket, where they stay."""
        from callrec.evidence.placing import Placer

        archive = self.settings.archive
        return Placer(
            self.store,
            self.settings.evidence.anchor_days,
            locked=archive.object_lock != "off",
            encryption=archive.encryption,
        )

    @cached_property
    def key_copies(self) -> KeyCopies:
        """The public records of these keys in the bucket."""
        from callrec.evidence.key_copies import KeyCopies

        return KeyCopies(self.keys, self.placer)

    def anchors(self) -> AnchorLog:
        """Makes what reads the anchors in the bucket."""
        from callrec.evidence.anchors import AnchorLog

        return AnchorLog(self.store, self.keys.public)

    def anchorer(self) -> Anchorer:
        """Makes what says in the bucket where the custody log stands."""
        from callrec.evidence.anchorer import Anchorer

        zone = self.settings.office.zone
        return Anchorer(self.database, self.anchors(), self.placer, self.keys.signer, zone)

    def daily_anchors(self) -> DailyAnchors:
        """Makes what makes an anchor each day, in a thread of the controller."""
        from callrec.evidence.daily_anchors import DailyAnchors

        zone = self.settings.office.zone
        return DailyAnchors(self.anchorer, self.stamper, self.who, lambda: self.now, zone)

    def tsa_roots(self) -> Roots | None:
        """Makes what tells whose time-stamps are believed; None where the settings do not say."""
        path = self.settings.evidence.tsa_ca_file
        if path is None:
            return None
        from callrec.evidence.timestamps import Roots

        return Roots(path)

    def time_stamp_authority(self, seconds: float | None = None) -> TimeStampAuthority | None:
        """Makes what asks the authority of time-stamps, each time for so long at most; None without one."""
        settings, zone, roots = self.settings.evidence, self.settings.office.zone, self.tsa_roots()
        if not settings.tsa_url or roots is None:
            return None
        from callrec.evidence.timestamps import SECONDS, TimeStampAuthority

        longest = SECONDS if seconds is None else seconds
        return TimeStampAuthority(settings, roots, lambda: self.now, zone, self.ca_file, longest)

    def stamper(self) -> Stamper | None:
        """Makes what has anchors stamped with the time; None without an authority."""
        authority = self.time_stamp_authority()
        if authority is None:
            return None
        from callrec.evidence.stamping import Stamper, StampLog

        log = self.anchors()
        return Stamper(log, StampLog(log, self.tsa_roots()), self.placer, authority, lambda: self.now)

    def custody_check(self) -> CustodyCheck:
        """Makes what verifies the custody log as a whole, and against the anchors."""
        from callrec.evidence.custody_check import CustodyCheck
        from callrec.evidence.stamping import StampLog
        from callrec.evidence.traces import Traces

        zone, keys = self.settings.office.zone, self.keys.public
        traces = Traces(self.store, keys, zone)
        stamps = StampLog(self.anchors(), self.tsa_roots())
        return CustodyCheck(self.database, self.anchors(), traces, stamps, lambda: self.now, zone)

    # --- statements, and the catalogue out of the bucket

    @cached_property
    def outbox(self) -> Outbox:
        """What puts statements of what was done into the bucket. They are small, and people wait for it."""
        from callrec.evidence.statements import SECONDS_AT_ONCE

        return self._outbox(lambda: self.store.hasty(SECONDS_AT_ONCE))

    def _outbox(self, store: Callable[[], StatementStore]) -> Outbox:
        from callrec.evidence.statements import Outbox

        settings = self.settings.archive
        shortest = timedelta(seconds=settings.shortest_lock_s)
        locks = settings.object_lock != "off"
        return Outbox(self.database, store, lambda: self.keys, locks=locks, shortest_lock=shortest)

    def put_statements(self) -> None:
        """Puts what this process has done into the bucket too, if there is anything; what cannot be put now
        waits for the controller."""
        if "outbox" in self.__dict__:
            self.outbox.attempt()

    def rebuilding(self, ended: Callable[[], bool] = lambda: False) -> Rebuilding:
        """Makes what compares the catalogue with the bucket, and makes it again from there, until it is to be
        `ended`."""
        from callrec.evidence.rebuilding import Rebuilding

        return Rebuilding(
            self.database,
            self.store,
            self.keys.public,
            who=self.who,
            clock=lambda: self.now,
            zone=self.settings.office.zone,
            is_on_its_way=self.spool.has_capture,
            ended=ended,
        )

    def lost_commits(self, ended: Callable[[], bool] = lambda: False) -> LostCommits:
        """Makes what finds out whether the database has lost something that the bucket says."""
        from callrec.evidence.lost_commits import LostCommits

        return LostCommits(self.database, lambda: self.rebuilding(ended), self.spool.flaws)

    # --- recordings read back

    @cached_property
    def trust(self) -> Trust:
        """The keys by which manifests are believed."""
        from callrec.catalogue import custody
        from callrec.evidence.trust import Trust

        def since() -> datetime | None:
            return next((each.created_at for each in self.keys.records()), None)

        def first_row(moment: datetime) -> int | None:
            with self.database.read() as connection:
                return custody.first_since(connection, moment)

        return Trust(lambda: self.keys.public, since, first_row)

    def retrieval(self, note: Notes) -> Retrieval:
        """Makes what reads recordings back from the archive; `note` enters that into the custody log."""
        from callrec.archive.retrieval import Retrieval

        return Retrieval(self.store, self.database, self.trust, note)

    def verifier(self, note: Notes) -> Verifier:
        """Makes what verifies recordings; `note` enters that into the custody log."""
        from callrec.evidence.verification import Verifier

        settings = self.settings
        return Verifier(
            self.store,
            self.database,
            self.trust,
            note,
            lambda: self.now,
            zone=settings.office.zone,
            mode=settings.archive.object_lock,
        )

    def strays(self, note: Notes) -> Strays:
        """Makes what looks through the bucket for what belongs to no recording."""
        from callrec.evidence.strays import Strays

        def is_on_its_way(id_: str) -> bool:
            return bool(id_) and self.spool.folder(id_).exists()

        return Strays(self.store, self.database, is_on_its_way, note)

    # --- what is made of them for others

    @property
    def redactions(self) -> Redactions:
        """What makes second files of recordings with something covered, and reads them back."""
        from callrec.evidence.redactions import Redactions

        settings = self.settings.archive
        shortest = timedelta(seconds=settings.shortest_lock_s)
        locked = settings.object_lock != "off"
        return Redactions(
            self.store, self.keys.signer, self.keys.public, locked=locked, shortest_lock=shortest
        )

    def absences(self) -> Absences:
        """Makes what gathers why there is no recording of calls."""
        from callrec.evidence.absences import Absences
        from callrec.evidence.recordings_in_bucket import RecordingsInBucket

        zone = self.settings.office.zone
        bucket = RecordingsInBucket(self.store, self.database, zone)
        anchors, check = self.anchors(), self.custody_check()
        is_gone = self.verifier(_nothing).is_gone
        return Absences(self.database, self.spool, bucket, anchors, check, self.keys.signer, zone, is_gone)

    def packer(self, note: Notes) -> Packer:
        """Makes what packs recordings for somebody outside; `note` is that of their retrieval."""
        from callrec.evidence.packing import Packer

        zone, stamper = self.settings.office.zone, self.stamper()
        stamp = stamper.stamp if stamper else lambda: None
        return Packer(self.retrieval(note), self.anchorer(), self.keys, stamp, zone, lambda: self.now)


def _nothing(connection: Connection, recording_id: str, action: str, **details: Any) -> None:
    """Enters nothing into the custody log: for what is only looked at."""
