"""The catalogue on a real SQLite: what is refused, what is found, and the chain."""

from __future__ import annotations

import os
import stat
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from callrec import ids
from callrec.catalogue import calls, changes, custody, facilities, rules, tables
from callrec.catalogue.calls import Wanted
from callrec.catalogue.database import Database
from callrec.errors import (
    CatalogueOutdated,
    CatalogueUnreachable,
    NotFound,
    Refused,
    WrongConfiguration,
    WrongUsage,
)
from callrec.model import Extension, Facility, Mode, Rule, Scope
from tests.unit.samples import CALL_ID, START, call

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


def test_a_call_is_found_by_everything_that_is_asked_for(database: Database) -> None:
    with database.begin() as connection:
        calls.save_call(connection, call())
    day = {"begin": START - timedelta(hours=1), "end": START + timedelta(hours=1)}
    fits: list[dict[str, Any]] = [
        {},
        day,
        {"extension": "2101"},
        {"facility": "shiba"},
        {"number": "+81312345678"},
        {"direction": "inbound"},
        {"mode": "automatic"},
        {**day, "extension": "2101"},
    ]
    misses: list[dict[str, Any]] = [
        {"begin": START + timedelta(seconds=1)},
        {"end": START},
        {"extension": "2102"},
        {"facility": "azabu"},
        {"number": "0312345678"},
        {"direction": "outbound"},
        {"mode": "never"},
        {"incident": True},
        {"held": True},
        {"min_duration_s": 1.0},
    ]
    with database.read() as connection:
        for wanted in fits:
            assert [each.call for each in calls.search(connection, Wanted(all_calls=True, **wanted))] == [
                call()
            ]
            assert calls.search(connection, Wanted(**wanted)) == [], "it was not recorded"
        for wanted in misses:
            assert calls.search(connection, Wanted(all_calls=True, **wanted)) == [], wanted


def test_saving_a_call_again_brings_it_up_to_date(database: Database) -> None:
    with database.begin() as connection:
        calls.save_call(connection, call(ended_at=None, outcome=None))
        calls.save_call(connection, call())
        assert calls.call(connection, CALL_ID) == call()


def test_ids_can_be_shortened(database: Database) -> None:
    other = CALL_ID[:-1] + "b"
    with database.begin() as connection:
        calls.save_call(connection, call())
        calls.save_call(connection, call(id=other))
        assert calls.call(connection, other).id == other
        with pytest.raises(WrongUsage, match="fits several"):
            calls.call(connection, CALL_ID[:13])
        with pytest.raises(WrongUsage, match="too short"):
            calls.call(connection, CALL_ID[:7])
        assert calls.call(connection, CALL_ID.upper()).id == CALL_ID
        with pytest.raises(NotFound):
            calls.look_up(connection, "ffffffff")


NO_IDS = [
    "%%%%%%%%",
    "________",
    "01a20000%",
    "01a200000",
    "zzzzzzzz",
    CALL_ID + "0",
    "０1a20000",
    "'; --    ",
]


@pytest.mark.parametrize("nonsense", NO_IDS)
def test_what_can_be_no_id_is_said_to_be_none(database: Database, nonsense: str) -> None:
    with database.begin() as connection:
        calls.save_call(connection, call())
        with pytest.raises(WrongUsage, match="is no id, nor the beginning of one"):
            calls.look_up(connection, nonsense)


@settings(max_examples=50, deadline=None)
@given(length=st.integers(8, 36), moment=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
def test_every_beginning_of_an_id_spans_it(length: int, moment: datetime) -> None:
    id_ = ids.derived(moment.replace(tzinfo=UTC), str(length))
    first, last = calls._span(id_[:length])
    assert first <= id_ <= last and len(first) == len(last) == 36
    assert (first == last == id_) == (length == 36)


def test_an_id_is_found_by_the_primary_key(database: Database) -> None:
    """A catalogue of years must not be read through for one recording."""
    query = sa.select(tables.recordings.c.id).where(tables.recordings.c.id.between(*calls._span("01a20000")))
    with database.read() as connection:
        sql = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
    assert "SEARCH" in plan[0].detail and "SCAN" not in plan[0].detail


def test_the_longest_come_first_and_calls_without_a_recording_last(database: Database) -> None:
    """PostgreSQL would put what has no length before the longest."""
    order = str(calls.SORTS["longest"].compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert order == "recordings.duration_s DESC NULLS LAST"


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
        connection.exec_driver_sql(TAMPERINGS[tampering])
        assert custody.broken_at(connection) in (1, 2)


def test_a_database_that_is_not_set_up_says_so(database: Database, tmp_path: Any) -> None:
    empty = Database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(CatalogueOutdated, match="run callrec init"):
        empty.require_current()
    with pytest.raises(CatalogueOutdated, match="is not set up"), empty.read() as connection:
        changes.number(connection)
    empty.close()


@pytest.mark.parametrize("url", ["", "nonsense", "oracle://x/y", "mysql+nothing://x"])
def test_a_url_that_is_none_is_said_in_one_line(url: str) -> None:
    with pytest.raises(WrongConfiguration, match=r"catalogue\.url is no database URL"):
        Database(url)


@pytest.mark.parametrize("url", ["postgresql://u:x@host:hunter2/x", "postgresql://u:p@ss:w@rd@h:1x/"])
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    """A password that was not escaped falls apart into host and port, and must not be shown."""
    with pytest.raises(WrongConfiguration, match="is no database URL") as caught:
        Database(url)
    assert not any(part in str(caught.value) for part in ("hunter2", "w@rd", "1x"))


def test_the_database_file_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        database = Database(f"sqlite:///{tmp_path}/c.db")
        database.upgrade()
        with database.begin() as connection:
            calls.save_call(connection, call())
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("c.db", "c.db-wal", "c.db-shm"), 0o600)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://nobody:secret@127.0.0.1:1/x"])
def test_an_unreachable_database_is_said_in_one_line_without_its_password(url: str) -> None:
    database = Database(url)
    with pytest.raises(CatalogueUnreachable) as caught, database.read() as connection:
        changes.number(connection)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)


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


def _connected_with(url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the driver is told of a connection to this URL."""
    told: dict[str, Any] = {}

    def connect(*_: object, **given: Any) -> None:
        told.update(given)
        raise psycopg.OperationalError("no answer")

    monkeypatch.setattr(psycopg, "connect", connect)
    monkeypatch.setattr(psycopg.Connection, "connect", connect)
    database = Database(url)
    with pytest.raises(CatalogueUnreachable), database.read():
        pass
    return told


def test_a_host_that_goes_dead_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _connected_with("postgresql://callrec@host/callrec", monkeypatch)
    limits = {name: told.get(name) for name in ("connect_timeout", "tcp_user_timeout", "keepalives_idle")}
    assert limits == {"connect_timeout": "5", "tcp_user_timeout": "10000", "keepalives_idle": "5"}
    assert told["options"] == "-c statement_timeout=60s"


def test_limits_that_the_url_sets_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    own = "connect_timeout=9&tcp_user_timeout=1&options=-c%20search_path%3Dx"
    told = _connected_with(f"postgresql://callrec@host/callrec?{own}", monkeypatch)
    assert (told["connect_timeout"], told["tcp_user_timeout"]) == ("9", "1")
    assert told["options"] == "-c statement_timeout=60s -c search_path=x"
