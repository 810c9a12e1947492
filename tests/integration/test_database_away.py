"""The database goes away, at run time and before a start: calls go on being decided and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
import sqlalchemy as sa

from callrec.catalogue import changes
from callrec.catalogue.database import Database
from callrec.demo.softphones import Sound
from callrec.errors import CatalogueOutdated, CatalogueUnreachable
from callrec.model.rules import Rule
from tests.dripping import dripping
from tests.integration.system import SystemUnderTest, eventually, talk_for, talk_seconds
from tests.integration.times import as_long_as

NOBODY_THERE = "postgresql://nobody@127.0.0.1:1/none"


@contextmanager
def _closed(url: str) -> Iterator[None]:
    """The database lets nobody in, and throws out who is there."""
    name = sa.make_url(url).database
    beside = sa.create_engine(sa.make_url(url).set(database="template1"), isolation_level="AUTOCOMMIT")
    with beside.connect() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        try:
            connection.execute(
                sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
                {"name": name},
            )
            yield
        finally:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
    beside.dispose()


def _call_kept_in_the_spool(system: SystemUnderTest, number: str) -> None:
    caller = system.caller(number).dial("2101", Sound(500))
    staff = system.phone("2101").pick_up(Sound(1000))
    talk_for([staff], 1.0)
    caller.hangup()
    staff.wait_ended()
    (id_,) = eventually(system.app.spool.waiting, what="the recording in the spool")
    folder = system.app.spool.folder(id_)
    eventually(lambda: list(folder.glob("*.flac")) and not list(folder.glob("*.wav")), what="the joined file")


def _check_status(system: SystemUnderTest) -> None:
    done = system.callrec("status", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1 and "the database is away" in done.stderr
    assert found["catalogue_away"] and found["link_up"] and found["waiting_recordings"] == 1
    assert any("does not answer" in problem for problem in found["problems"])


def _check_kept(system: SystemUnderTest, number: str, begin: datetime, rule: Rule) -> None:
    """The call was decided by the rule last seen, and all of it is in the archive."""
    found = system.recording_of("+81" + number[1:], begin)
    assert found.recording is not None and found.call.decision is not None
    assert (found.call.decision.rule, found.call.decision.version) == (rule.id, rule.version)
    as_long_as(system.listen(found.recording), talk_seconds(found.call))
    system.wait_until_clean()


def test_a_start_without_the_database(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic") as rule:
        seen = system.status()["rules_at"]
        with system.restarted_with(CALLREC_CATALOGUE__URL=NOBODY_THERE):
            _call_kept_in_the_spool(system, "0311120020")
            _check_status(system)
            assert seen <= system.status()["rules_at"] < system.status()["started_at"]
        _check_kept(system, "0311120020", begin, rule)
    eventually(lambda: not system.status()["catalogue_away"], what="the database in the status")


@pytest.mark.parametrize("system", ["postgresql"], indirect=True)  # an open file does not go away
def test_the_database_goes_away_and_comes_back(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic") as rule:
        with _closed(system.demo.database_url):
            eventually(lambda: system.status()["catalogue_away"], what="noticing it")
            _call_kept_in_the_spool(system, "0311120021")
            _check_status(system)
        _check_kept(system, "0311120021", begin, rule)
    # The archiver may find it back before the rules are looked for again, and the status written.
    eventually(lambda: not system.status()["catalogue_away"], what="the database in the status")


def test_a_statement_that_takes_for_ever_is_given_up(postgresql: str) -> None:
    limited = Database(postgresql + "&options=-c%20statement_timeout%3D1s")
    with pytest.raises(CatalogueUnreachable, match="took too long"), limited.read() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(20)")
    limited.close()


def test_a_server_that_drips_is_given_up() -> None:
    """One that sends a byte before each timeout, and never a whole message."""
    with dripping(b"R\x00\x00\x07\xd0") as port:
        database = Database(f"postgresql://u@127.0.0.1:{port}/x?connect_timeout=2&sslmode=disable")
        with pytest.raises(CatalogueUnreachable, match="no answer in time"), database.read():
            pass


def test_a_server_without_our_tables_or_our_database(postgresql: str) -> None:
    url = sa.make_url(postgresql)
    for name, expected in (("template1", CatalogueOutdated), ("nowhere", CatalogueUnreachable)):
        database = Database(url.set(database=name).render_as_string(hide_password=False))
        with pytest.raises(expected), database.read() as connection:
            changes.number(connection)
        database.close()


def test_limits_arrive_at_a_real_server(postgresql: str) -> None:
    database = Database(postgresql)
    with database.read() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "1min"
        driver = connection.connection.dbapi_connection
        assert driver is not None and driver.info.get_parameters()["tcp_user_timeout"] == "10000"
    database.close()
