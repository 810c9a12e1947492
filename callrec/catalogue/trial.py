"""Tries out whether the database takes what callrec writes, and asks for its clock. For `callrec doctor`."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from callrec.catalogue.tables import metadata

CHANGED = ("facilities", "extensions", "revision", "calls", "recordings", "alerts")
"""The tables of which rows are altered; to the others they are only added."""


def write_nothing(connection: sa.Connection) -> None:
    """Adds nothing to each table: a database that lets nobody write, or us not everywhere, refuses even that.

    The transaction raises CatalogueUnreachable then.
    """
    for table in metadata.sorted_tables:
        nothing = sa.select(table).where(sa.false())
        connection.execute(
            sa.insert(table).from_select(table.columns.keys(), nothing, include_defaults=False)
        )
        if table.name in CHANGED:
            column = next(iter(table.columns))
            connection.execute(sa.update(table).where(sa.false()).values({column: column}))


def may_make_tables(connection: sa.Connection) -> bool:
    """Returns whether this user of a PostgreSQL may make tables where it looks for them."""
    schema = sa.func.current_schema()
    asked = sa.select(sa.func.coalesce(sa.func.has_schema_privilege(schema, "CREATE"), sa.false()))
    return bool(connection.execute(asked).scalar_one())


def clock(connection: sa.Connection) -> datetime | None:
    """Returns the moment by the clock of the database's host; None of SQLite, which has none of its own."""
    if connection.dialect.name != "postgresql":
        return None
    found: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return found
