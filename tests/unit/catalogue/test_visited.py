"""A search visits as many rows among many calls as among few: every filter, alone and in pairs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bench import catalogue_cases, office_rows
from callrec.catalogue import finding, searching
from callrec.catalogue.database import Database

FEW, MANY = 1_500, 6_000
LIMIT, AT_HAND, EACH = 5, 50, 100
"""EACH: steps of SQLite's machine that are counted as one."""
CASES = [each for each in catalogue_cases.cases() if each.span != "a month" and each.reached != 3]


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Database]]:
    """The same office with few calls and with four times as many."""
    made = [_filled(tmp_path_factory.mktemp("visited"), count) for count in (FEW, MANY)]
    yield made
    for database in made:
        database.close()


def _filled(folder: Path, count: int) -> Database:
    database = Database(f"sqlite:///{folder}/c.db")
    database.upgrade()
    office_rows.fill(database, sa.create_engine(f"sqlite:///{folder}/cdr.db"), count)
    return database


def _steps(database: Database, case: catalogue_cases.Case) -> int:
    """How many steps SQLite makes for a question of a kind."""
    dice, counted = random.Random(case.name), 0  # noqa: S311

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    with database.read() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(count, EACH)
        wanted, reach = case.question(dice)
        finding.search(connection, replace(wanted, limit=LIMIT), reach=reach)
        driver.set_progress_handler(None, EACH)
    return counted * EACH


def test_a_search_visits_no_more_among_more(offices: list[Database], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "AT_HAND", AT_HAND)
    few, many = offices
    found = {case.name: (_steps(few, case), _steps(many, case)) for case in CASES}
    assert {name: steps for name, steps in found.items() if steps[1] > 2 * steps[0]} == {}
