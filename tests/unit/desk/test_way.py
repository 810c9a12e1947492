"""Which way a command takes, to callrec.toml or to a desk: by an account for which files can be closed."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from callrec import places
from callrec.desk import way
from tests.unit.program import Done

SOMEBODY = 65534
"""An account without rights, where the tests run as root, for whom nothing is closed."""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that everybody reaches, in which everything is looked for: `here`, `etc`, `run`."""
    made = Path(tempfile.mkdtemp(prefix="callrec-way-"))
    for each in (made, made / "here", made / "etc", made / "run"):
        each.mkdir(exist_ok=True)
        each.chmod(0o755)
    for variable in ("CALLREC_CONFIG", "CALLREC_DESK"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(places, "DESK_SOCKET", made / "run/desk.sock")
    monkeypatch.setattr(places, "CONFIGURATION", (Path("callrec.toml"), made / "etc/callrec.toml"))
    monkeypatch.chdir(made / "here")
    yield made
    for each in made.iterdir():
        each.chmod(0o700)
    shutil.rmtree(made)


def way_of_somebody(config: Path | None = None, desk: Path | None = None) -> Path | None:
    """The way that is taken by who said this as --config and --desk."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(SOMEBODY)
    try:
        return way.socket_to_use(str(config) if config else None, str(desk) if desk else None)
    finally:
        if root:
            os.seteuid(0)


def write(path: Path, *, closed: bool = False) -> Path:
    path.write_text("")
    path.chmod(0o000 if closed else 0o644)
    return path


def listen(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
    return path


def test_without_anything_there_is_no_desk(folder: Path) -> None:
    assert way_of_somebody() is None


def test_a_configuration_that_can_be_read_is_used_though_a_desk_is_there(folder: Path) -> None:
    listen(folder / "run/desk.sock")
    for place in ("etc", "here"):
        write(folder / place / "callrec.toml")
        assert way_of_somebody() is None


def test_without_a_configuration_the_usual_desk_is_asked(folder: Path) -> None:
    assert way_of_somebody() is None
    usual = listen(folder / "run/desk.sock")
    assert way_of_somebody() == usual


@pytest.mark.parametrize("there", [False, True])
def test_who_must_not_read_the_configuration_goes_to_the_desk(folder: Path, there: bool) -> None:
    """Also where no desk is there: it will be said that it does not answer."""
    write(folder / "etc/callrec.toml", closed=True)
    if there:
        listen(folder / "run/desk.sock")
    assert way_of_somebody() == folder / "run/desk.sock"


@pytest.mark.parametrize("closed", ["etc", "run"])
def test_who_must_not_look_into_a_folder_goes_to_the_desk(folder: Path, closed: str) -> None:
    (folder / closed).chmod(0o700)
    assert way_of_somebody() == folder / "run/desk.sock"


def test_a_closed_folder_in_which_somebody_stands_hides_nothing(folder: Path) -> None:
    """Such as root's home, where `sudo -u callrec callrec …` was typed."""
    write(folder / "etc/callrec.toml")
    (folder / "here").chmod(0o700)
    assert way_of_somebody() is None


def test_the_configuration_here_goes_before_that_of_the_machine(folder: Path) -> None:
    write(folder / "etc/callrec.toml", closed=True)
    write(folder / "here/callrec.toml")
    assert way_of_somebody() is None


@pytest.mark.parametrize("config", ["none", "open", "closed", "not there"])
def test_a_desk_that_is_named_is_asked_in_any_case(folder: Path, config: str) -> None:
    path = folder / "etc/other.toml"
    if config in ("open", "closed"):
        write(path, closed=config == "closed")
    desk = folder / "run/other.sock"
    assert way_of_somebody(None if config == "none" else path, desk) == desk


def test_a_desk_in_the_environment_goes_before_a_configuration_that_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "etc/callrec.toml")
    monkeypatch.setenv("CALLREC_DESK", "/run/other.sock")
    assert way_of_somebody() == Path("/run/other.sock")
    monkeypatch.setenv("CALLREC_CONFIG", str(folder / "etc/callrec.toml"))
    assert way_of_somebody() == Path("/run/other.sock")


def test_a_configuration_that_is_named_goes_before_a_desk_in_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLREC_DESK", "/run/other.sock")
    assert way_of_somebody(write(folder / "etc/callrec.toml")) is None
    assert way_of_somebody(write(folder / "etc/closed.toml", closed=True)) == Path("/run/other.sock")
    assert way_of_somebody(folder / "etc/nothing.toml") is None


def test_a_desk_named_by_the_option_goes_before_that_of_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLREC_DESK", "/run/other.sock")
    assert way_of_somebody(desk=Path("/run/one.sock")) == Path("/run/one.sock")


def test_the_program_takes_the_way_that_is_named(
    run: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLREC_DESK", str(tmp_path / "b.sock"))
    assert "a.sock" in run("--desk", str(tmp_path / "a.sock"), "facility", "list").complaint
    assert "b.sock" in run("facility", "list").complaint
    assert "c.toml" in run("--config", str(tmp_path / "c.toml"), "facility", "list").complaint
