"""An archive with one recording, what verifies it, and those who do something to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import sqlalchemy as sa

from callrec import manifest as manifests
from callrec.catalogue import calls, custody, destructions, statements, tables
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.custody import Entry
from callrec.catalogue.database import Connection, Database
from callrec.evidence import redaction
from callrec.evidence.findings import Findings
from callrec.evidence.keys import PublicKeyRing, SigningKey
from callrec.evidence.redaction import PlacedRedaction
from callrec.evidence.statements import Outbox
from callrec.evidence.trust import Trust
from callrec.evidence.verification import Verifier
from callrec.manifest import AudioFacts, Manifest
from tests.tampering import altered
from tests.unit.bench import TOKYO, Sources
from tests.unit.fakes import LockingStore, MemoryStore
from tests.unit.samples import RECORDING_ID, START

LATER = START + timedelta(days=400)


def state(database: Database, store: MemoryStore, key: SigningKey = Sources.key) -> None:
    """Puts what waits in the outbox into a bucket, signed by a key."""
    keys = SimpleNamespace(public=PublicKeyRing({key.key_id: key.public_key}), signer=lambda: key)
    there = cast(LockingStore, store)
    Outbox(database, lambda: there, lambda: keys, locks=False, shortest_lock=timedelta(days=1)).put()


class Place:
    """An archive with one recording, and what verifies it."""

    def __init__(self, database: Database, store: LockingStore) -> None:
        self.database, self.store, self.mode = database, store, "governance"
        self.keys = {Sources.key.key_id: Sources.key.public_key}
        self.since: datetime | None = START

    def verify(self, id_: str = RECORDING_ID, **said: Any) -> Findings:
        trust = Trust(lambda: PublicKeyRing(self.keys), lambda: self.since, self._first_row)
        clock = lambda: datetime.now(UTC)  # noqa: E731
        made = Verifier(self.store, self.database, trust, self.note, clock, zone=TOKYO, mode=self.mode)
        return made.verify(id_, **said)

    def _first_row(self, moment: datetime) -> int | None:
        with self.database.read() as connection:
            return custody.first_since(connection, moment)

    def problems(self, **said: Any) -> list[str]:
        return [str(each) for each in self.verify(**said).problems]

    def note(self, connection: Connection, recording_id: str, action: str, **details: Any) -> None:
        custody.append(connection, recording_id, action, who="tanaka", at=LATER, **details)

    def log(self, action: str, **details: Any) -> Entry:
        """Does as callrec: what changes how it is kept waits to be stated, too."""
        with self.database.begin() as connection:
            return statements.enter(connection, RECORDING_ID, action, who="sato", at=LATER, **details)

    def forge(self, action: str, at: datetime = LATER, **details: Any) -> Entry:
        """Writes a row at the end of the log, as who may write to the database can; its hash is right."""
        with self.database.begin() as connection:
            return custody.append(connection, RECORDING_ID, action, who="sato", at=at, **details)

    def state(self, key: SigningKey = Sources.key) -> None:
        """Puts what waits into the bucket, signed."""
        state(self.database, self.store, key)

    def redact(self, key: SigningKey = Sources.key, number: int = 1) -> PlacedRedaction:
        """Puts a redaction beside the recording, and writes it down."""
        kept, sound = self.kept, b"redacted"
        digest = hashlib.sha256(sound).hexdigest()
        facts = AudioFacts("flac", 8000, 2, 1, "", digest, len(sound))
        made = redaction.Redaction(
            redaction.SCHEMA,
            kept.id,
            number,
            (),
            "x",
            "",
            LATER,
            "sato",
            kept.sha256,
            "",
            kept.manifest_sha256,
            facts,
            "",
        )
        data = redaction.write(made, key)
        name = f"{redaction.folder(kept.key)}{number}.flac"
        placed = PlacedRedaction(number, "x", digest, hashlib.sha256(data).hexdigest(), name, "0", "0")
        self.store.versions |= {placed.key: [sound], placed.manifest_key: [data]}
        self.log(redaction.ACTION, **placed.details())
        return placed

    def statement_of(self, entry: Entry) -> str:
        """The key of the statement of an entry."""
        return f"{self.kept.key.removesuffix('.flac')}.statements/{entry.details['statement']}.json"

    @property
    def kept(self) -> ArchivedRecording:
        with self.database.read() as connection:
            found = calls.find_recording(connection, RECORDING_ID)
        assert found
        return found

    def change(self, table: str, **values: Any) -> None:
        with self.database.begin() as connection:
            connection.execute(tables.metadata.tables[table].update().values(**values))

    def sign_anew(self, change: Callable[[Manifest], Manifest], key: SigningKey = Sources.key) -> None:
        """Puts another manifest in place of what was archived; row and custody log fit it."""
        kept = self.kept
        changed = change(manifests.read(self.store.objects[kept.manifest_key]))
        data = manifests.write(manifests.sign(changed, key))
        self.put(data)

    def put(self, data: bytes) -> None:
        """Puts a manifest in place of the one that was archived."""
        kept, digest = self.kept, hashlib.sha256(data).hexdigest()
        self.store.versions[kept.manifest_key] = [data]
        with self.database.begin() as connection:
            connection.execute(tables.recordings.update().values(manifest_sha256=digest))
            entry = tables.custody.c.action == "archived"
            details = connection.execute(sa.select(tables.custody.c.details).where(entry)).scalar_one()
            said = {**details, "manifest_sha256": digest}
            with altered(connection):
                connection.execute(tables.custody.update().where(entry).values(details=said))


def destroy(place: Place, enter: Any = statements.enter) -> list[Entry]:
    """Writes that the recording is destroyed, as purge does; with another `enter`, as somebody without a key.
    Its objects are gone. Returns the entries."""
    with place.database.begin() as connection:
        due = destructions.find(connection, RECORDING_ID)
        assert due and destructions.finish(connection, RECORDING_ID, LATER)
        made = [
            enter(connection, RECORDING_ID, action, who="purger", at=LATER, **due.reason())
            for action in ("destruction-begun", "destroyed")
        ]
    place.store.versions.clear()
    return made
