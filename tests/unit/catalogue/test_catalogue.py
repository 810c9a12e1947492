"""The catalogue on a real SQLite: what is refused, what is found, and the chain."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from callrec import ids
from callrec.catalogue import calls, changes, custody, facilities, rules, tables
from callrec.catalogue.database import Database
from callrec.errors import (
    NotFound,
    Refused,
    WrongUsage,
)
from callrec.model.office import Extension, Facility
from callrec.model.rules import Mode, Rule, Scope
from tests.tampering import altered
from tests.unit.samples import START, call

WHO: dict[str, Any] = {"who": "test", "at": START}
SHIBA = Facility("shiba", "芝地区総合支所")


def _rule(scope: str = "everywhere", target: str | None = None, **more: Any) -> Rule:
    return Rule(0, 0, Scope(scope), target, Mode.AUTOMATIC, START, "", **more)


def _office(connection: sa.Connection) -> None:
    facilities.add_facility(connection, SHIBA, **WHO)
    facilities.add_extension(connection, Extension("2101", "shiba"), **WHO)


def test_facilities_and_extensions(database: Database) -> None:
    with database.begin() as connection:
        _office(connection)
        facilities.add_extension(connection, Extension("２１０２", "shiba", "窓口2"), **WHO)
        assert facilities.all_facilities(connection) == [SHIBA]
        assert [each.number for each in facilities.all_extensions(connection, "shiba")] == ["2101", "2102"]


@pytest.mark.parametrize("code", ["", "Shiba", "芝", "a b", "-a", "a" * 33, "unassigned", "../x"])
def test_codes_are_fit_for_object_keys(database: Database, code: str) -> None:
    with pytest.raises(WrongUsage, match="is no code"), database.begin() as connection:
        facilities.add_facility(connection, Facility(code, "x"), **WHO)


def test_what_is_there_cannot_be_added_again(database: Database) -> None:
    with database.begin() as connection:
        _office(connection)
        with pytest.raises(Refused):
            facilities.add_facility(connection, SHIBA, **WHO)
        with pytest.raises(Refused):
            facilities.add_extension(connection, Extension("2101", "shiba"), **WHO)


def test_what_is_in_use_cannot_be_removed(database: Database) -> None:
    with database.begin() as connection:
        _office(connection)
        with pytest.raises(Refused, match="has 1 extensions"):
            facilities.remove_facility(connection, "shiba", **WHO)
        rule = rules.add(connection, _rule("extension", "2101"), **WHO)
        with pytest.raises(Refused, match=f"has rules \\({rule.id}\\)"):
            facilities.remove_extension(connection, "2101", **WHO)
        rules.remove(connection, rule.id, **WHO)
        facilities.remove_extension(connection, "2101", **WHO)
        facilities.remove_facility(connection, "shiba", **WHO)
        assert facilities.all_facilities(connection) == []


def test_a_rule_about_nothing_is_refused(database: Database) -> None:
    with database.begin() as connection:
        for scope, target in (("facility", "shiba"), ("extension", "2101")):
            with pytest.raises(NotFound):
                rules.add(connection, _rule(scope, target), **WHO)
        with pytest.raises(WrongUsage):
            rules.add(connection, _rule("everywhere", "shiba"), **WHO)


def test_removed_rules_stay_on_record(database: Database) -> None:
    with database.begin() as connection:
        first = rules.add(connection, _rule(), **WHO)
        rules.remove(connection, first.id, **WHO)
        second = rules.add(connection, _rule(), **WHO)
        assert (first.id, second.id) == (1, 2)
        assert [rule.id for rule in rules.in_force(connection)] == [2]
        stored = connection.execute(
            sa.select(tables.rules.c.id, tables.rules.c.version, tables.rules.c.removed)
        )
        assert [tuple(row) for row in stored] == [(1, 1, False), (1, 2, True), (2, 1, False)]


def test_every_change_is_written_down_and_counted(database: Database) -> None:
    with database.begin() as connection:
        before = changes.number(connection)
        _office(connection)
        facilities.change_facility(connection, "shiba", name="芝", **WHO)
        rows = connection.execute(sa.select(tables.changes).order_by(tables.changes.c.id)).all()
        assert changes.number(connection) == before + 3
    assert [(row.subject, row.who) for row in rows][-1] == ("facility shiba", "test")
    assert rows[-1].before == asdict(SHIBA) and rows[-1].after["name"] == "芝"


def test_a_change_that_fails_changes_nothing(database: Database) -> None:
    with pytest.raises(NotFound), database.begin() as connection:
        facilities.add_facility(connection, SHIBA, **WHO)
        facilities.add_extension(connection, Extension("2101", "nowhere"), **WHO)
    with database.read() as connection:
        assert facilities.all_facilities(connection) == []


def test_times_without_a_zone_are_not_stored(database: Database) -> None:
    naive = datetime(2026, 11, 22)  # noqa: DTZ001 (that is what is tested)
    with pytest.raises(sa.exc.StatementError, match="without a zone"), database.begin() as connection:
        calls.save_call(connection, call(started_at=naive))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moment=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_times_come_back_as_the_same_moment_in_utc(database: Database, moment: datetime) -> None:
    id_ = ids.new()
    with database.begin() as connection:
        custody.append(connection, id_, "captured", who="test", at=moment)
        (entry,) = custody.of(connection, id_)
    # In UTC: Python holds a time that a zone has twice (the end of summer time) equal to none.
    assert entry.at == moment.astimezone(UTC) and entry.at.tzinfo is UTC


TAMPERINGS = {
    "changed": "UPDATE custody SET who = 'nobody' WHERE seq = 2",
    "moved in time": "UPDATE custody SET at = '2020-01-01 00:00:00' WHERE seq = 2",
    "detail changed": "UPDATE custody SET details = '{}' WHERE seq = 2",
    "taken out": "DELETE FROM custody WHERE seq = 2",
    "cut off at the front": "DELETE FROM custody WHERE seq = 1",
}


@pytest.mark.parametrize("tampering", list(TAMPERINGS))
def test_a_tampered_chain_is_noticed(database: Database, tampering: str) -> None:
    with database.begin() as connection:
        for number in range(4):
            custody.append(
                connection, ids.new(), "archived", who="callrec", at=START, number=number, 名="港区"
            )
        assert custody.broken_at(connection) is None
        with altered(connection):
            connection.exec_driver_sql(TAMPERINGS[tampering])
        assert custody.broken_at(connection) in (1, 2)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE custody SET who = 'nobody'", "DELETE FROM custody", "DELETE FROM custody WHERE seq = 1"],
)
def test_rows_of_the_log_cannot_be_changed(database: Database, statement: str) -> None:
    with database.begin() as connection:
        custody.append(connection, ids.new(), "archived", who="callrec", at=START)
    with pytest.raises(DBAPIError, match="only added to"), database.begin() as connection:
        connection.exec_driver_sql(statement)
    with database.read() as connection:
        assert custody.broken_at(connection) is None and custody.head(connection)[0] == 1


def test_the_rules_as_they_were_at_a_moment(database: Database) -> None:
    hour = timedelta(hours=1)
    with database.begin() as connection:
        first = rules.add(connection, _rule(), who="test", at=START)
        rules.change(connection, first.id, who="test", at=START + hour, mode=Mode.STANDBY)
        rules.remove(connection, first.id, who="test", at=START + 2 * hour)
        found = [rules.in_force_at(connection, START + hours * hour) for hours in (-1, 0.5, 1, 1.5, 2, 9)]
    assert [[rule.mode for rule in each] for each in found] == [
        [],
        [Mode.AUTOMATIC],
        [Mode.STANDBY],
        [Mode.STANDBY],
        [],
        [],
    ]
