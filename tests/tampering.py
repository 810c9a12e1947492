"""Changes rows of the custody log, as somebody who may do anything to the database would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def altered(connection: sa.Connection) -> Iterator[sa.Connection]:
    """Takes what refuses it out of the way, and puts it back."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE custody DISABLE TRIGGER USER")
        yield connection
        connection.exec_driver_sql("ALTER TABLE custody ENABLE TRIGGER USER")
        return
    triggers = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'custody'"
    ).all()
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield connection
    for _, statement in triggers:
        connection.exec_driver_sql(statement)
