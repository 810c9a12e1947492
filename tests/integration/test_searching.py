"""A search finds in PostgreSQL what reading everything finds: all filters, sorts, pages and reaches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from callrec.catalogue.database import Database
from callrec.model.access import Reach
from callrec.model.found import SearchQuery
from tests import searched
from tests.integration.desk_office import own_database


@pytest.fixture(scope="module")
def filled(postgresql: str) -> Iterator[Database]:
    database = Database(own_database(postgresql))
    database.upgrade()
    searched.fill(database)
    yield database
    database.close()


@given(wanted=searched.queries, reach=searched.reaches)
@settings(max_examples=40)
def test_a_search_finds_what_reading_everything_finds(
    filled: Database, wanted: SearchQuery, reach: Reach
) -> None:
    with filled.read() as connection:
        searched.check(connection, wanted, reach)


@given(wanted=searched.queries, reach=searched.reaches)
@settings(max_examples=40)
def test_a_search_finds_the_same_among_many(filled: Database, wanted: SearchQuery, reach: Reach) -> None:
    with searched.as_among_many(), filled.read() as connection:
        searched.check(connection, wanted, reach)


def test_what_searches_go_by_is_the_same_by_the_migration(postgresql: str) -> None:
    database = Database(own_database(postgresql))
    database.upgrade()
    searched.check_migration(database)
    database.close()
