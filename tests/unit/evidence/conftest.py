"""What tests of this folder look at, made once: packages, and an archive to verify."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from callrec.catalogue.database import Database
from tests.edited_columns import prepare
from tests.unit.bench import make_bench
from tests.unit.evidence import packages
from tests.unit.evidence.verified import Place
from tests.unit.fakes import LockingStore, MemoryStore
from tests.unit.samples import RECORDING_ID


@pytest.fixture(scope="session")
def package_zip(tmp_path_factory: pytest.TempPathFactory, empty_catalogue: Path) -> Path:
    """The package of an eventful call."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copy(empty_catalogue, folder / "catalogue.db")
    database = Database(f"sqlite:///{folder}/catalogue.db")
    bench = make_bench(folder, database)
    packages.archive(bench)
    made = packages.package(bench, folder)
    database.close()
    return made


@pytest.fixture(scope="session")
def package_files(package_zip: Path) -> dict[str, bytes]:
    """The files of that package, by their names."""
    return packages.contents(package_zip)


@pytest.fixture(scope="module")
def verified_archive(
    tmp_path_factory: pytest.TempPathFactory, empty_catalogue: Path
) -> tuple[Path, MemoryStore]:
    """A catalogue and a bucket with one recording, made once."""
    folder = tmp_path_factory.mktemp("verified")
    shutil.copy(empty_catalogue, folder / "catalogue.db")
    database = Database(f"sqlite:///{folder}/catalogue.db")
    prepare(database)
    bench = make_bench(folder, database)
    bench.captured()
    assert bench.archiver.archive(RECORDING_ID)
    database.close()
    return folder / "catalogue.db", bench.store


@pytest.fixture
def place(verified_archive: tuple[Path, MemoryStore], tmp_path: Path) -> Iterator[Place]:
    shutil.copy(verified_archive[0], tmp_path / "catalogue.db")
    database = Database(f"sqlite:///{tmp_path}/catalogue.db")
    until = dict(verified_archive[1].until)
    store = LockingStore({key: list(each) for key, each in verified_archive[1].versions.items()}, until)
    store.locked = {(key, "0"): ("governance", each) for key, each in until.items()}
    yield Place(database, store)
    database.close()
