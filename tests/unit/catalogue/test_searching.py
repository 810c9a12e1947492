"""A search finds what reading everything finds: all filters, sorts, pages and reaches, in SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given

from callrec.catalogue import searching, streams
from callrec.catalogue.database import Database
from callrec.model.access import Reach
from callrec.model.found import SearchQuery
from tests import searched


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
    """As where more than can be collected is in a range, and more facilities in reach than are read."""
    with pytest.MonkeyPatch.context() as patch, filled.read() as connection:
        patch.setattr(searching, "AT_HAND", 3)
        patch.setattr(streams, "MOST_FACILITIES", 1)
        searched.check(connection, wanted, reach)
