"""A database with rows in every table there is, also in those that are yet to come, with values that are
easily lost on the way from one kind of database to the other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from callrec import ids
from callrec.catalogue import custody, portable, tables
from callrec.catalogue.columns import Day, Id, Moment, Packed, Sha256
from callrec.catalogue.database import Database

AT = datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC)
EARLY = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_JSON = {"芝": ["😀", 1.5, None, True, 2**53], "": {}}
CHANGED = (tables.revision, tables.custody)
"""Tables whose rows are not made freely: the first migration has made the one, the others are a chain."""


def fill(database: Database) -> None:
    with database.begin() as connection:
        for table in tables.metadata.sorted_tables:
            if table not in CHANGED:
                connection.execute(table.insert(), [_row(table, 1), _row(table, 2)])
        connection.execute(tables.revision.update().values(number=41))
        for number, action in enumerate(("captured", "heard", "refused")):
            details = {"odd": ["x", 1.5, None, "芝"], "number": number}
            custody.append(connection, "", action, who="佐藤", at=AT, **details)


def everything(database: Database) -> dict[str, list[portable.Row]]:
    """All rows, as they are told."""
    with database.snapshot() as connection:
        return {each.name: list(portable.rows(connection, each)) for each in portable.tables(connection)}


def _row(table: sa.Table, number: int) -> dict[str, Any]:
    return {each.name: _value(each, number) for each in table.columns}


def _value(column: sa.Column[Any], number: int) -> Any:
    """The second row has no values where there need be none. Of two rows each refers to the one with its
    number."""
    if column.nullable and number == 2:
        return None
    kind, length = column.type, getattr(column.type, "length", None)
    match kind:
        case Id():
            return ids.derived(AT, str(number))
        case Sha256():
            return f"{number:064x}"
        case Moment():
            return AT if number == 1 else EARLY
        case Day():
            return date(2026, 11, number)
        case sa.Boolean():
            return number == 1
        case sa.Float():
            return 0.1 + number
        case sa.Integer():
            return number if isinstance(kind, sa.SmallInteger) else 2**31 - 9 + number
        case sa.String():
            said = f"芝'\"\\ {number}"
            return said if length is None or length >= len(said) else said[:length]
        case Packed():
            return _JSON
    return _JSON
