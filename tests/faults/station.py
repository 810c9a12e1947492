"""A whole real system whose controller reaches every other part through a proxy."""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa

from callrec.demo.pbx import PbxPorts
from callrec.demo.system import DemoSystem
from tests.faults.far import FarHost
from tests.faults.proxy import Connect, Proxy, to_port, to_socket
from tests.faults.small_disk import SmallDisk

RING_SECONDS = 110
"""How long phones ring: longer than any fault lasts and is felt."""


class Station(DemoSystem):
    """The demo's parts. Tests reach them directly, the controller through `ari`, `ami`, `store` and, where
    it is PostgreSQL, `database`. With `far` the controller runs on that host, all other parts on this one.

    `before` are the words before the controller's command: where it runs, and by which clock.
    """

    def __init__(self, home: Path, database_url: str = "", far: FarHost | None = None) -> None:
        super().__init__(home, database_url=database_url, ports=PbxPorts.free())
        self.far, self._host = far, far.here if far else "127.0.0.1"
        self.ari, self.ami = self._proxy(to_port(self.ports.http)), self._proxy(to_port(self.ports.ami))
        self.database = self._proxy(_way_to(database_url)) if database_url else None
        self.store: Proxy | None = None
        self.before = far.inside if far else []
        self.disk = SmallDisk(self.home / "spool")
        """The spool is on a disk of its own, which can be full or away."""

    def start(self) -> None:
        self.disk.mount()
        super().start()
        self.pbx.cli(f"dialplan set global RING_SECONDS {RING_SECONDS}")

    def start_controller(self, *options: str) -> None:
        self.store = self.store or self._proxy(to_port(self.s3.port))
        super().start_controller(*options)

    def stop(self) -> None:
        super().stop()
        for proxy in (self.ari, self.ami, self.database, self.store):
            if proxy:
                proxy.__exit__(None, None, None)
        self.disk.unmount()

    def _proxy(self, connect: Connect) -> Proxy:
        return Proxy(connect, self._host)

    def command(self, *arguments: str) -> list[str]:
        """Returns the command line of the program against this system."""
        return [*super()._callrec(arguments[0]), *arguments[1:]]

    def _callrec(self, command: str) -> list[str]:
        usual = super()._callrec(command)
        if command != "serve":
            return usual
        variables = [f"CALLREC_{name}={value}" for name, value in self._variables().items()]
        return [*self.before, "env", *variables, *usual]

    def _variables(self) -> dict[str, str]:
        assert self.store
        found = {
            "PBX__ARI_URL": f"http://{self._host}:{self.ari.port}/ari",
            "PBX__AMI_HOST": self._host,
            "PBX__AMI_PORT": str(self.ami.port),
            "NETWORK__ALLOW_PLAIN_TEXT": "true",  # between two hosts in earnest it is not
            "ARCHIVE__ENDPOINT_URL": f"http://{self._host}:{self.store.port}",
        }
        if self.database:
            url = sa.make_url(self.database_url)
            through = url.set(host=self._host, port=self.database.port, query={})
            found["CATALOGUE__URL"] = through.render_as_string(hide_password=False)
        return found


def _way_to(database_url: str) -> Connect:
    """Returns the way to a PostgreSQL server, which listens on a socket in a folder or on a port."""
    url = sa.make_url(database_url)
    folder = url.query.get("host")
    port = url.port or 5432
    if isinstance(folder, str) and re.match("/", folder):
        return to_socket(f"{folder}/.s.PGSQL.{port}")
    return to_port(port)
