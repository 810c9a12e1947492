"""The PBX goes before whatever else this machine does where it may, and runs all the same where not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from callrec.demo.pbx import DemoPbx, PbxPorts
from callrec.doctor.priority import servers
from tests.integration.system import SystemUnderTest, eventually

WITHOUT = ("setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice", "--")


def may_be_realtime() -> bool:
    return subprocess.run(["chrt", "--rr", "10", "true"], check=False).returncode == 0


@pytest.mark.parametrize("system", ["sqlite"], indirect=True)
def test_it_goes_first_with_all_its_threads(system: SystemUnderTest) -> None:
    assert system.demo.pbx.child
    pid = system.demo.pbx.child.pid
    threads = [int(each.name) for each in Path(f"/proc/{pid}/task").iterdir()]
    wanted = os.SCHED_RR if may_be_realtime() else os.SCHED_OTHER
    assert {os.sched_getscheduler(each) for each in threads} == {wanted}
    assert pid in servers(), "doctor knows it by its name"


def test_where_it_may_not_it_starts_as_it_did(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = DemoPbx._command
    monkeypatch.setattr(DemoPbx, "_command", lambda pbx: [*WITHOUT, *command(pbx)])
    pbx = DemoPbx(scratch / "no-rights", PbxPorts.free())
    pbx.configure()
    pbx.start()
    try:
        assert pbx.child and os.sched_getscheduler(pbx.child.pid) == os.SCHED_OTHER
        assert eventually(lambda: pbx.cli("core show uptime"), what="an answer of its console")
    finally:
        pbx.stop()
