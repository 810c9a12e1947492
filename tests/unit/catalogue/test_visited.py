"""A search visits as many rows among many calls as among few: every filter, alone and in pairs.

Two offices have the same few calls that are like no other, and around them few or many that are all alike.
What is asked of the former has to be found past the latter, what is asked of the latter is soon found. The
calls of one extension, of one number or with one text are looked through where more is asked: they are few.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations, cycle, product
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bench import office_rows as office
from callrec.catalogue import lines, searching
from callrec.catalogue.database import Database
from callrec.ids import derived
from callrec.model.access import EVERYWHERE, Reach
from callrec.model.calls import CallRecord, Participant
from callrec.model.captures import KeptBecause
from callrec.model.found import SORTS, SearchQuery
from callrec.model.rules import Direction, Mode
from callrec.numbers import Number
from tests.unit.samples import DECISION, START, call

FEW, MANY, SPECIAL = 200, 1000, 8
"""Calls before and behind those that are special, and these."""
LIMIT, AT_HAND, EACH = 4, 60, 50
"""EACH: steps of SQLite's machine that are counted as one."""
APART = timedelta(minutes=1)
ODD_FACILITY, COMMON_FACILITY = (office.facility_of(each) for each in ("2059", "2000"))

Filter = dict[str, Any]
ODD: dict[str, Filter] = {
    "extension": {"extension": "2059"},
    "facility": {"facility": ODD_FACILITY},
    "number": {"number": Number("+81355555555")},
    "direction": {"direction": str(Direction.OUTBOUND)},
    "mode": {"mode": str(Mode.STANDBY)},
    "incident": {"incident": True},
    "held": {"held": True},
    "min-duration": {"min_duration_s": 1000.0},
    "note": {"note": "秘密"},
}
COMMON: dict[str, Filter] = {
    "facility": {"facility": COMMON_FACILITY},
    "direction": {"direction": str(Direction.INBOUND)},
    "mode": {"mode": str(Mode.AUTOMATIC)},
    "min-duration": {"min_duration_s": 10.0},
    "all-calls": {"all_calls": True},
    "test-calls": {"test_calls": True},
}
SPANS: dict[str, Filter] = {
    "no date": {},
    "an hour": {"begin": START - 30 * APART, "end": START + 30 * APART},
    "all days": {"begin": START - 2 * MANY * APART, "end": START + 2 * MANY * APART},
}
REACHES = {
    "everywhere": EVERYWHERE,
    "odd reach": Reach(frozenset({ODD_FACILITY})),
    "common reach": Reach(frozenset({COMMON_FACILITY})),
    "both in reach": Reach(frozenset({ODD_FACILITY, COMMON_FACILITY})),
}

PAGES: dict[str, Filter] = {"first page": {}, "next page": {"after": derived(START, "recording 0")}}


def _questions() -> Iterator[tuple[str, SearchQuery, Reach]]:
    """Yields each filter and pair in each order, with spans and reaches by turns."""
    single = [(f"{kind} {name}", each) for kind, some in _KINDS for name, each in some.items()]
    asked = [("nothing", {}), *single]
    for (one, first), (other, second) in combinations(single, 2):
        if not first.keys() & second.keys():
            asked.append((f"{one} + {other}", first | second))
    around = cycle(product(SPANS.items(), REACHES.items(), PAGES.items()))
    for (name, given), sort in product(asked, SORTS):
        (span, dates), (reached, reach), (page, after) = next(around)
        wanted = SearchQuery(sort=sort, limit=LIMIT, **(given | dates | after))
        yield f"{name}, {span}, {sort}, {reached}, {page}", wanted, reach


_KINDS = (("odd", ODD), ("common", COMMON))


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Database]]:
    made = [_filled(tmp_path_factory.mktemp("visited"), count) for count in (FEW, MANY)]
    yield made
    for database in made:
        database.close()


def _filled(folder: Path, count: int) -> Database:
    database = Database(f"sqlite:///{folder}/c.db")
    database.upgrade()
    rows: office.Rows = {}
    for number in range(-count, count + SPECIAL):
        _add(rows, number)
    with database.engine.begin() as connection:
        office.write(connection, rows)
    return database


def _add(rows: office.Rows, number: int) -> None:
    at, is_odd = START + number * APART, 0 <= number < SPECIAL
    made = _odd_call(at) if is_odd else _common_call(at)
    length, because = (2000.0, KeptBecause.KEY) if is_odd else (30.0 + number % 7, KeptBecause.AUTOMATIC)
    kept = office.recording(made, str(number), length, because, held=is_odd, digests=("0" * 64, "1" * 64))
    office.add(rows, made, [kept] if is_odd or number % 3 else [], is_test=number % 5 == 4 and not is_odd)
    office.add_note(rows, made, "秘密の件" if is_odd else "大声")


def _common_call(at: datetime) -> CallRecord:
    return call(
        id=derived(at, "call"),
        started_at=at,
        answered_at=at,
        extension="2000",
        facility=COMMON_FACILITY,
        number=Number("+81311111111"),
        decision=replace(DECISION, mode=Mode.AUTOMATIC),
        participants=(),
    )


def _odd_call(at: datetime) -> CallRecord:
    return replace(
        _common_call(at),
        direction=Direction.OUTBOUND,
        extension="2059",
        facility=ODD_FACILITY,
        number=Number("+81355555555"),
        decision=replace(DECISION, mode=Mode.STANDBY),
        incident=True,
        participants=(Participant("1.1", "2000", "2000", at, at),),
    )


def _steps(database: Database, wanted: SearchQuery, reach: Reach) -> int:
    """Returns how many steps SQLite makes for a question."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    with database.read() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(count, EACH)
        lines.search(connection, wanted, reach=reach)
        driver.set_progress_handler(None, EACH)
    return counted * EACH


def test_a_search_visits_no_more_among_more(offices: list[Database], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "AT_HAND", AT_HAND)
    found = {
        name: tuple(_steps(each, wanted, reach) for each in offices) for name, wanted, reach in _questions()
    }
    assert {name: steps for name, steps in found.items() if steps[1] > 1.5 * steps[0]} == {}


FOUND_IN_THE_INDEX: dict[str, tuple[Filter, str]] = {
    "of an extension, in reach": ({"extension": "2059"}, "common reach"),
    "incidents of an extension, in reach": ({"extension": "2059", "incident": True}, "both in reach"),
    "of a number, of a direction": ({**ODD["number"], **ODD["direction"]}, "everywhere"),
    "of a number, in reach": ({**ODD["number"], "min_duration_s": 10.0}, "common reach"),
    "of a facility out of reach": ({"facility": ODD_FACILITY}, "common reach"),
    "incidents": ({"incident": True}, "everywhere"),
    "incidents of a length": ({"incident": True, "min_duration_s": 10.0}, "everywhere"),
    "held, of a facility": ({"held": True, "facility": ODD_FACILITY}, "everywhere"),
    "held, in reach": ({"held": True}, "both in reach"),
}


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("name", FOUND_IN_THE_INDEX)
def test_a_hit_is_passed_over_by_its_index_alone(offices: list[Database], name: str, sort: str) -> None:
    """Among millions thousands of one extension or number are, and to read each costs more than all else."""
    given, reached = FOUND_IN_THE_INDEX[name]
    plan = _plan(offices[0], SearchQuery(sort=sort, limit=LIMIT, **given), REACHES[reached])
    read = [step for step in plan if re.match(r"(SEARCH|SCAN) hit", step)]
    assert read, plan
    assert [step for step in read if " USING INDEX " in step] == []  # neither COVERING INDEX nor PRIMARY KEY


def _plan(database: Database, wanted: SearchQuery, reach: Reach) -> list[str]:
    """Returns the steps by which SQLite answers a question."""
    asked: list[tuple[str, Any]] = []

    def ask(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        asked.append((sql, values))

    sa.event.listen(database.engine, "before_cursor_execute", ask)
    try:
        with database.read() as connection:
            lines.search(connection, wanted, reach=reach)
            questions = [each for each in asked if "hit" in each[0]]
            rows = [
                connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values) for sql, values in questions
            ]
            return [row[3] for each in rows for row in each]
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", ask)
