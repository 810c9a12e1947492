"""Recordings of two facilities on PostgreSQL and a real S3 server, asked for through the desk; no PBX."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from callrec import ids, settings_file
from callrec.app import App
from callrec.configuration import Answers, write_file
from callrec.demo.s3 import DemoS3
from callrec.model.access import Role
from tests import two_facilities
from tests.two_facilities import CLAIMS, Desk
from tests.unit.bench import make_bench
from tests.unit.desk.server_thread import serving
from tests.unit.program import Done

SDL = ("SDL_AUDIODRIVER", "SDL_DISKAUDIOFILE", "SDL_DISKAUDIODELAY")


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoS3]:
    server = DemoS3(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def url(postgresql: str) -> str:
    """The URL of an empty database."""
    server, name = sa.make_url(postgresql), f"reach_{ids.new().replace('-', '')}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def served(url: str, s3: DemoS3, scratch: Path) -> Iterator[tuple[App, Path]]:
    """A desk with the recordings, asked by a handler and auditor of shiba."""
    home = scratch / "reach"
    home.mkdir()
    answers = Answers()
    answers.database_url, answers.spool = url, str(home / "spool")
    answers.s3_url, answers.bucket = s3.endpoint_url, s3.bucket
    answers.access_key, answers.secret_key = s3.access_key, s3.secret_key
    write_file(home / "callrec.toml", answers)
    with closing(App(settings_file.load(str(home / "callrec.toml")))) as app:
        app.database.upgrade()
        app.make_spool()
        app.keys.first("test", app.now)
        two_facilities.fill(make_bench(home, app.database, app.store, key=app.keys.signer()))
        with serving(app, home / "desk.sock") as socket:
            desk = Desk(app, socket, lambda *_: pytest.fail("not yet"))
            for role in (Role.HANDLER, Role.AUDITOR):
                desk.grant(role)
            yield app, socket


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_within_reach_on_postgresql(
    served: tuple[App, Path],
    run: Callable[..., Done],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    claim: Callable[[Desk], None],
) -> None:
    for name in SDL:
        monkeypatch.setenv(name, os.environ.get(name, ""))  # to be put back
    capsys.readouterr()
    claim(Desk(*served, run))
