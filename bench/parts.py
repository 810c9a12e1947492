"""Starts the demo's real parts for a benchmark: one system, gone afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.finding import SearchHit
from callrec.demo.pbx import PbxPorts
from callrec.demo.processes import Child
from callrec.demo.softphones import Switchboard
from callrec.demo.system import DemoSystem
from tests.integration.system import SystemUnderTest

ASTERISK_PRIORITY = 10
Figures = dict[str, list[float]]
"""What was measured, by name: one value each time."""


@contextmanager
def running_system() -> Iterator[SystemUnderTest]:
    """Gives a system of PBX, S3 server, database, controller and phones."""
    with running_demo() as demo, Switchboard("127.0.0.1", demo.pbx.ports.sip) as switchboard:
        yield SystemUnderTest(demo, switchboard)


@contextmanager
def running_demo() -> Iterator[DemoSystem]:
    """Gives the same without phones, for bench.phones: all calls to 2101 are recorded (its first rule)."""
    with (
        tempfile.TemporaryDirectory(prefix="callrec-bench-") as home,
        DemoSystem(Path(home), ports=PbxPorts.free()) as demo,
    ):
        yield demo


def let_go_first(child: Child) -> None:
    """Gives an Asterisk the priority that it has by its option -p, as the units of distributions start it.

    Without, a packet waits for whatever else the machine does. Where this is not allowed, it stays as it is.
    """
    with suppress(PermissionError):
        for thread in Path(f"/proc/{child.pid}/task").iterdir():
            os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(ASTERISK_PRIORITY))


def milliseconds(begin: datetime | None, end: datetime | None) -> float:
    assert begin and end
    return (end - begin).total_seconds() * 1000


def kept(found: SearchHit) -> ArchivedRecording:
    """Returns the recording of a call that has one."""
    assert found.recording
    return found.recording
