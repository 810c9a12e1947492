"""A desk with a bucket in memory, in which recordings are, and catalogues made of that bucket."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callrec import ids, manifest
from callrec.app import App
from callrec.archive.object_names import object_key
from callrec.archive.store import StoredVersion
from callrec.catalogue import calls, facilities, statements, tables
from callrec.catalogue.calls import Versions
from callrec.catalogue.database import Database
from callrec.desk.operation import Operation, perform
from callrec.desk.operations import keeping, requests
from callrec.errors import CallrecError
from callrec.evidence.keys import PublicKeyRing, SigningKey
from callrec.evidence.rebuilding import Finding, Rebuilding
from callrec.evidence.statements import BucketTombstones, Outbox
from callrec.lifecycle.protection import Protection
from callrec.lifecycle.purge import Purge
from callrec.manifest import AudioFacts, Manifest, Placement, Software
from callrec.model.access import Caller, Through
from callrec.model.office import Extension, Facility
from callrec.model.requests import RequestKind
from callrec.settings import CatalogueSettings, Settings, SpoolSettings
from tests.unit.bench import TOKYO
from tests.unit.fakes import LockingStore
from tests.unit.samples import DECISION, captured_call

DAY = timedelta(days=1)
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"k" * 32))
OTHER = SigningKey(Ed25519PrivateKey.from_private_bytes(b"o" * 32))
WHO: dict[str, Any] = {"who": "test", "at": datetime(2026, 11, 1, tzinfo=UTC)}
BEGIN = datetime.now(UTC).replace(microsecond=0) - 10 * DAY
REBUILT = (
    "calls", "participants", "call_facilities", "recordings", "notes", "holds", "requests",
    "request_recordings", "copies", "destructions",
)  # fmt: skip
"""The tables that the bucket has to make again."""


class Keys:
    """The keys of callrec."""

    public = PublicKeyRing({KEY.key_id: KEY.public_key})

    def signer(self) -> SigningKey:
        return KEY


class Bucket(LockingStore):
    """A bucket in memory from which purge can delete too."""

    def versions_of(self, key: str) -> list[StoredVersion]:
        return [StoredVersion(str(number)) for number in range(len(self.versions.get(key, ())))]

    def remove(self, key: str, version: str) -> None:
        self.versions.pop(key)

    def is_there(self, key: str, version: str | None) -> bool:
        return key in self.versions


class Removal:
    """The same bucket, by the keys of purge."""

    def __init__(self, bucket: Bucket) -> None:
        self.versions, self.remove, self.is_there = bucket.versions_of, bucket.remove, bucket.is_there
        self.listed, self.read = bucket.listed, bucket.read

    def time(self) -> datetime:
        return datetime.now(UTC)


class Clock(App):
    """An app whose clock goes by one second each time, so that all that is done can be told apart."""

    moment = datetime.now(UTC) + timedelta(hours=1)

    @property
    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@dataclass
class Office:
    """A desk with a bucket, in which recordings are."""

    app: Clock
    bucket: Bucket
    tmp: Path
    empty: Path
    recordings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        here = self.app.__dict__
        here["store"], here["keys"] = self.bucket, Keys()
        here["protection"] = Protection(lambda: self.bucket, "governance", DAY)
        here["outbox"] = self._outbox(self.app.database)

    def fill(self) -> None:
        """Gives it facilities, and archives four recordings of three calls."""
        _configure(self.app.database)
        self.recordings = [self.archive(number) for number in range(3)]
        self.recordings.append(self.archive(3, call=self.call_of(self.recordings[2])))

    def _outbox(self, database: Database) -> Outbox:
        return Outbox(database, lambda: self.bucket, Keys, locks=True, shortest_lock=DAY)

    def archive(self, number: int, **changes: Any) -> str:
        """Puts a recording into bucket and catalogue, as an archiver does; its id."""
        made = _manifest(number, **changes)
        data = manifest.write(manifest.sign(made, KEY))
        key = object_key(made, TOKYO)
        for name, content in ((key, b"flac"), (f"{key.removesuffix('.flac')}.manifest.json", data)):
            self.bucket.put_bytes(name, content, "", datetime.now(UTC) + DAY)
        said: dict[str, Any] = {
            "key": key,
            "version": "0",
            "manifest_version": "0",
            "manifest_sha256": _sha256(data),
        }
        with self.app.database.begin() as connection:
            calls.save_recording(
                connection,
                manifest.read(data),
                key=key,
                manifest_sha256=_sha256(data),
                versions=Versions("0", "0"),
            )
            statements.enter(
                connection, made.recording_id, "archived", who="callrec", at=self.app.now, **said
            )
        return made.recording_id

    def call_of(self, id_: str) -> str:
        with self.app.database.read() as connection:
            found = calls.find_recording(connection, id_)
        assert found
        return found.call_id

    def key_of(self, id_: str) -> str:
        with self.app.database.read() as connection:
            found = calls.find_recording(connection, id_)
        assert found
        return found.key

    def ask(self, who: str, wanted: Operation[..., Any], *args: Any) -> Any:
        """Does it directly, as somebody; a refusal is as good as anything."""
        found = perform(wanted, self.app, Caller(who, frozenset(), Through.DIRECT), *args)
        return list(found) if isinstance(found, Iterator) else found

    def purge(self) -> None:
        """Destroys what is past its time, a hundred days later."""
        later = self.app.now + 100 * DAY
        removal: Any = Removal(self.bucket)
        tombstones = BucketTombstones(self.app.outbox, removal, Keys.public)
        work = Purge(self.app.database, removal, tombstones, "purger", lambda: later)
        list(work.destroy(work.verdicts()))

    def another(self) -> Database:
        """An empty catalogue, with the office's configuration."""
        path = self.tmp / f"{ids.new()}.db"
        shutil.copy(self.empty, path)
        made = Database(f"sqlite:///{path}")
        _configure(made)
        return made

    def rebuilding(self, database: Database) -> Rebuilding:
        return Rebuilding(
            database, self.bucket, Keys.public, who="root", clock=lambda: self.app.now, zone=TOKYO
        )

    def rebuilt(self) -> Database:
        """Another catalogue, made of the bucket."""
        made = self.another()
        assert flat(self.rebuilding(made).rebuild()) == []
        return made


def _configure(database: Database) -> None:
    with database.begin() as connection:
        for code, number in (("shiba", "2101"), ("azabu", "2201")):
            facilities.add_facility(connection, Facility(code, code), **WHO)
            facilities.add_extension(connection, Extension(number, code), **WHO)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _manifest(number: int, **changes: Any) -> Manifest:
    began = BEGIN + timedelta(hours=number)
    end = began + timedelta(seconds=12)
    call = {"id": changes.pop("call", None) or ids.new(), "started_at": began, "ended_at": end}
    call["decision"] = replace(DECISION, retain_days=30)
    if number == 1:
        call["incident"] = True
    found = captured_call(recording_id=ids.new(), started_at=began, ended_at=end, call=call)
    return Manifest(
        manifest.SCHEMA,
        found.capture.recording_id,
        "芝",
        found.call,
        found.capture,
        (Placement(1, 0.0, 10.0),),
        AudioFacts("FLAC", 8000, 2, 80_000, "a" * 64, f"{number:064}", 4),
        ("external party", "staff"),
        found.call.incident,
        end + 30 * DAY,
        Software("0", "22", "1"),
        end,
        facilities=("azabu", "shiba"),
    )


def flat(found: Iterator[list[Finding]]) -> list[Finding]:
    """All that was found, once it is done."""
    return [each for some in found for each in some]


def do(office: Office, step: tuple[Any, ...]) -> None:
    """Does one step; what is refused changes nothing."""
    name, *args = step
    number = next((each["number"] for each in reversed(rows(office.app.database, "requests"))), "2026-0001")
    id_ = [office.recordings[args[0]]] if args and type(args[0]) is int else []
    copies = [each["id"] for each in rows(office.app.database, "copies")] or ["0"]
    what: dict[str, Callable[[], Any]] = {
        "hold": lambda: office.ask("a", keeping.add_holds, id_, args[1], number if args[2] else None),
        "release": lambda: office.ask("a", keeping.release_holds, id_, args[1], number if args[2] else None),
        "retain": lambda: office.ask("a", keeping.retain, id_, office.app.now + args[1] * DAY, "苦情"),
        "mark": lambda: office.ask("a", keeping.mark_incidents, id_, "報告"),
        "clear": lambda: office.ask("a", keeping.clear_incidents, id_, "誤り"),
        "note": lambda: office.ask("a", keeping.add_note, id_[0], args[1]),
        "open": lambda: office.ask(
            "a", requests.open_request, RequestKind.POLICE, "警察", "", date(2099, 1, 1) if args[0] else None
        ),
        "approve": lambda: office.ask("b", requests.approve_request, number),
        "refuse": lambda: office.ask("b", requests.refuse_request, number, "理由"),
        "close": lambda: office.ask("a", requests.close_request, number),
        "add": lambda: office.ask("a", requests.add_to_request, number, id_),
        "hand over": lambda: office.ask("a", requests.hand_over, number, "警察", "USB"),
        "withdraw": lambda: office.ask("a", requests.withdraw_copy, number, copies[-1], "誤り"),
        "return": lambda: office.ask("a", requests.return_copies, number),
    }
    with suppress(CallrecError):
        what[name]()


def rows(database: Database, table: str) -> list[dict[str, Any]]:
    """All rows of a table, in an order of their own."""
    with database.read() as connection:
        found = [row._asdict() for row in connection.execute(sa.select(tables.metadata.tables[table]))]
    return sorted(found, key=str)


@contextmanager
def made(tmp_path: Path, empty_catalogue: Path) -> Iterator[Office]:
    """An office of its own."""
    with _opened(tmp_path, empty_catalogue, empty_catalogue, Bucket()) as office:
        office.fill()
        yield office


@contextmanager
def copied(office: Office, tmp_path: Path) -> Iterator[Office]:
    """Another office in which the same was done; the first one must not be in use."""
    source = office.app.database.file
    assert source
    with _opened(tmp_path, source, office.empty, deepcopy(office.bucket)) as other:
        other.recordings, other.app.moment = list(office.recordings), office.app.moment
        yield other


@contextmanager
def _opened(tmp_path: Path, source: Path, empty: Path, bucket: Bucket) -> Iterator[Office]:
    path = tmp_path / f"{ids.new()}.db"
    shutil.copy(source, path)
    spool = SpoolSettings(directory=path.with_suffix(".spool"))
    app = Clock(Settings(catalogue=CatalogueSettings(url=f"sqlite:///{path}"), spool=spool))
    try:
        yield Office(app, bucket, tmp_path, empty)
    finally:
        app.close()
