"""A system for the faults on each database, made when the first fault needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from callrec import settings_file
from tests.faults.rows import FaultRow
from tests.faults.small_disk import separate_mounts
from tests.faults.systems import whole_system
from tests.integration.system import SystemUnderTest


@pytest.fixture(scope="session", autouse=True)
def _own_mounts() -> None:
    """Whatever is mounted here goes with this process, also where it is killed."""
    separate_mounts()


@pytest.fixture(scope="session")
def made() -> Iterator[Callable[[str], SystemUnderTest]]:
    """Makes the system on a database when it is first asked for: one of each."""
    assert not settings_file.variables(), "unset the CALLREC_ variables first"
    systems: dict[str, SystemUnderTest] = {}
    with ExitStack() as stack:

        def make(kind: str) -> SystemUnderTest:
            if kind not in systems:
                systems[kind] = stack.enter_context(whole_system(kind))
            return systems[kind]

        yield make


@pytest.fixture
def system(made: Callable[[str], SystemUnderTest], row: FaultRow) -> Iterator[SystemUnderTest]:
    """The system on which a fault is tried. The next fault finds the controller at work and no call."""
    found = made(row.on)
    yield found
    found.hang_up_all()
    assert found.demo.controller
    if not found.demo.controller.running:
        found.demo.start_controller()
