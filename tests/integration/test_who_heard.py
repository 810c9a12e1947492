"""Roles and the report of who heard what, on a real PostgreSQL. SQLite is the unit tests' matter."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from callrec import ids
from callrec.catalogue import custody_report, grants
from callrec.catalogue.database import Database
from callrec.model.access import EVERYWHERE, Grant, Reach, Role
from tests.reported import HOUR, enter, fill
from tests.unit.samples import START

END = START + 24 * HOUR


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    """A database of its own on the server of the tests."""
    server = sa.make_url(postgresql)
    name = f"heard_{ids.new().replace('-', '')}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    made = Database(server.set(database=name).render_as_string(hide_password=False))
    made.upgrade()
    yield made
    made.close()


def test_the_report_and_the_roles(database: Database) -> None:
    by_id = {id_: name for name, id_ in fill(database).items()}
    expected = {
        EVERYWHERE: (["azabu", "azabu", "both", "shiba", "shiba"], 3),
        Reach(frozenset({"shiba"})): (["both", "shiba", "shiba"], 1),
        Reach(frozenset()): ([], 1),
    }
    for reach, (heard, refused) in expected.items():
        with database.read() as connection:
            found = custody_report.accesses(connection, START, END, reach)
            assert sorted(by_id[each.recording_id] for each in found) == heard
            assert custody_report.refusals(connection, START, END, reach) == refused
    enter(database, "tanaka", "", "refused", 7, command="show", times=40)
    with database.read() as connection:
        assert custody_report.refusals(connection, START, END, EVERYWHERE) == 43
    _grant_at_once(database)


def _grant_at_once(database: Database) -> None:
    """Of several admins who grant the same at once, one does."""

    def grant(number: int) -> list[Grant]:
        with database.begin() as connection:
            return grants.grant(connection, "tanaka", Role.HANDLER, ["shiba"], by=f"admin{number}", at=START)

    with ThreadPoolExecutor() as threads:
        done = [each for each in threads.map(grant, range(8)) if each]
    assert len(done) == 1
    with database.begin() as connection:
        assert grants.of(connection, ["tanaka", "@legal"]) == done[0]
        assert grants.revoke(connection, "tanaka", Role.HANDLER, [], by="root", at=START) == done[0]
        assert grants.all_grants(connection) == []
