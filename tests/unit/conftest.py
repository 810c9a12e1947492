"""A real SQLite database for unit tests, and an archiver on top of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog

from callrec.app import App
from callrec.archive.archiver import Archiver
from callrec.archive.discarder import Discarder
from callrec.catalogue.database import Database
from callrec.errors import PbxUnreachable
from callrec.model.captures import Track
from callrec.resources import shipped
from callrec.settings import CatalogueSettings, PromptSettings, Settings, SpoolSettings
from callrec.spool.directory import Spool
from callrec.spool.recording_builder import Spooler
from callrec.spool.tracks import Tracks
from tests.unit.fakes import MemoryStore
from tests.unit.program import Done
from tests.unit.samples import CALL_ID, END, RECORDING_ID, START, draft, part
from tests.unit.wave import tone, write_wav

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """`callrec serve` sets logging up for its process, which here is that of all tests."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def database(tmp_path: Path, empty_catalogue: Path) -> Iterator[Database]:
    shutil.copy(empty_catalogue, tmp_path / "catalogue.db")
    made = Database(f"sqlite:///{tmp_path}/catalogue.db")
    yield made
    made.close()


@pytest.fixture
def app(tmp_path: Path, empty_catalogue: Path) -> Iterator[App]:
    """An app with an empty catalogue, a spool, and the shipped announcements."""
    shutil.copytree(shipped("prompts"), tmp_path / "prompts")
    shutil.copy(empty_catalogue, tmp_path / "c.db")
    made = App(
        Settings(
            catalogue=CatalogueSettings(url=f"sqlite:///{tmp_path}/c.db"),
            spool=SpoolSettings(directory=tmp_path / "spool"),
            prompts=PromptSettings(directory=tmp_path / "prompts"),
        )
    )
    yield made
    made.database.close()


@pytest.fixture
def shiba(office: Callable[..., Done]) -> Callable[..., Done]:
    """An office with a facility, an extension, and a queue."""
    assert office("facility", "add", "shiba", "--name", "芝地区総合支所").code == 0
    assert office("extension", "add", "2101", "--facility", "shiba", "--name", "窓口1").code == 0
    assert office("extension", "add", "6000", "--facility", "shiba", "--service").code == 0
    return office


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
    spooler: Spooler
    tracks: Tracks
    clock: Clock
    away: set[str]
    deleted: list[str]

    def later(self, seconds: float = 60.0) -> None:
        """Time goes by, and the archiver has worked."""
        self.clock.now += seconds
        self.archiver.work()

    def captured(self, **changes: Any) -> None:
        """A capture that is over; its tracks are on the PBX."""
        self.track("callrec/r-1-in", 500)
        self.track("callrec/r-1-out", 1000)
        self.spool.hand_over(draft(**changes))

    def captured_too(self) -> str:
        """A second one, of another call; its id is the later one."""
        id_ = RECORDING_ID[:-1] + "2"
        tracks = [Track(f"callrec/s-1-{side}", START, END) for side in ("in", "out")]
        for track in tracks:
            self.track(track.name, 500)
        parts = (part(external=tracks[0], staff=tracks[1]),)
        self.spool.hand_over(draft(recording_id=id_, parts=parts, call={"id": CALL_ID[:-1] + "b"}))
        return id_

    def track(self, name: str, hertz: float, seconds: float = 10.0) -> None:
        path = self.pbx / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, tone(hertz, seconds))


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> Bench:
    return make_bench(tmp_path, database)


def make_bench(tmp_path: Path, database: Database, store: MemoryStore | None = None) -> Bench:
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

    tracks = Tracks(spool, fetch, answer, clock)
    spooler = Spooler(spool, tracks, lambda code: f"name of {code}", answer, TOKYO)
    discarder = Discarder(spool, database, delete)
    archiver = Archiver(
        spool, tracks, spooler, store, database, delete, discarder, TOKYO, locked=True, clock=clock
    )
    return Bench(pbx, spool, store, database, archiver, spooler, tracks, clock, away, deleted)
