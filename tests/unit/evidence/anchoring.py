"""A custody log, a bucket in memory, a key, and what makes anchors of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callrec import ids
from callrec.catalogue import custody
from callrec.catalogue.database import Database
from callrec.evidence.anchor import AnchorReason
from callrec.evidence.anchorer import Anchorer
from callrec.evidence.anchors import AnchorLog, FoundAnchor
from callrec.evidence.keys import PublicKeyRing, SigningKey
from callrec.evidence.placing import Placer
from tests.unit.fakes import MemoryStore

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
