"""Calls on a real SQLite: found by what is asked for, by their ids, and in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from callrec import ids
from callrec.catalogue import calls, finding, tables
from callrec.catalogue.database import Database
from callrec.errors import NotFound, WrongUsage
from callrec.model.access import EVERYWHERE
from callrec.model.found import SearchQuery
from callrec.model.rules import Direction
from tests.unit.bench import Bench
from tests.unit.samples import CALL_ID, RECORDING_ID, START, call


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
        {"number": "00312345678", "dialled": "+81312345678"},
        {"direction": "inbound"},
        {"mode": "automatic"},
        {**day, "extension": "2101"},
    ]
    misses: list[dict[str, Any]] = [
        {"begin": START + timedelta(seconds=1)},
        {"end": START},
        {"extension": "2102"},
        {"facility": "azabu"},
        {"facility": ""},
        {"number": "0312345678"},
        {"direction": "outbound"},
        {"mode": "never"},
        {"incident": True},
        {"min_duration_s": 1.0},
    ]
    with database.read() as connection:
        for wanted in fits:
            assert [
                each.call
                for each in finding.search(
                    connection, SearchQuery(all_calls=True, **wanted), reach=EVERYWHERE
                )
            ] == [call()]
            assert finding.search(connection, SearchQuery(**wanted), reach=EVERYWHERE) == [], (
                "it was not recorded"
            )
        for wanted in misses:
            assert (
                finding.search(connection, SearchQuery(all_calls=True, **wanted), reach=EVERYWHERE) == []
            ), wanted


def test_a_call_between_staff_that_nobody_answered_is_found_by_both(database: Database) -> None:
    between = call(direction=Direction.INTERNAL, extension="7000", number="2102", participants=())
    with database.begin() as connection:
        calls.save_call(connection, between)
        for extension in ("7000", "2102"):
            wanted = SearchQuery(all_calls=True, extension=extension)
            assert [each.call for each in finding.search(connection, wanted, reach=EVERYWHERE)] == [between]


def test_an_incident_is_found_also_where_it_was_not_recorded(database: Database) -> None:
    incident = call(id=CALL_ID[:-1] + "b", incident=True)
    with database.begin() as connection:
        calls.save_call(connection, call())
        calls.save_call(connection, incident)
        found = finding.search(connection, SearchQuery(all_calls=True, incident=True), reach=EVERYWHERE)
        assert [each.call for each in found] == [incident]
        calls.save_call(connection, replace(incident, incident=False))
        assert finding.search(connection, SearchQuery(all_calls=True, incident=True), reach=EVERYWHERE) == []


def test_a_call_says_when_its_capture_was_discarded(database: Database) -> None:
    with database.begin() as connection:
        calls.save_call(connection, call(discarded_at=START + timedelta(minutes=1)))
        row = connection.execute(sa.select(tables.calls.c.discarded_at, tables.calls.c.incident)).one()
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE).discarded_at == row.discarded_at
    assert (row.discarded_at, row.incident) == (START + timedelta(minutes=1), False)


def test_saving_a_call_again_brings_it_up_to_date(database: Database) -> None:
    with database.begin() as connection:
        calls.save_call(connection, call(ended_at=None, outcome=None))
        calls.save_call(connection, call())
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE) == call()


def test_ids_can_be_shortened(database: Database) -> None:
    other = CALL_ID[:-1] + "b"
    with database.begin() as connection:
        calls.save_call(connection, call())
        calls.save_call(connection, call(id=other))
        assert finding.call(connection, other, reach=EVERYWHERE).id == other
        with pytest.raises(WrongUsage, match="fits several"):
            finding.call(connection, CALL_ID[:13], reach=EVERYWHERE)
        with pytest.raises(WrongUsage, match="too short"):
            finding.call(connection, CALL_ID[:7], reach=EVERYWHERE)
        assert finding.call(connection, CALL_ID.upper(), reach=EVERYWHERE).id == CALL_ID
        with pytest.raises(NotFound):
            finding.look_up(connection, "ffffffff", reach=EVERYWHERE)


NO_IDS = [
    "%%%%%%%%",
    "________",
    "01a20000%",
    "01a200000",
    "zzzzzzzz",
    CALL_ID + "0",
    "①1a20000",
    "'; --    ",
]


@pytest.mark.parametrize("nonsense", NO_IDS)
def test_what_can_be_no_id_is_said_to_be_none(database: Database, nonsense: str) -> None:
    with database.begin() as connection:
        calls.save_call(connection, call())
        with pytest.raises(WrongUsage, match="is no id, nor the beginning of one"):
            finding.look_up(connection, nonsense, reach=EVERYWHERE)


@settings(max_examples=50, deadline=None)
@given(length=st.integers(8, 36), moment=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
def test_every_beginning_of_an_id_spans_it(length: int, moment: datetime) -> None:
    id_ = ids.derived(moment.replace(tzinfo=UTC), str(length))
    first, last = finding.span(id_[:length])
    assert first <= id_ <= last and len(first) == len(last) == 36
    assert (first == last == id_) == (length == 36)


def test_an_id_is_found_by_the_primary_key(database: Database) -> None:
    """A catalogue of years must not be read through for one recording."""
    query = sa.select(tables.recordings.c.id).where(tables.recordings.c.id.between(*finding.span("01a20000")))
    with database.read() as connection:
        sql = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
    assert "SEARCH" in plan[0].detail and "SCAN" not in plan[0].detail


def test_a_row_that_is_written_again_undoes_nothing(bench: Bench) -> None:
    """After a crash; meanwhile people have marked and held the recording, and keep it longer."""
    bench.captured()
    bench.later()
    changed = {"incident": True, "hold": True, "retained_because": "person", "retain_until": START}
    with bench.database.begin() as connection:
        connection.execute(tables.recordings.update().values(**changed))
        (kept,) = [calls.find_recording(connection, RECORDING_ID)]
        assert kept
        manifest = bench.manifest(kept)
        calls.save_recording(connection, manifest, key=kept.key, manifest_sha256="0" * 64)
        again = calls.find_recording(connection, RECORDING_ID)
        assert again == replace(kept, manifest_sha256="0" * 64, version=None, manifest_version=None)
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE).incident


def test_a_new_call_is_written_by_few_statements_and_the_next_time_the_same(database: Database) -> None:
    """Most calls are not recorded: their row is what costs the most of all that is done about them."""
    asked: list[str] = []
    with database.begin() as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *given: asked.append(given[2]))
        calls.save_call(connection, call())
        few = len(asked)
        rows = [connection.execute(sa.select(each)).all() for each in _TABLES]
        calls.save_call(connection, call())
        assert [connection.execute(sa.select(each)).all() for each in _TABLES] == rows
    assert few <= 5, asked[:few]
    assert all(rows)


_TABLES = (tables.calls, tables.participants, tables.call_facilities)


@pytest.mark.parametrize(
    ("number", "others", "expected"),
    [
        ("+81312345678", ["2101", "03-1234-5678", None, ""], None),
        ("81312345678", ["81312345678"], "+81312345678"),
        (None, ["2102", "0398760014"], "+81398760014 0398760014 2102"),
    ],
)
def test_the_numbers_beside_are_all_that_it_is_asked_for_by(
    number: str | None, others: list[str | None], expected: str | None
) -> None:
    """Of a number that is not in the form in which it is asked for, that form is one more."""
    assert calls.numbers_beside(number, "2101", others) == expected


class _Told:
    """A connection to a database in which a call is new, or is not: what is executed there."""

    def __init__(self, dialect: sa.Dialect, *, is_new: bool) -> None:
        self.dialect, self.statements = dialect, list[str]()
        self._is_new = is_new

    def execute(self, statement: sa.ClauseElement, *_: object) -> _Nothing:
        self.statements.append(str(statement.compile(dialect=self.dialect)))
        return _Nothing()

    def scalar(self, statement: sa.ClauseElement, *_: object) -> str | None:
        self.execute(statement)
        return CALL_ID if self._is_new else None


class _Nothing:
    """A result without rows."""

    def one_or_none(self) -> None:
        return None


@pytest.mark.parametrize(
    "dialect",
    [sqlite.dialect(), postgresql.dialect()],  # type: ignore[no-untyped-call]
)
@pytest.mark.parametrize(("is_new", "wanted"), [(True, []), (False, ["participants", "call_facilities"])])
def test_what_another_writer_has_written_meanwhile_goes(
    dialect: sa.Dialect, is_new: bool, wanted: list[str]
) -> None:
    """PostgreSQL has several at once: whether a call is new, only the database can tell that writes it."""
    told = _Told(dialect, is_new=is_new)
    calls.save_call(cast(sa.Connection, told), call(), ["shiba"])
    deleted = [each.split()[2] for each in told.statements if each.startswith("DELETE")]
    assert deleted == wanted and "INTO calls" in told.statements[0]
