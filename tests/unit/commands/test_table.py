"""Tables: whole in a pipe, and on a narrow terminal without the columns that can be spared."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from callrec.catalogue import facilities
from callrec.catalogue.database import Database
from callrec.commands import facility, facility_report, search
from callrec.commands.table import Table, laid_out
from callrec.model.office import Facility
from tests.filled_catalogue import place
from tests.unit.program import Done

COLUMNS = {"id": "id", "where": "facility", "who": "name", "found": "finding"}
ROWS: list[dict[str, Any]] = [
    {"id": "01a20000-0000-7000-8000-000000000001", "where": "芝地区", "who": "窓口1", "found": "words " * 12},
    {"id": "01a20000-0000-7000-8000-000000000002", "where": None, "who": "", "found": "ことば" * 20},
]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def of_width(columns: int) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(columns))

    return of_width


def test_a_pipe_has_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    text, left_out = laid_out(Table(COLUMNS, ROWS, spare=("who",), prose="found"))
    header, line, *rows = text.splitlines()
    assert not left_out and header.split() == ["id", "facility", "name", "finding"] and set(line) == {"─"}
    assert [row.split()[0] for row in rows] == [each["id"] for each in ROWS]
    assert rows[0].endswith("words") and rows[1].endswith("ことば" * 20)


def test_columns_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"a": "か\u3099芝", "b": 1}, {"a": "e\u0301", "b": 2}, {"a": "👍\x1b", "b": 3}]
    text, _ = laid_out(Table({"a": "id", "b": "name"}, rows))
    assert {cell_len(line) for line in text.splitlines()[2:]} == {9}


@pytest.mark.parametrize("columns", [79, 80, 100, 120, 200])
def test_a_terminal_gets_what_it_has_room_for(terminal: Callable[[int], None], columns: int) -> None:
    terminal(columns)
    text, left_out = laid_out(Table(COLUMNS, ROWS, spare=("who", "where"), prose="found"))
    lines = text.splitlines()
    assert max(map(cell_len, lines)) <= columns
    assert all(sum(line.startswith(str(each["id"])) for line in lines) == 1 for each in ROWS)
    assert left_out == ["who"][: columns < 77 + 2], "the first that can be spared goes first"
    assert text.count("words") == 12 and sum(text.count(sign) for sign in "ことば") == 60


@pytest.mark.parametrize("columns", [1, 20, 40])
def test_where_nothing_fits_the_terminal_wraps_by_itself(
    terminal: Callable[[int], None], columns: int
) -> None:
    terminal(columns)
    text, left_out = laid_out(Table(COLUMNS, ROWS, spare=("who", "where"), prose="found"))
    assert left_out == ["where", "who"]
    assert [line.split()[0] for line in text.splitlines()[2:]] == [each["id"] for each in ROWS]
    assert "ことば" * 20 in text


@pytest.fixture
def filled(office: Callable[..., Done], tmp_path: Path) -> Callable[..., Done]:
    database = Database(f"sqlite:///{tmp_path}/c.db")
    with database.begin() as connection:
        facilities.add_facility(connection, Facility("shiba", "芝"), who="x", at=datetime.now(UTC))
    for _ in range(2):
        place(database, "shiba", datetime.now(UTC) - timedelta(seconds=5), seconds=90.0, because="automatic")
    database.close()
    return office


def test_ids_are_whole_on_every_terminal(
    filled: Callable[..., Done], terminal: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [each["id"] for each in json.loads(filled("search", "--json").out)]
    for columns in (80, 132, 20):
        for language in ("en", "ja"):
            monkeypatch.setenv("CALLREC_LANG", language)
            terminal(columns)
            done = filled("search")
            assert all(id_ in done.out for id_ in ids)
            assert columns == 20 or max(map(cell_len, done.out.splitlines())) <= columns
    monkeypatch.setenv("CALLREC_LANG", "en")
    terminal(80)
    assert filled("search").complaint == (
        "left out, as the terminal is too narrow: "
        "facility, extension, direction, outcome, kept because, incident"
    )


def test_what_can_be_spared_is_there() -> None:
    assert set(search.SPARE) < set(search.COLUMNS)
    assert set(facility_report.SPARE) < set(facility_report.COLUMNS)
    assert set(facility.SPARE) < set(facility.COLUMNS)
