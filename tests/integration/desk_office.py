"""An office with a desk, and recordings in an archive, without a PBX."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from callrec import ids
from callrec.app import App
from callrec.archive.s3 import S3Store
from callrec.catalogue import facilities, finding, grants
from callrec.catalogue.calls import find_recording
from callrec.configuration import Answers, write_file
from callrec.demo.processes import Child
from callrec.demo.s3 import DemoS3
from callrec.demo.system import FACILITIES
from callrec.model.access import EVERYWHERE, Role
from callrec.model.calls import Participant
from callrec.model.captures import Track
from callrec.model.office import Extension, Facility
from callrec.settings_file import load
from tests.unit.bench import Bench, make_bench
from tests.unit.fakes import MemoryStore
from tests.unit.samples import captured_call, segment

START_SECONDS = 30.0
EXTENSIONS = {"shiba": "2101", "azabu": "2201"}
WHO: dict[str, Any] = {"who": "test", "at": datetime(2026, 11, 1, tzinfo=UTC)}


class DeskOffice:
    """Two facilities, three archived calls, and a desk that is a process of its own.

    `shiba` and `azabu` are the ids of the recordings of a call of each, `both` that of a call of shiba's
    which went on to azabu. Nobody has a role until `grant`.
    """

    def __init__(self, home: Path, url: str, s3: DemoS3) -> None:
        self.home, self.s3 = home, s3
        self.config, self.socket = home / "callrec.toml", home / "open/desk.sock"
        answers = Answers(
            database_url=url,
            spool=str(home / "spool"),
            s3_url=s3.endpoint_url,
            bucket=s3.bucket,
            access_key=s3.access_key,
            secret_key=s3.secret_key,
            desk_socket=str(self.socket),
        )
        write_file(self.config, answers)
        self.app = App(load(str(self.config)))
        self.app.database.upgrade()
        self.app.make_spool()
        with self.app.database.begin() as connection:
            for code, name in FACILITIES.items():
                facilities.add_facility(connection, Facility(code, name), **WHO)
                facilities.add_extension(connection, Extension(EXTENSIONS[code], code), **WHO)
        self.app.keys.first("test", self.app.now)
        store, key = cast(MemoryStore, self._store()), self.app.keys.signer()
        bench = make_bench(home / "bench", self.app.database, store, key=key)
        self.shiba, self.azabu = self._archived(bench, "shiba"), self._archived(bench, "azabu")
        self.both = self._archived(bench, "shiba", "azabu")

    @property
    def url(self) -> str:
        return self.app.settings.catalogue.url

    def grant(self, who: str, role: Role, *codes: str) -> None:
        """Gives a role to an account or ``@group`` by its name on this machine."""
        with self.app.database.begin() as connection:
            grants.grant(connection, who, role, codes, by="test", at=self.app.now)

    def start_desk(self, *, socket: Path | None = None, **settings: str) -> Child:
        """Starts a desk, with settings of its own as variables, and waits until it answers."""
        path = socket or self.socket
        command = [sys.executable, "-m", "callrec", "--config", str(self.config), "desk"]
        variables = {"CALLREC_DESK__SOCKET": str(path), **settings}
        desk = Child("callrec desk", command, self.log(path), {**os.environ, **variables})
        desk.wait_until(lambda: answers(path), START_SECONDS, "the start of the desk")
        return desk

    @contextmanager
    def database_away(self) -> Iterator[None]:
        """PostgreSQL lets nobody into the database, and ends those who are in it."""
        own = sa.make_url(self.url)
        engine = sa.create_engine(own.set(database="postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"ALTER DATABASE {own.database} ALLOW_CONNECTIONS false")
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    (own.database,),
                )
                yield
                connection.exec_driver_sql(f"ALTER DATABASE {own.database} ALLOW_CONNECTIONS true")
        finally:
            engine.dispose()

    def log(self, socket: Path | None = None) -> Path:
        """The log of the desk with a socket."""
        return self.home / f"{(socket or self.socket).stem}.log"

    def close(self) -> None:
        self.app.close()

    def _store(self) -> S3Store:
        return self.app.store

    def _archived(self, bench: Bench, *codes: str) -> str:
        """Archives a call that went through these facilities, an hour after the one before."""
        recording_id, at = ids.new(), WHO["at"] + timedelta(hours=len(bench.spool.known_calls()))
        end = at + timedelta(seconds=10)
        tracks = [Track(f"callrec/{recording_id}-1-{side}", at, end) for side in ("external", "staff")]
        for track in tracks:
            bench.track(track.name, 500)
        parts = [Participant("1.0", "+81312345678", None, at, end)]
        parts += [Participant(f"1.{code}", EXTENSIONS[code], EXTENSIONS[code], at, end) for code in codes]
        call: dict[str, Any] = {
            "id": ids.new(),
            "facility": codes[0],
            "extension": EXTENSIONS[codes[0]],
            "dialled": EXTENSIONS[codes[0]],
            "started_at": at,
            "answered_at": at,
            "ended_at": end,
            "participants": tuple(parts),
        }
        made = segment(external=tracks[0], staff=tracks[1])
        bench.spool.hand_over(
            captured_call(recording_id=recording_id, started_at=at, ended_at=end, segments=(made,), call=call)
        )
        bench.archiver.work()
        with self.app.database.read() as connection:
            found = find_recording(connection, recording_id)
            assert found is not None, "it was not archived"
            assert finding.call(connection, call["id"], reach=EVERYWHERE).facility == codes[0]
        return recording_id


def answers(path: Path) -> bool:
    """Whether a desk listens on a socket, to which everybody may connect."""
    if not path.exists() or stat.S_IMODE(path.stat().st_mode) != 0o666:
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def own_database(server: str) -> str:
    """The URL of a new, empty database on a server."""
    url, name = sa.make_url(server), f"desk_{ids.new().replace('-', '')}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


@contextmanager
def made(request: pytest.FixtureRequest, scratch: Path) -> Iterator[DeskOffice]:
    """An office for a fixture that has the name of a database as its parameter, with its desk."""
    home = scratch / f"desk-{request.param}"
    home.mkdir(mode=0o755)
    if request.param == "postgresql":
        url = own_database(request.getfixturevalue("postgresql"))
    else:
        url = f"sqlite:///{home}/catalogue.db"
    s3 = DemoS3(home / "s3")
    try:
        s3.start()
        office = DeskOffice(home, url, s3)
        desk = office.start_desk()
        try:
            yield office
        finally:
            desk.stop()
            office.close()
    finally:
        s3.stop()
