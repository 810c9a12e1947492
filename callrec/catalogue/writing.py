"""Writes rows that may be there already."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_once(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> bool:
    """Writes a row, unless it is there. Returns whether it was written."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(row).on_conflict_do_nothing()
    # Not by the count of rows: of an INSERT not every driver tells it.
    return connection.execute(statement.returning(*table.primary_key)).first() is not None


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    key: dict[str, Any],
    values: dict[str, Any],
    *,
    once: Collection[str] = (),
) -> None:
    """Writes a row, or brings the one with this key up to date, but for the columns that are written once."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values({**key, **values})
    newer = {name: value for name, value in values.items() if name not in once}
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=newer))
