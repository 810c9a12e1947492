"""The units under systemd: ready when they work, confined as shipped, started again where they hang."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.machine import Machine, booted
from tests.integration.people import People
from tests.integration.system import SystemUnderTest, eventually

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)


@pytest.fixture
def machine(system: SystemUnderTest, people: People) -> Iterator[Machine]:
    """A machine that runs callrec in place of the system's own processes."""
    system.wait_until_clean()
    demo = system.demo
    assert demo.controller is not None and demo.desk is not None
    demo.controller.stop()
    demo.desk.stop()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="callrec-machine-") as folder,
            booted(Path(folder), system, people, watchdog=5) as made,
        ):
            yield made
    finally:
        demo.start_controller()
        demo.start_desk()


def test_the_services_work_as_they_are_confined(machine: Machine, system: SystemUnderTest) -> None:
    machine.start("callrec.service")
    machine.start("callrec-desk.service")
    kept = system.record_call("0312340113")

    told = machine.callrec("log", kept.id, "--json")
    assert told.returncode == 0, told.stderr
    steps = [line["event"] for line in json.loads(told.stdout)]
    wanted = ["answered", "decided", "record", "recording", "over", "to be archived", "archived"]
    assert [step for step in wanted if step in steps] == wanted
    assert steps.index("answered") < steps.index("recording") < steps.index("archived")
    assert "12340113" not in told.stdout, "numbers are not in the log unless it is asked for them"

    first = machine.pid("callrec.service")
    machine.send("callrec.service", signal.SIGSTOP)  # says nothing any more
    eventually(lambda: machine.pid("callrec.service") not in (0, first) or None, 60, "another start")
    eventually(
        lambda: machine.ask("systemctl", "is-active", "callrec.service").returncode == 0 or None,
        60,
        "the controller",
    )
    assert system.record_call("0312340114").id
