"""Once callrec watches the PBX it is ready: the first call pays for nothing that was put off until then."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from callrec.demo.processes import Child
from tests.example_lines import story, words
from tests.integration.system import SystemUnderTest

LOADED = "import time:"
"""What Python says of each module as it is loaded, where that is asked for."""
PLAN = "phonenumbers.data.region_"
"""The numbers of one country: loaded with the first that may be from there, which may be one of an earlier
call that is looked at meanwhile."""


def test_the_first_call_loads_no_module(system: SystemUnderTest) -> None:
    """From its gate to its recording in the archive, and the whole of a call's row in the catalogue."""
    with system.restarted_with(PYTHONPROFILEIMPORTTIME="1"):
        assert system.controller.log.read_text().count(LOADED) > 100, "it is told"
        begin = system.controller.log.stat().st_size
        system.record_call("0312345678")
        system.wait_until_clean()
        said = system.controller.log.read_bytes()[begin:].decode()
    loaded = [line for line in said.splitlines() if line.startswith(LOADED)]
    assert [line for line in loaded if PLAN not in line] == []


def test_the_controller_starts_as_its_example_says(system: SystemUnderTest, tmp_path: Path) -> None:
    ((_, line),) = story("serve")
    environment = {**os.environ, "CALLREC_CONFIG": str(system.demo.config)}
    system.controller.stop()
    child = Child(
        "callrec serve", [sys.executable, "-m", "callrec", *words(line, {})], tmp_path / "log", environment
    )
    try:
        child.wait_until(lambda: system.status().get("pid") == child.pid, 30, "its start")
        child.wait_until(lambda: bool(system.status().get("link_up")), 30, "its link with the PBX")
    finally:
        child.stop()
