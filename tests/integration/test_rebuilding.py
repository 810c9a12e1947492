"""The catalogue, made again of a real bucket, on both databases; and commits that a failover has lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import TypeAdapter

from callrec.app import App
from callrec.catalogue import custody, tables
from callrec.catalogue.database import Database
from callrec.configuration import Answers, write_file
from callrec.demo.s3 import DemoS3
from callrec.desk.operation import Operation, perform
from callrec.desk.operations import finding, keeping, requests, searching
from callrec.model.access import Caller, Through
from callrec.model.found import SearchQuery
from callrec.model.requests import RequestKind
from callrec.settings_file import load
from tests.integration.conftest import DATABASES
from tests.integration.desk_office import DeskOffice, own_database
from tests.integration.system import SystemUnderTest, callrec, eventually
from tests.tampering import altered

CONFIGURATION = ("facilities", "extensions", "rules", "grants")
"""What an office has backups and `rule export` for."""
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


@pytest.fixture(scope="module", params=DATABASES)
def office(request: pytest.FixtureRequest, scratch: Path) -> Iterator[DeskOffice]:
    """An office with three archived calls, in which each kind of thing was done; no desk, no PBX."""
    home = scratch / f"rebuilt-{request.param}"
    home.mkdir(mode=0o755)
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else ""
    s3 = DemoS3(home / "s3")
    try:
        s3.start()
        made = DeskOffice(home, own_database(server) if server else f"sqlite:///{home}/catalogue.db", s3)
        _work(made)
        yield made
        made.close()
    finally:
        s3.stop()


def _do(app: App, who: str, wanted: Operation[..., Any], *args: Any) -> Any:
    found = perform(wanted, app, Caller(who, frozenset(), Through.DIRECT), *args)
    return list(found) if isinstance(found, Iterator) else found


def _work(office: DeskOffice) -> None:
    app, until = office.app, office.app.now + timedelta(days=2000)
    number = _do(
        app, "sato", requests.open_request, RequestKind.POLICE, "三田警察署", "", date(2099, 1, 1)
    ).number
    _do(app, "sato", requests.add_to_request, number, [office.shiba, office.both])
    _do(app, "mori", requests.approve_request, number)
    _do(app, "sato", requests.hand_over, number, "三田警察署", "USB")
    _do(app, "sato", keeping.add_holds, [office.shiba, office.both], "照会", number)
    _do(app, "sato", keeping.release_holds, [office.both], "終結", number)
    _do(app, "sato", keeping.mark_incidents, [office.azabu], "課長報告")
    _do(app, "sato", keeping.retain, [office.both], until, "苦情")
    _do(app, "sato", keeping.add_note, office.azabu, "怒鳴られた")


def _told(app: App, ids: list[str]) -> dict[str, Any]:
    """All that people are told of calls, recordings, holds and requests, but for the custody log."""
    shown = [_do(app, "root", finding.show, each) for each in ids]
    return {
        "search": _plain(_do(app, "root", searching.search, SearchQuery(limit=100))),
        "by note": _plain(_do(app, "root", searching.search, SearchQuery(note="怒鳴"))),
        "by extension": _plain(_do(app, "root", searching.search, SearchQuery(extension="2201"))),
        "shown": [_plain(replace(each, entries=[], told=[])) for each in shown],
        "holds": _plain(_do(app, "root", keeping.list_holds)),
        "requests": _plain(_do(app, "root", requests.list_requests)),
    }


def _plain(found: Any) -> Any:
    return _ANY.dump_python(found, mode="json")


def _another(office: DeskOffice, name: str) -> tuple[Path, App]:
    """An empty catalogue with the same bucket, keys and configuration of the office."""
    kind = sa.make_url(office.url).get_backend_name()
    url = own_database(office.url) if kind == "postgresql" else f"sqlite:///{office.home}/{name}.db"
    config = office.home / f"{name}.toml"
    answers = Answers(
        database_url=url,
        spool=str(office.home / "spool"),
        s3_url=office.s3.endpoint_url,
        access_key=office.s3.access_key,
        secret_key=office.s3.secret_key,
        evidence_keys=str(office.app.settings.evidence.keys),
    )
    write_file(config, answers)
    app = App(load(str(config)))
    app.database.upgrade()
    app.make_spool()
    with office.app.database.read() as there, app.database.begin() as here:
        for table in (tables.metadata.tables[each] for each in CONFIGURATION):
            for row in there.execute(sa.select(table)):
                here.execute(table.insert().values(**row._asdict()))
    return config, app


def test_an_empty_database_is_made_again_and_people_are_told_the_same(office: DeskOffice) -> None:
    ids = [office.shiba, office.azabu, office.both]
    assert callrec("--config", str(office.config), "catalogue", "check").returncode == 0
    config, other = _another(office, "empty")
    found = callrec("--config", str(config), "catalogue", "check", "--json")
    assert found.returncode == 1
    assert {each["kind"] for each in json.loads(found.stdout)} == {"only-in-bucket"}
    done = callrec("--config", str(config), "catalogue", "rebuild")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "3 recordings and 1 requests read, the rows of 3 recordings written" in done.stdout
    assert _told(other, ids) == _told(office.app, ids)
    with other.database.read() as connection:
        assert custody.broken_at(connection) is None
        assert [each.action for each in custody.of(connection, office.shiba)] == ["rebuilt"]
    assert callrec("--config", str(config), "catalogue", "check").returncode == 0
    again = callrec("--config", str(config), "catalogue", "rebuild")
    assert "the rows of 0 recordings written" in again.stdout
    verified = callrec("--config", str(config), "verify", *ids)
    assert verified.returncode == 0, verified
    other.close()


def test_what_another_key_has_signed_is_named_and_the_rest_is_made(office: DeskOffice) -> None:
    """As somebody does who may put into the bucket: a pair of his own, under a name of ours."""
    with office.app.database.read() as connection:
        key, version = connection.execute(
            sa.select(tables.recordings.c.key, tables.recordings.c.manifest_version).where(
                tables.recordings.c.id == office.azabu
            )
        ).one()
    data = office.s3.client().get_object(  # type: ignore[attr-defined]
        Bucket=office.s3.bucket, Key=key.replace(".flac", ".manifest.json"), VersionId=version
    )["Body"]
    stranger = key.replace(office.azabu, office.azabu[:-4] + "ffff").replace(".flac", ".manifest.json")
    forged = data.read().replace(b'"facility":"azabu"', b'"facility":"shiba"')
    office.app.store.put_bytes(stranger, forged, "application/json", office.app.now + timedelta(seconds=5))
    config, other = _another(office, "forged")
    done = callrec("--config", str(config), "catalogue", "rebuild", CALLREC_LANG="en")
    assert done.returncode == 5 and stranger in done.stdout, done
    assert _told(other, [office.shiba])["search"] == _told(office.app, [office.shiba])["search"]
    other.close()


# --- a failover


def _lose(database: Database, since: datetime, held: str) -> None:
    """Takes away the commits since a moment, as a database does that fails over to one that lags behind."""
    with database.begin() as connection, altered(connection):
        lost = tables.recordings.c.id.in_(
            sa.select(tables.custody.c.recording_id).where(
                tables.custody.c.at >= since, tables.custody.c.action == "archived"
            )
        )
        calls = list(connection.execute(sa.select(tables.recordings.c.call_id).where(lost)).scalars())
        for table in (tables.holds, tables.notes):
            connection.execute(table.delete().where(table.c.at >= since))
        connection.execute(tables.recordings.delete().where(lost))
        for table in (tables.participants, tables.call_facilities):
            connection.execute(table.delete().where(table.c.call_id.in_(calls)))
        connection.execute(tables.calls.delete().where(tables.calls.c.id.in_(calls)))
        connection.execute(
            tables.recordings.update().where(tables.recordings.c.id == held).values(hold=False)
        )
        connection.execute(tables.custody.delete().where(tables.custody.c.at >= since))


def test_commits_that_a_failover_has_lost_are_back_after_a_start(system: SystemUnderTest) -> None:
    older = system.record_call("0312340001")
    since = system.app.now
    newer = system.record_call("0312340002")
    _do(system.app, "sato", keeping.add_holds, [older.id], "訴訟", None)
    _do(system.app, "sato", keeping.add_note, older.call_id, "失われる前に")
    before = _told(system.app, [older.id, newer.id])
    controller = system.demo.controller
    assert controller is not None
    controller.stop()
    try:
        _lose(system.app.database, since, older.id)
        assert _told(system.app, [older.id])["holds"] != before["holds"]
    finally:
        system.demo.start_controller()
    eventually(lambda: _is_back(system, newer.id), what="the recording that was lost")
    eventually(lambda: _told(system.app, [older.id, newer.id]) == before, what="all that was lost")
    with system.app.database.read() as connection:
        assert custody.broken_at(connection) is None
        for id_ in (older.id, newer.id):
            assert custody.of(connection, id_)[-1].action == "rebuilt"
    told = "taken from the bucket again"  # after it was done
    eventually(lambda: told in system.callrec("status", CALLREC_LANG="en").stdout, what="telling of it")
    assert newer.call_id in system.callrec("status", CALLREC_LANG="en").stdout
    assert told not in system.callrec("status", "--seen", CALLREC_LANG="en").stdout
    _do(system.app, "sato", keeping.release_holds, [older.id], "終了", None)


def _is_back(system: SystemUnderTest, id_: str) -> bool:
    with system.app.database.read() as connection:
        query = sa.select(tables.recordings.c.id).where(tables.recordings.c.id == id_)
        return connection.scalar(query) is not None
