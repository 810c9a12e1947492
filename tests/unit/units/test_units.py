"""The units for systemd: what systemd itself says of them, and what they give to whom."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

import callrec
from callrec.settings import Settings

UNITS = Path(callrec.__file__).parent / "units"
SERVICES = sorted(UNITS.glob("*.service"))


def _read(path: Path) -> ConfigParser:
    found = ConfigParser(interpolation=None, strict=False)
    found.optionxform = str  # type: ignore[method-assign,assignment]
    found.read(path, "utf-8")
    return found


def test_systemd_has_nothing_to_say_of_them(tmp_path: Path) -> None:
    for unit in UNITS.iterdir():
        text = unit.read_text("utf-8").replace("/opt/callrec/bin/callrec", sys.executable)
        (tmp_path / unit.name).write_text(text.replace("User=callrec", "User=root"), "utf-8")
    names = [str(tmp_path / unit.name) for unit in UNITS.iterdir()]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True, check=False
    )
    assert not [line for line in done.stderr.splitlines() if "callrec-" in line], done.stderr


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_each_runs_a_command_as_callrec(path: Path) -> None:
    service = _read(path)["Service"]
    program, command = service["ExecStart"].split()
    assert program == "/opt/callrec/bin/callrec" and f"callrec-{command}" == path.stem
    assert service["User"] == "callrec" and service["UMask"] == "0077"


def test_the_purge_alone_is_given_its_keys() -> None:
    texts = {path.stem: path.read_text("utf-8") for path in SERVICES}
    assert [name for name, text in texts.items() if "destruction." in text] == ["callrec-purge"]
    assert "LoadCredential=destruction.access_key:" in texts["callrec-purge"]
    assert "LoadCredential=destruction.secret_key:" in texts["callrec-purge"]


def test_the_timer_is_daily_and_makes_up_for_what_was_missed() -> None:
    timer = _read(UNITS / "callrec-purge.timer")["Timer"]
    assert timer["OnCalendar"].startswith("*-*-* ") and timer["Persistent"] == "true"


def test_the_desk_has_the_folder_of_its_socket() -> None:
    service = _read(UNITS / "callrec-desk.service")["Service"]
    folder = Path("/run", service["RuntimeDirectory"])
    assert Settings().desk.socket.parent == folder and service["RuntimeDirectoryMode"] == "0755"
