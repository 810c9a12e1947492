"""A search finds what reading everything finds: all filters, sorts, pages and reaches, in SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given

from callrec import ids
from callrec.catalogue import calls, lines, streams
from callrec.catalogue.database import Database
from callrec.model.access import EVERYWHERE, Reach
from callrec.model.found import SearchQuery
from tests import searched
from tests.unit.samples import START, call


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("searched")
    database = Database(f"sqlite:///{folder}/c.db")
    database.upgrade()
    searched.fill(database)
    yield database
    database.close()


@given(wanted=searched.queries, reach=searched.reaches)
def test_a_search_finds_what_reading_everything_finds(
    filled: Database, wanted: SearchQuery, reach: Reach
) -> None:
    with filled.read() as connection:
        searched.check(connection, wanted, reach)


@given(wanted=searched.queries, reach=searched.reaches)
def test_a_search_finds_the_same_among_many(filled: Database, wanted: SearchQuery, reach: Reach) -> None:
    with searched.as_among_many(), filled.read() as connection:
        searched.check(connection, wanted, reach)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_calls_of_one_moment_are_in_the_order_of_their_ids(
    database: Database, order: tuple[int, ...]
) -> None:
    """Whatever came first: a catalogue that is made again shows them as before."""
    made = [call(id=ids.derived(START, str(number))) for number in range(4)]
    with database.begin() as connection:
        for number in order:
            calls.save_call(connection, made[number])
        calls.save_call(connection, made[0])
        for sort in ("oldest", "newest"):
            found = lines.search(connection, SearchQuery(all_calls=True, sort=sort), reach=EVERYWHERE)
            assert [each.call_id for each in found] == sorted(
                (each.id for each in made), reverse=sort == "newest"
            )


@pytest.mark.parametrize("facility", [None, "shiba"])
@pytest.mark.parametrize("count", [streams.MOST_FACILITIES, 600])
def test_any_number_of_facilities_may_be_in_reach(filled: Database, facility: str | None, count: int) -> None:
    """SQLite takes 500 parts of a query in one row."""
    others = [f"x{number}" for number in range(count - 2)]
    wanted = SearchQuery(all_calls=True, test_calls=True, facility=facility, limit=1000)
    with filled.read() as connection:
        searched.check(connection, wanted, Reach(frozenset({"azabu", "mita", *others})))
