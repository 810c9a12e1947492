"""The units for systemd: what systemd itself says of them, and what they give to whom."""

from __future__ import annotations

import atexit
import re
import shutil
import subprocess
import sys
import tempfile
from configparser import ConfigParser
from functools import cache
from pathlib import Path

import pytest

from callrec.commands import COMMANDS
from callrec.service import units
from callrec.settings import Settings

DOCS = Path(__file__).parents[3] / "docs"
CREDENTIALS = ("archive.secret_key", "destruction.access_key", "destruction.secret_key")


@cache
def _units() -> Path:
    """A folder with the units as they are installed on a machine of the usual kind."""
    folder = Path(tempfile.mkdtemp(prefix="callrec-units-"))
    atexit.register(shutil.rmtree, folder)
    for name in CREDENTIALS:
        (folder / "credentials").mkdir(exist_ok=True)
        (folder / "credentials" / name).touch()
    program, config = Path("/opt/callrec/bin/callrec"), Path("/etc/callrec/callrec.toml")
    place = units.Place(program, config, "callrec", Settings(), folder / "credentials")
    for name, text in units.filled(place).items():
        (folder / name).write_text(text, "utf-8")
    return folder


UNITS = _units()
SERVICES = sorted(UNITS.glob("*.service"))
TIMERS = sorted(UNITS.glob("*.timer"))
LONG = ["callrec", "callrec-desk"]
"""Those that run for as long as the machine does."""


def _read(path: Path) -> ConfigParser:
    found = ConfigParser(interpolation=None, strict=False)
    found.optionxform = str  # type: ignore[method-assign,assignment]
    found.read(path, "utf-8")
    return found


def test_systemd_has_nothing_to_say_of_them(tmp_path: Path) -> None:
    for unit in (*SERVICES, *TIMERS):
        text = unit.read_text("utf-8").replace("/opt/callrec/bin/callrec", sys.executable)
        (tmp_path / unit.name).write_text(text.replace("User=callrec", "User=root"), "utf-8")
    names = [str(tmp_path / unit.name) for unit in (*SERVICES, *TIMERS)]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True, check=False
    )
    assert not [line for line in done.stderr.splitlines() if "callrec" in line], done.stderr


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_each_runs_a_command_as_callrec(path: Path) -> None:
    service = _read(path)["Service"]
    program, command, *_ = service["ExecStart"].split()
    assert program == "/opt/callrec/bin/callrec" and command in COMMANDS
    assert path.stem == ("callrec" if command == "serve" else f"callrec-{command}")
    assert service["User"] == "callrec" and service["UMask"] == "0077"


@pytest.mark.parametrize("name", LONG)
def test_those_that_run_on_say_that_they_work_and_are_started_again(name: str) -> None:
    unit = _read(UNITS / f"{name}.service")
    service = unit["Service"]
    assert service["Type"] == "notify" and int(service["WatchdogSec"]) >= 10
    assert service["Restart"] == "always" and unit["Unit"]["StartLimitIntervalSec"] == "0"


def _exposure(path: Path) -> float:
    """Returns by how much systemd finds a unit exposed: 10 is everything, 0 nothing."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"exposure level for \S+: ([\d.]+)", said)
    assert found, said
    return float(found[1])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_documents_say_how_exposed_each_is(language: str) -> None:
    text = (DOCS / language / "operation.md").read_text("utf-8")
    for path in SERVICES:
        exposed = _exposure(path)
        assert exposed < 2 and f"| `{path.name}` | {exposed} |" in text


def test_the_desk_alone_sees_who_is_at_the_other_end() -> None:
    """In a user namespace of its own everybody else would be nobody."""
    private = {path.stem: "PrivateUsers" in _read(path)["Service"] for path in SERVICES}
    assert [name for name, set_ in private.items() if not set_] == ["callrec-desk"]


def test_the_purge_alone_is_given_its_keys() -> None:
    texts = {path.stem: path.read_text("utf-8") for path in SERVICES}
    assert [name for name, text in texts.items() if "destruction." in text] == ["callrec-purge"]
    assert "LoadCredential=destruction.access_key:" in texts["callrec-purge"]
    assert "LoadCredential=destruction.secret_key:" in texts["callrec-purge"]


@pytest.mark.parametrize("path", TIMERS, ids=lambda path: path.stem)
def test_a_timer_is_daily_and_makes_up_for_what_was_missed(path: Path) -> None:
    timer = _read(path)["Timer"]
    assert timer["OnCalendar"].startswith("*-*-* ") and timer["Persistent"] == "true"
    assert path.with_suffix(".service") in SERVICES


def test_the_desk_has_the_folder_of_its_socket() -> None:
    service = _read(UNITS / "callrec-desk.service")["Service"]
    folder = Path("/run", service["RuntimeDirectory"])
    assert Settings().desk.socket.parent == folder and service["RuntimeDirectoryMode"] == "0755"


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_each_may_write_where_the_settings_put_things(path: Path) -> None:
    """All else is read-only for it."""
    service, settings = _read(path)["Service"], Settings()
    state = Path("/var/lib", service["StateDirectory"])
    assert service["ProtectSystem"] == "strict"
    for used in (settings.spool.directory, settings.evidence.keys, Path(settings.catalogue.url[10:])):
        assert used.is_relative_to(state)
