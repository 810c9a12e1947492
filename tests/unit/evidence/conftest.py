"""Packages that tests of this folder look at, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from callrec.catalogue.database import Database
from tests.unit.bench import make_bench
from tests.unit.evidence import packages


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
