"""Rows of every table go out of a database and into another one as they are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from callrec.catalogue import custody, portable, tables
from callrec.catalogue.database import Connection, Database
from callrec.errors import CatalogueDamaged, CatalogueNewer, EvidenceBroken, Refused
from tests import every_table
from tests.old_database import migrated
from tests.tampering import altered


@pytest.fixture
def full(database: Database) -> Database:
    every_table.fill(database)
    return database


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Database]:
    """A database of which there is nothing yet."""
    made = Database(f"sqlite:///{tmp_path}/other.db")
    yield made
    made.close()


def _filled(source: Database, target: Database, version: str) -> None:
    rows = every_table.everything(source)

    def fill(connection: Connection) -> None:
        portable.require_empty(connection)
        for each in portable.tables(connection):
            portable.fill(connection, each, rows[each.name])
        portable.finish(connection)

    with target.filled(version, fill):
        pass


def test_every_table_has_rows_and_all_are_as_they_were(full: Database, other: Database) -> None:
    _filled(full, other, full.versions()[1])
    found = every_table.everything(other)
    assert found == every_table.everything(full)
    assert found.keys() == {each.name for each in tables.metadata.sorted_tables}
    assert all(found.values()), "a table without rows shows nothing"
    with full.read() as one, other.read() as two:
        assert custody.broken_at(two) is None and custody.head(one) == custody.head(two)
        for table in tables.metadata.sorted_tables:
            rows = sa.select(table).order_by(*table.primary_key)
            assert one.execute(rows).all() == two.execute(rows).all()


def test_rows_of_an_older_version_come_up_to_this_one(full: Database, other: Database) -> None:
    there = every_table.everything(full)
    migrated(full, "0015")
    _filled(full, other, "0015")
    assert other.versions() == (other.versions()[1],) * 2
    assert every_table.everything(other) == there


def test_an_empty_database_of_now_takes_those_of_before(full: Database, other: Database) -> None:
    other.upgrade()
    migrated(full, "0015")
    _filled(full, other, "0015")
    other.require_current()


def test_a_newer_version_is_refused_and_no_file_is_made(other: Database, tmp_path: Path) -> None:
    with pytest.raises(CatalogueNewer, match="9999 of a newer callrec"), other.filled("9999", lambda _: None):
        pass
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("table", [each for each in tables.metadata.sorted_tables if each.name != "revision"])
def test_a_row_of_any_table_is_not_written_over(full: Database, table: sa.Table) -> None:
    with full.begin() as connection, altered(connection):
        for each in reversed(tables.metadata.sorted_tables):
            if each not in (table, *_referred(table)):
                connection.execute(each.delete())
    with full.read() as connection, pytest.raises(Refused, match="has rows already"):
        portable.require_empty(connection)


def _referred(table: sa.Table) -> set[sa.Table]:
    """The tables to which rows of one refer, and those to which their rows do."""
    direct = {key.column.table for key in table.foreign_keys}
    return direct.union(*map(_referred, direct)) | {tables.revision}


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("calls", "started_at", "noon"),
        ("calls", "extension", b"\xff"),
        ("facilities", "support_mail", "{"),
        ("recordings", "size", "many"),
        ("custody", "hash", "text"),
    ],
)
def test_a_damaged_value_is_named(full: Database, table: str, column: str, value: Any) -> None:
    with full.begin() as connection, altered(connection):
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = ?", (value,))  # noqa: S608
    with pytest.raises(CatalogueDamaged, match=f"table {table} in the database is damaged .{column}"):
        every_table.everything(full)


@pytest.mark.parametrize("row", [[], ["x"] * 25, [None, "noon", *[None] * 19], {"id": 1}, "x", 1, None])
def test_what_is_no_row_is_refused(full: Database, other: Database, row: Any) -> None:
    def fill(connection: Connection) -> None:
        (calls,) = (each for each in portable.tables(connection) if each.name == "calls")
        portable.fill(connection, calls, [row])

    with pytest.raises((EvidenceBroken, Refused)), other.filled("0016", fill):
        pass
    assert not other.file or not other.file.exists()


def test_what_goes_wrong_leaves_the_database_as_it_was(
    full: Database, other: Database, tmp_path: Path
) -> None:
    other.upgrade()
    before = every_table.everything(other)
    other.close()
    shutil.copy(tmp_path / "other.db", tmp_path / "before.db")

    def fill(connection: Connection) -> None:
        (facilities,) = (each for each in portable.tables(connection) if each.name == "facilities")
        portable.fill(connection, facilities, [["shiba", "芝", None, None]])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), other.filled("0015", fill):
        pass
    assert every_table.everything(other) == before
    other.require_current()
