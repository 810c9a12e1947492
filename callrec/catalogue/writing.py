"""Writes rows that may be there already."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

import sqlalchemy as sa


def inserted(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> bool:
    """Writes a row, unless there is one with its key. Returns whether it was written."""
    # Not by the count of rows: of an INSERT not every driver tells it.
    return connection.scalar(_insertion_told(connection.dialect.name, table), row) is not None


def insert_once(connection: sa.Connection, table: sa.Table, *rows: dict[str, Any]) -> None:
    """Writes rows with the same columns, but for those that are there."""
    if rows:
        connection.execute(_insertion(connection.dialect.name, table), rows)


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    key: dict[str, Any],
    values: dict[str, Any],
    *,
    once: Collection[str] = (),
) -> None:
    """Writes a row, or brings the one with this key up to date, but for the columns that are written once."""
    newer = tuple(name for name in values if name not in once)
    statement = replacement(connection.dialect.name, table, tuple(key), newer)
    connection.execute(statement, {**key, **values})


@cache  # to make a statement, and what it is known by, takes SQLAlchemy longer than to execute it
def _insertion(dialect: str, table: sa.Table) -> sa.Executable:
    statement: sa.Executable = _insert(dialect, table).on_conflict_do_nothing()
    return statement


@cache
def replacement(dialect: str, table: sa.Table, key: tuple[str, ...], newer: tuple[str, ...]) -> sa.Executable:
    """Returns the statement that writes a row, or these columns of it where there is one with this key."""
    insertion = _insert(dialect, table)
    columns = {name: insertion.excluded[name] for name in newer}
    statement: sa.Executable = insertion.on_conflict_do_update(index_elements=key, set_=columns)
    return statement


def _insert(dialect: str, table: sa.Table) -> Any:
    """Returns an INSERT of the database's own kind: only that knows what to do about a row that is there."""
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


@cache
def _insertion_told(dialect: str, table: sa.Table) -> sa.Executable:
    statement: sa.Executable = _insert(dialect, table).on_conflict_do_nothing().returning(*table.primary_key)
    return statement
