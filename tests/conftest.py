"""The program itself, run in this process."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog

from callrec import places
from callrec.catalogue.database import Database
from callrec.commands import main
from callrec.spool.directory import Spool
from tests.scheduling import ByDatabase
from tests.unit.program import Done

# How long it takes is the benchmarks' matter. What is tried is another each time, and `make unit
# ARGS=--hypothesis-profile=thorough` tries more at once.
hypothesis.settings.register_profile("callrec", deadline=None, max_examples=50)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("callrec")

# As in the Makefile: where it is set, every process that is started compiles all of callrec again, and pytest
# rewrites all tests each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByDatabase | None:
    # Not by marks and loadgroup: pytest 9.2 does not let xdist 3.8 write groups into the ids of tests.
    return ByDatabase(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    """The program narrows that of its process, which here is that of all tests."""
    os.umask(0o022)
    yield
    os.umask(0o022)


@pytest.fixture(autouse=True)
def _plain_logging() -> Iterator[None]:
    """Shows errors as plainly as `callrec serve` does: with frames and colours, a test takes half a second.

    `callrec serve` sets logging up for its process, which here is that of all tests.
    """
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    # Beside what the program prints, as `callrec serve` and `callrec desk` have it.
    factory = structlog.PrintLoggerFactory(sys.__stderr__)
    structlog.configure(processors=[structlog.processors.add_log_level, plain], logger_factory=factory)
    yield
    structlog.reset_defaults()


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """Runs the program in an empty folder, in English, on a machine without a desk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "DESK_SOCKET", tmp_path / "no/desk.sock")
    monkeypatch.setenv("CALLREC_LANG", "en")

    def call(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capsys.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return call


@pytest.fixture(scope="session")
def empty_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with nothing in it, made once: a copy is quicker than all the migrations."""
    path = tmp_path_factory.mktemp("empty") / "catalogue.db"
    made = Database(f"sqlite:///{path}")
    made.upgrade()
    made.close()
    return path


@pytest.fixture(scope="session")
def empty_office(tmp_path_factory: pytest.TempPathFactory, empty_catalogue: Path) -> Path:
    """A folder in which callrec init was called, made once; announcements are those that come with callrec,
    which nobody can add to: a copy of them for each test takes longer than most tests."""
    folder = tmp_path_factory.mktemp("office")
    shutil.copy(empty_catalogue, folder / "c.db")
    url = f"sqlite:///{folder}/c.db"
    _done(folder, "init", "--non-interactive", "--database-url", url, "--spool", str(folder / "spool"))
    settings = folder / "callrec.toml"
    shutil.rmtree(folder / "prompts")
    own = f'directory = "{folder}/prompts"'
    lines = settings.read_text("utf-8").splitlines()
    said = [line for line in lines if line and not line.startswith("#") and line != own]
    settings.write_text("\n".join([*said, ""]), "utf-8")
    return folder


@pytest.fixture(scope="session")
def offices(tmp_path_factory: pytest.TempPathFactory, empty_office: Path) -> Callable[..., Path]:
    """Folders in which some commands were called after callrec init, each made once: a copy is quicker."""

    @cache
    def made(*commands: tuple[str, ...]) -> Path:
        if not commands:
            return empty_office
        folder = tmp_path_factory.mktemp("office")
        _copy_office(made(*commands[:-1]), folder)
        _done(folder, *commands[-1])
        return folder

    return made


@pytest.fixture
def office_after(
    run: Callable[..., Done], tmp_path: Path, offices: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> Callable[..., Callable[..., Done]]:
    """Returns the program with a configuration and a database in which these commands were called."""

    def made(*commands: tuple[str, ...]) -> Callable[..., Done]:
        _copy_office(offices(*commands), tmp_path)
        capsys.readouterr()
        return run

    return made


@pytest.fixture
def office(office_after: Callable[..., Callable[..., Done]]) -> Callable[..., Done]:
    """The program with a configuration and an empty database."""
    return office_after()


def _copy_office(source: Path, folder: Path) -> None:
    shutil.copy(source / "c.db", folder)
    shutil.copytree(source / "evidence", folder / "evidence")
    Spool(folder / "spool")
    text = (source / "callrec.toml").read_text("utf-8")
    (folder / "callrec.toml").write_text(text.replace(str(source), str(folder)), "utf-8")


def _done(folder: Path, *command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--config", str(folder / "callrec.toml"), *command])
    assert not ended.value.code
