"""A real SQLite database for unit tests, and an archiver on top of it."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from callrec import settings_file
from callrec.app import App
from callrec.catalogue.database import Database
from callrec.resources import shipped
from callrec.settings import CatalogueSettings, PromptSettings, Settings, SpoolSettings
from tests.unit.bench import Bench, BenchAfter, Preparation, believe, make_bench
from tests.unit.desk.server_thread import ThroughDesk, serving
from tests.unit.program import SHIBA, Done

# Thousands of small tests in one process, which holds all the modules: every seventh second went to looking
# for garbage among them.
gc.disable()
gc.set_threshold(100_000, 20, 50)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


class _Compiled(dict[Any, Any]):
    """Statements as SQLAlchemy compiled them, for all SQLite databases: by itself it begins anew for each."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(key[1:], default)  # the first is the dialect

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__(key[1:], compiled)


_COMPILED = _Compiled()


@sa.event.listens_for(sa.Engine, "engine_connect")
def _share_compiled(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.execution_options(compiled_cache=_COMPILED)


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
    made.make_spool()
    yield made
    made.database.close()


@pytest.fixture
def shiba(office_after: Callable[..., Callable[..., Done]]) -> Callable[..., Done]:
    """An office with a facility, an extension, and a queue."""
    return office_after(*SHIBA)


@pytest.fixture
def through_desk(shiba: Callable[..., Done], tmp_path: Path) -> Iterator[ThroughDesk]:
    """The program as asked by somebody who goes through the desk of the office `shiba`, without any role."""
    made = App(settings_file.load(str(tmp_path / "callrec.toml")))
    with serving(made, tmp_path / "desk.sock") as socket:
        yield ThroughDesk(made, socket, shiba)
    made.close()


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> Bench:
    return make_bench(tmp_path, database)


@pytest.fixture(scope="session")
def benches(tmp_path_factory: pytest.TempPathFactory, empty_catalogue: Path) -> BenchAfter:
    """Benches on which something was done, of which nothing waits in the spool; each is made once."""

    @cache
    def made(prepare: Preparation) -> Bench:
        folder = tmp_path_factory.mktemp("bench")
        shutil.copy(empty_catalogue, folder / "catalogue.db")
        done = make_bench(folder, Database(f"sqlite:///{folder}/catalogue.db"))
        prepare(done)
        done.database.close()
        assert not done.spool.waiting()
        return done

    return made


@pytest.fixture
def bench_after(benches: BenchAfter, bench: Bench) -> BenchAfter:
    """Makes the bench be as another one on which something was done: a copy is quicker than to do it."""

    def made(prepare: Preparation) -> Bench:
        other = benches(prepare)
        assert other.database.file and bench.database.file
        bench.database.close()
        shutil.copy(other.database.file, bench.database.file)
        for source, target in ((other.pbx, bench.pbx), (other.spool.directory, bench.spool.directory)):
            shutil.copytree(source, target, dirs_exist_ok=True)
        bench.store.versions.update({key: list(each) for key, each in other.store.versions.items()})
        bench.store.until.update(other.store.until)
        bench.deleted.extend(other.deleted)
        return bench

    return made


@pytest.fixture
def archived_office(
    bench_after: BenchAfter,
    office: Callable[..., Done],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> BenchAfter:
    """Gives the office what a bench has in its archive on which something was done."""

    def made(prepare: Preparation) -> Bench:
        bench = bench_after(prepare)
        believe(tmp_path / "evidence")
        monkeypatch.setattr(App, "database", bench.database)
        monkeypatch.setattr(App, "store", bench.store)
        return bench

    return made
