"""The database goes up to this version and back: what was there stays, and what would be lost is refused."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from callrec.catalogue import calls, tables
from callrec.catalogue.database import Database
from callrec.catalogue.packing import pack
from callrec.catalogue.rows import Unreadable
from tests import searched
from tests.old_database import check_migration, migrated
from tests.tampering import altered
from tests.unit.samples import call


def test_the_tables_are_those_of_the_migrations(database: Database) -> None:
    with database.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_the_migration_keeps_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "old.db").touch()
    database = Database(f"sqlite:///{tmp_path}/old.db")
    check_migration(database)
    database.close()


# --- 0014


@pytest.fixture
def older(database: Database) -> Database:
    """A database of version 0013, with one call."""
    with database.begin() as connection:
        calls.save_call(connection, call(dialled="+81398760014"))
    migrated(database, "0013")
    return database


def _changed(database: Database, statement: str, *values: Any) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql(statement, values)


def _value(database: Database, query: str) -> Any:
    with database.read() as connection:
        return connection.exec_driver_sql(query).scalar_one()


def test_a_call_without_its_number_is_found_by_what_was_dialled(older: Database) -> None:
    _changed(older, "UPDATE calls SET number = NULL, erased_at = '2027-01-01 00:00:00.000000'")
    migrated(older, "head")
    assert "+81398760014" in _value(older, "SELECT more_numbers FROM calls")


def test_half_a_pair_of_surrogates_goes_up_and_comes_back(older: Database) -> None:
    said = r'{"x": "\ud800 \u0000"}'
    _changed(older, "UPDATE calls SET details = ?", said)
    migrated(older, "head")
    migrated(older, "0013")
    assert _value(older, "SELECT details FROM calls") == said


def test_what_postgresql_cannot_keep_is_replaced_and_counted() -> None:
    unpacked = import_module("migrations.versions.0014_smaller_rows").Unpacked(is_jsonb=True)
    assert unpacked(pack({"x": ["芝 😀 \\u0000"]})) == json.dumps({"x": ["芝 😀 \\u0000"]})
    assert not unpacked.replaced
    assert json.loads(unpacked(pack({"\0": ["a\ud800", 1]}))) == {"\ufffd": ["a\ufffd", 1]}
    assert unpacked.replaced == 1


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("calls", "id", b"\xff"),
        ("calls", "number", b"\xff"),
        ("calls", "details", b"\xff"),
        ("calls", "started_at", b"\xff"),
        ("custody", "recording_id", b"\xff"),
        ("custody", "previous", b"\xff"),
        ("custody", "hash", b"\xff"),
        ("custody", "details", b"\xff"),
        ("pbxs", "seen_at", b"\xff"),
    ],
)
@pytest.mark.parametrize("kind", ["BLOB", "TEXT"])
def test_damaged_rows_go_up_and_come_back(
    older: Database, table: str, column: str, value: bytes, kind: str
) -> None:
    """They are named by what reads them, and keep nobody from a newer callrec."""
    with older.begin() as connection:
        for each in ("participants", "call_facilities"):
            connection.exec_driver_sql(f"DELETE FROM {each}")  # noqa: S608
        connection.exec_driver_sql(
            "INSERT INTO custody (seq, at, who, recording_id, action, details, previous, hash)"
            " VALUES (1, '2026-11-22 01:00:00.000000', 'test', 'x', 'x', '{}', 'x', 'x')"
        )
        connection.exec_driver_sql(
            "INSERT INTO pbxs (name, identity, seen_at, epoch, owner, machine)"
            " VALUES ('x', 'x', '2026-11-22 01:00:00.000000', 1, 'x', 'x')"
        )
        with altered(connection):
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = CAST(? AS {kind})", (value,))  # noqa: S608
    migrated(older, "head")
    migrated(older, "0013")
    assert _value(older, f"SELECT count(*) FROM {table}") == 1  # noqa: S608


@pytest.mark.parametrize("value", [20260101, 1.5])
def test_a_number_does_not_become_a_moment(older: Database, value: float) -> None:
    _changed(older, "UPDATE calls SET started_at = ?", value)
    migrated(older, "head")
    with older.read() as connection:
        found = connection.execute(sa.select(tables.calls.c.started_at)).scalar_one()
    assert found == Unreadable(str(value).encode())


# --- 0015


def test_what_searches_go_by_is_the_same_by_the_migration(database: Database) -> None:
    searched.check_migration(database)
