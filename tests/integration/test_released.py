"""The program as it is released: without a checkout it has all it needs, and it records a call."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
import soundfile

from callrec import __version__
from callrec.demo.pbx import PbxPorts
from callrec.demo.softphones import Switchboard
from callrec.demo.system import DemoSystem
from callrec.resources import shipped
from tests.integration.released import bare, installed
from tests.integration.system import Sound, SystemUnderTest, talk_for
from tests.listen import hears, hears_no, likeness, voiced

CALLER_HZ, STAFF_HZ = 500.0, 1000.0


@pytest.fixture(scope="module")
def program(scratch: Path) -> Iterator[Path]:
    """The program, installed from the archive without a network."""
    folder = scratch / "released"
    folder.mkdir()
    yield installed(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def system(program: Path, scratch: Path) -> Iterator[SystemUnderTest]:
    """A system whose controller and desk are the released program's, and do not see the checkout."""
    words = ("env", "--ignore-environment", "--chdir=/", f"PATH={os.environ['PATH']}", str(program))
    home = scratch / "with-released"
    with (
        DemoSystem(home, ports=PbxPorts.free(), program=words) as demo,
        Switchboard("127.0.0.1", demo.pbx.ports.sip) as switchboard,
    ):
        yield SystemUnderTest(demo, switchboard)


def _told(system: SystemUnderTest, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the released program against the system, outside the checkout."""
    command = [*system.demo.program, "--config", str(system.demo.config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_call_is_recorded_with_it(system: SystemUnderTest, program: Path, begin: datetime) -> None:
    run = Path(f"/proc/{system.controller.pid}/exe").parent / "environ"
    assert b"PYTHONPATH" not in run.read_bytes()
    assert str(program) in (run.parent / "cmdline").read_text().split("\0"), (
        "it is the released one that watches"
    )
    with system.rule("automatic", announce="before-connect"):
        caller = system.caller("0312345678").dial("2101", Sound(CALLER_HZ))
        staff = system.phone("2101").wait_ring()
        spoken = soundfile.read(system.app.library.directory / "ja/notice.wav", dtype="int16")[0]
        assert likeness(voiced(spoken), caller.heard()) > 0.9, "announced"
        staff.sound = Sound(STAFF_HZ)
        staff.answer()
        talk_for([staff, caller], 2.0)
        caller.hangup()
        kept = system.recording_of("+81312345678", begin).recording
    assert kept
    heard = system.listen(kept)
    assert hears(heard.external, heard.rate, CALLER_HZ) and hears_no(heard.external, heard.rate, STAFF_HZ)
    assert hears(heard.staff, heard.rate, STAFF_HZ) and hears_no(heard.staff, heard.rate, CALLER_HZ)
    assert system.manifest(kept)["software"]["callrec"] == __version__

    verified = _told(system, "verify", "--all", "--json")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert [each["ok"] for each in json.loads(verified.stdout) if each["id"] == kept.id] == [True]
    doctor = _told(system, "doctor")
    assert (doctor.returncode, doctor.stderr) == (0, ""), doctor.stdout


def test_it_needs_no_checkout(program: Path, tmp_path: Path) -> None:
    """Migrations, announcements and the PBX's files come with it; what does not is said in one line."""
    config = str(tmp_path / "callrec.toml")
    catalogue = tmp_path / "catalogue.db"
    home = {"HOME": str(tmp_path), "CALLREC_SPOOL__DIRECTORY": str(tmp_path / "spool")}
    made = bare(
        *(str(program), "--config", config, "init", "--non-interactive"),
        *("--database-url", f"sqlite:///{catalogue}"),
        **home,
    )
    assert made.returncode == 0, made.stderr
    with closing(sqlite3.connect(catalogue)) as database:
        ((latest,),) = database.execute("select version_num from alembic_version")
    assert latest == max(each.name for each in shipped("migrations/versions").glob("[0-9]*.py"))[:4]

    prompts = bare(str(program), "--config", config, "prompt", "list", "--json", **home)
    assert {"notice", "recorded"} <= {each["name"] for each in json.loads(prompts.stdout)}
    own = tmp_path / "own.wav"
    spoken = bare(
        str(program), "--config", config, "prompt", "make", "--text", "録音します。", "-o", str(own)
    )
    assert spoken.returncode == 0 and own.stat().st_size > 8000, spoken.stderr
    keys = bare(str(program), "--config", config, "pbx", "config", "-o", str(tmp_path), **home)
    assert keys.returncode == 0 and (tmp_path / "features.conf").exists(), keys.stderr
    demo = bare(str(program), "demo", **home)
    assert (demo.returncode, demo.stderr.count("\n")) == (3, 1) and "callrec[demo]" in demo.stderr
