"""A desk in a thread of the test's process, on a real socket; and the program as somebody who asks it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from callrec import account
from callrec.app import App
from callrec.catalogue import custody, grants
from callrec.desk.client import RemoteDesk
from callrec.desk.server import DeskServer
from callrec.model.access import Role
from tests.unit.program import Done


def server_at(app: App, socket: Path) -> DeskServer:
    """A desk that soon ends when it is told to."""
    server = DeskServer(app, socket)
    server._server.expiration_interval = 0.02  # it looks whether it is to stop after each
    return server


@contextmanager
def running(app: App, socket: Path) -> Iterator[DeskServer]:
    """Runs the desk of an app at a socket. The app stays open afterwards."""
    server = server_at(app, socket)
    server.prepare()
    thread = Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


@contextmanager
def serving(app: App, socket: Path) -> Iterator[Path]:
    """Does as `running`, and yields the path."""
    with running(app, socket):
        yield socket


class ThroughDesk:
    """Runs the program as somebody who asks the desk: the account of the tests, with roles that are given."""

    def __init__(self, app: App, socket: Path, run: Callable[..., Done]) -> None:
        self.app, self.remote = app, RemoteDesk(socket)
        self._socket, self._run = socket, run

    def __call__(self, *arguments: str) -> Done:
        return self._run("--desk", str(self._socket), *arguments)

    def grant(self, *roles: Role, facilities: Sequence[str] = ()) -> None:
        """Gives the account of the tests roles, for these facilities, or for all."""
        with self.app.database.begin() as connection:
            for role in roles:
                grants.grant(
                    connection, account.name_of(os.getuid()), role, facilities, by="tester", at=self.app.now
                )

    def refusals(self) -> int:
        """Returns how often the custody log has that somebody was refused."""
        with self.app.database.read() as connection:
            return sum(each.action == "refused" for each in custody.of(connection, ""))
