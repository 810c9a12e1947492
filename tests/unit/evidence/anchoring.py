"""A custody log, a bucket in memory, a key, and what makes anchors of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callrec import ids
from callrec.catalogue import custody, tables
from callrec.catalogue.database import Database
from callrec.evidence.anchor import AnchorReason
from callrec.evidence.anchorer import Anchorer
from callrec.evidence.anchors import AnchorLog, FoundAnchor
from callrec.evidence.custody_check import CustodyCheck
from callrec.evidence.keys import PublicKeyRing, SigningKey
from callrec.evidence.placing import Placer
from callrec.evidence.stamping import StampLog, StampVerifier
from callrec.evidence.traces import Traces
from tests.tampering import altered
from tests.unit.fakes import MemoryStore
from tests.unit.kept_recording import archive

Row = dict[str, Any]

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
"""Noon in Tokyo."""
DAY = timedelta(days=1)


@dataclass
class Anchoring:
    """What makes and reads anchors of one database."""

    database: Database
    store: MemoryStore = field(default_factory=MemoryStore)
    key: SigningKey = field(default_factory=lambda: SigningKey(Ed25519PrivateKey.generate()))
    at: datetime = NOW
    roots: StampVerifier | None = None

    @property
    def ring(self) -> PublicKeyRing:
        return PublicKeyRing({self.key.key_id: self.key.public_key})

    @property
    def log(self) -> AnchorLog:
        return AnchorLog(self.store, self.ring)

    @property
    def anchorer(self) -> Anchorer:
        placer = Placer(self.store, 3653, locked=True)
        return Anchorer(self.database, self.log, placer, lambda: self.key, TOKYO)

    def archived(self, count: int = 1) -> list[tuple[str, str]]:
        """So many recordings, archived by the log: id and hash of the manifest of each."""
        made = [(id_, hashlib.sha256(id_.encode()).hexdigest()) for id_ in (ids.new() for _ in range(count))]
        with self.database.begin() as connection:
            for id_, sha256 in made:
                custody.append(connection, id_, "captured", who="callrec", at=self.at)
                custody.append(connection, id_, "archived", who="callrec", at=self.at, manifest_sha256=sha256)
        return made

    def anchor(self, reason: AnchorReason = AnchorReason.DAILY, *, days: int = 0) -> FoundAnchor:
        self.at += days * DAY
        return self.anchorer.anchor(reason, "callrec", self.at)

    def day(self, count: int = 1) -> list[tuple[str, str]]:
        """The next day: so many recordings, and an anchor in the evening."""
        self.at += DAY
        made = self.archived(count)
        self.at += DAY / 4
        self.anchor()
        self.at -= DAY / 4
        return made

    def known(self, ids_: Iterable[str]) -> None:
        """The catalogue has these recordings too."""
        for id_ in ids_:
            row = {"id": id_, "manifest_sha256": hashlib.sha256(id_.encode()).hexdigest()}
            archive(self.database, None, self.at, **row)

    def check(self) -> CustodyCheck:
        traces = Traces(self.store, self.ring, TOKYO)
        stamps = StampLog(self.log, self.roots)
        return CustodyCheck(self.database, self.log, traces, stamps, lambda: self.at, TOKYO)

    def found(self) -> list[str]:
        """What is wrong and not known, in English."""
        return [str(each) for each in self.check().problems()]

    def rewritten(self, change: Callable[[list[Row]], list[Row]]) -> None:
        """The log as somebody makes it who may do anything to the database: rows changed as he likes, and
        every number and hash computed anew."""
        with self.database.begin() as connection, altered(connection):
            rows = [dict(each) for each in connection.execute(sa.select(tables.custody)).mappings()]
            connection.execute(tables.custody.delete())
            for row in change(rows):
                said = {key: row[key] for key in ("who", "at", "recording_id", "action")}
                custody.append(connection, **said, **row["details"])

    def rows(self) -> list[Row]:
        with self.database.read() as connection:
            return [dict(each) for each in connection.execute(sa.select(tables.custody)).mappings()]

    def restored(self, rows: list[Row]) -> None:
        """The log as it was: of an older copy of the database."""
        with self.database.begin() as connection, altered(connection):
            connection.execute(tables.custody.delete())
            connection.execute(tables.custody.insert(), rows)
