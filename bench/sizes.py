"""How many bytes the tables and indexes of a catalogue take on the disk."""

from __future__ import annotations

import sqlalchemy as sa

_OF_SQLITE = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
_OF_POSTGRESQL = (
    "SELECT relname, pg_relation_size(oid) FROM pg_class "
    "WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace"
)
EMPTY = 40_000
"""Bytes of one that nothing was written into, at the most."""


def of_each(connection: sa.Connection) -> dict[str, int]:
    """Returns the bytes of each table and index that is not empty, by its name."""
    query = _OF_SQLITE if connection.dialect.name == "sqlite" else _OF_POSTGRESQL
    found = {str(name): int(size) for name, size in connection.exec_driver_sql(query)}
    return {name: size for name, size in found.items() if size > EMPTY}


def whole(connection: sa.Connection) -> int:
    """Returns the bytes of all of them."""
    return sum(of_each(connection).values())
