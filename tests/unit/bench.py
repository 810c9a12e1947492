"""An archiver with a PBX that is a folder of tracks, and a store in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callrec.archive.archiver import Archiver
from callrec.archive.deposit import Deposit
from callrec.archive.discarder import Discarder
from callrec.archive.endings import Endings
from callrec.archive.manifests import archived_manifest
from callrec.archive.recordings import Recordings
from callrec.archive.rows import CallRows
from callrec.catalogue import calls, rules
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Database
from callrec.errors import NotFound, PbxUnreachable
from callrec.evidence.key_record import SCHEMA
from callrec.evidence.keys import SigningKey
from callrec.manifest import ClockState, Manifest, RuleText, read
from callrec.model.calls import Announcement, CallRecord
from callrec.model.captures import Track
from callrec.model.rules import Decision
from callrec.resources import shipped
from callrec.rulebook.office_file import rule_text
from callrec.signing import signed
from callrec.spool.directory import Spool
from callrec.spool.recording_builder import RecordingBuilder
from callrec.spool.tracks import Tracks
from tests.unit.fakes import MemoryStore
from tests.unit.samples import CALL_ID, END, RECORDING_ID, START, captured_call, segment
from tests.unit.wave import tone, write_wav

PROMPTS = shipped("prompts")
TOKYO = ZoneInfo("Asia/Tokyo")


@dataclass
class Clock:
    """A monotonic clock that goes when it is told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Bench:
    """An archiver with a PBX that is a folder of tracks, and a store in memory."""

    pbx: Path
    spool: Spool
    store: MemoryStore
    database: Database
    archiver: Archiver
    recordings: Recordings
    builder: RecordingBuilder
    tracks: Tracks
    clock: Clock
    away: set[str]
    deleted: list[str]
    deposit: Deposit
    endings: Endings
    discarder: Discarder

    def later(self, seconds: float = 60.0) -> None:
        """Time goes by, and the archiver has worked."""
        self.clock.now += seconds
        self.archiver.work()

    def manifest(self, kept: ArchivedRecording | None) -> Manifest:
        """The manifest of a recording, as it lies in the bucket."""
        assert kept
        return read(archived_manifest(self.store, kept))

    @contextmanager
    def running(self) -> Iterator[None]:
        """The archiver with all its lanes; it ends with the block."""
        thread = threading.Thread(target=self.archiver.run)
        thread.start()
        try:
            yield
        finally:
            self.archiver.stop()
            thread.join(60)
        assert not thread.is_alive()

    def captured(self, **changes: Any) -> None:
        """A capture that is over; its tracks are on the PBX."""
        self.track("callrec/r-1-external", 500)
        self.track("callrec/r-1-staff", 1000)
        self.spool.hand_over(captured_call(**changes))

    def captured_too(self) -> str:
        """A second one, of another call; its id is the later one."""
        id_ = RECORDING_ID[:-1] + "2"
        tracks = [Track(f"callrec/s-1-{side}", START, END) for side in ("external", "staff")]
        for track in tracks:
            self.track(track.name, 500)
        segments = (segment(external=tracks[0], staff=tracks[1]),)
        self.spool.hand_over(
            captured_call(recording_id=id_, segments=segments, call={"id": CALL_ID[:-1] + "b"})
        )
        return id_

    def track(self, name: str, hertz: float, seconds: float = 10.0) -> None:
        path = self.pbx / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, tone(hertz, seconds))


Preparation = Callable[[Bench], None]
BenchAfter = Callable[[Preparation], Bench]
"""Makes a bench on which something was done."""


class Sources:
    """What manifests say besides the call; `version` tells that of the PBX."""

    key = SigningKey(Ed25519PrivateKey.from_private_bytes(b"bench" + b"." * 27))

    def __init__(self, version: Callable[[], str], database: Database, key: SigningKey | None = None) -> None:
        self.pbx_version, self._database, self.key = version, database, key or self.key

    def facility_name(self, code: str) -> str:
        return f"name of {code}"

    def facilities(self, call: CallRecord) -> tuple[str, ...]:
        with self._database.read() as connection:
            return tuple(sorted(calls.facilities_of(connection, call)))

    def rule(self, decision: Decision) -> RuleText | None:
        if decision.rule is None or decision.version is None:
            return None
        key = (decision.rule, decision.version)
        with self._database.read() as connection:
            found = rules.versions(connection, [key]).get(key)
        return RuleText(*key, rule_text(found, TOKYO), found.changed_at, found.changed_by) if found else None

    def words(self, announcement: Announcement) -> str | None:
        return f"words of {announcement.prompt}"

    def prompt_file(self, announcement: Announcement) -> Path:
        found = PROMPTS / announcement.language / f"{announcement.prompt}.wav"
        if not found.exists():
            raise NotFound("there is no prompt {name}", name=announcement.prompt)
        return found

    def now(self) -> datetime:
        return datetime.now(UTC)

    def clocks(self) -> ClockState:
        return ClockState(START, True, 0.001, 0.0, 0.0)

    def signer(self) -> SigningKey:
        return self.key


def archive_one(bench: Bench) -> None:
    """Has one recording of ten seconds in the archive."""
    bench.captured()
    assert bench.archiver.archive(RECORDING_ID)


def archive_a_second(bench: Bench) -> None:
    """Has one recording of a second in the archive."""
    bench.track("callrec/r-1-external", 500, 1.0)
    bench.track("callrec/r-1-staff", 1000, 1.0)
    bench.spool.hand_over(captured_call())
    assert bench.archiver.archive(RECORDING_ID)


def believe(folder: Path) -> None:
    """Puts the record of the key that signs here into a folder of keys: what is signed is believed then."""
    key = Sources.key
    record = {"schema": SCHEMA, "public_key": key.public_pem().decode(), "previous": ""}
    folder.mkdir(exist_ok=True)
    made = {"created_at": START.isoformat(), "created_by": "test"}
    (folder / f"{key.key_id}.json").write_bytes(signed({**record, **made}, key))


def make_bench(
    tmp_path: Path,
    database: Database,
    store: Any = None,
    shortest_lock: timedelta = timedelta(days=1),
    key: SigningKey | None = None,
) -> Bench:
    pbx, spool, store = tmp_path / "pbx", Spool(tmp_path / "spool"), store or MemoryStore()
    deleted: list[str] = []
    away: set[str] = set()
    clock = Clock()

    def answer() -> str:
        if "pbx" in away:
            raise PbxUnreachable("the PBX is away")
        return "22.0"

    def fetch(name: str, target: Path) -> bool:
        if not (pbx / name).exists():
            return False
        target.write_bytes((pbx / name).read_bytes())
        return True

    def delete(name: str) -> None:
        deleted.append(name)
        (pbx / name).unlink(missing_ok=True)

    def has_others(_names: Iterable[str]) -> bool:
        return any(path.is_file() for path in pbx.rglob("*"))

    tracks = Tracks(spool, fetch, answer, has_others, clock)
    builder = RecordingBuilder(spool, tracks, Sources(answer, database, key), TOKYO)
    rows, discarder = CallRows(spool, database), Discarder(spool, database, delete)
    deposit = Deposit(store, locked=True, shortest_lock=shortest_lock)
    endings = Endings(spool, tracks, rows, discarder, delete)
    recordings = Recordings(spool, tracks, builder, deposit, database, rows, endings, TOKYO)
    archiver = Archiver(spool, builder, recordings, rows, discarder, clock)
    return Bench(
        pbx,
        spool,
        store,
        database,
        archiver,
        recordings,
        builder,
        tracks,
        clock,
        away,
        deleted,
        deposit,
        endings,
        discarder,
    )
