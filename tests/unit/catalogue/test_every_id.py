"""All ids there should be, a page at a time: of rows and of the custody log alike, each once, in order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from callrec import ids
from callrec.catalogue import custody, tables, traces
from callrec.catalogue.database import Database
from callrec.catalogue.finding import FIRST_ID
from callrec.model.access import EVERYWHERE
from tests.unit.kept_recording import archive

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize("page", [1, 2, 3, 7, 8, 100])
def test_pages_are_as_good_as_all_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Some have no row any more: at the beginning, in between, and at the end."""
    made = sorted(ids.new() for _ in range(7))
    for id_ in made:
        archive(database, None, NOW, id=id_)
        with database.begin() as connection:
            said = {"key": f"recordings/shiba/2026/11/29/{id_}.flac"}
            custody.append(connection, id_, "archived", who="callrec", at=NOW, **said)
    with database.begin() as connection:
        gone = tables.recordings.c.id.in_([made[0], made[3], made[6]])
        connection.execute(tables.recordings.delete().where(gone))
    monkeypatch.setattr(traces, "PAGE", page)
    assert list(traces.every_id(database.read, EVERYWHERE, FIRST_ID)) == made
    assert list(traces.every_id(database.read, EVERYWHERE, made[3])) == made[3:]
    with database.read() as connection:
        assert traces.ids(connection, EVERYWHERE) == made


@pytest.mark.parametrize("page", [1, 2, 3])
def test_an_odd_id_ends_no_page(database: Database, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    made = ["01a20000-0000-7000-8000-000000000001", "old", "older"]
    for id_ in made:
        archive(database, None, NOW, id=id_)
    monkeypatch.setattr(traces, "PAGE", page)
    assert list(traces.every_id(database.read, EVERYWHERE, FIRST_ID)) == made
