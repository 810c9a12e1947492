"""A real SQLite database for unit tests, and an archiver on top of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import structlog

from callrec.archive.archiver import Archiver
from callrec.catalogue.database import Database
from callrec.spool.box import Spool
from callrec.spool.spooler import Spooler
from tests.unit.fakes import MemoryStore
from tests.unit.wave import tone, write_wav

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """`callrec serve` sets logging up for its process, which here is that of all tests."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/catalogue.db")
    made.upgrade()
    yield made
    made.close()


@dataclass
class Bench:
    """An archiver with a PBX that is a folder of tracks, and a store in memory."""

    pbx: Path
    spool: Spool
    store: MemoryStore
    database: Database
    archiver: Archiver
    spooler: Spooler
    deleted: list[str] = field(default_factory=list)

    def track(self, name: str, hertz: float, seconds: float = 10.0) -> None:
        path = self.pbx / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, tone(hertz, seconds))


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> Bench:
    pbx, spool, store = tmp_path / "pbx", Spool(tmp_path / "spool"), MemoryStore()
    deleted: list[str] = []

    def fetch(name: str, target: Path) -> bool:
        if not (pbx / name).exists():
            return False
        target.write_bytes((pbx / name).read_bytes())
        return True

    def delete(name: str) -> None:
        deleted.append(name)
        (pbx / name).unlink(missing_ok=True)

    spooler = Spooler(spool, fetch, lambda code: f"name of {code}", lambda: "22.0", TOKYO)
    archiver = Archiver(spool, spooler, store, database, delete, TOKYO, locked=True)
    return Bench(pbx, spool, store, database, archiver, spooler, deleted)
