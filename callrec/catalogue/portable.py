"""Takes all rows out of a database and puts them into another one, of whichever kind, as they are.

Which tables and columns there are is read off the database itself, not off callrec.catalogue.tables: so rows
of an older version go back into a database of that version, and migrations bring them up from there. What a
database of either kind can hold is told in JSON by the kind of its column: bytes in base64, moments in UTC
with their microseconds, days as ISO, all else as JSON has it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from callrec.catalogue.columns import Day, Json, Moment
from callrec.errors import CatalogueDamaged, EvidenceBroken, Refused

AT_ONCE = 1000
"""Rows in memory at a time."""
VERSION = "alembic_version"
MADE_WITH_TABLES = "revision"
"""A table in which the first migration writes a row."""
Row = list[Any]
"""The values of a row as plain JSON, in the order of the columns."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of columns: what a value is in Python, how SQLAlchemy has it, and how it is told in JSON."""

    of: tuple[type, ...]
    type: Any
    told: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None


KINDS = {
    "text": Kind((str,), sa.Text()),
    "boolean": Kind((bool,), sa.Boolean()),
    "integer": Kind((int,), sa.BigInteger()),
    "float": Kind((float, int), sa.Float()),
    "bytes": Kind(
        (bytes, memoryview),
        sa.LargeBinary(),
        lambda value: base64.b64encode(value).decode(),
        lambda told: base64.b64decode(told, validate=True),
    ),
    "moment": Kind(
        (datetime,), Moment(), lambda value: value.astimezone(UTC).isoformat(), datetime.fromisoformat
    ),
    "day": Kind((date,), Day(), lambda value: value.isoformat(), date.fromisoformat),
    "json": Kind((dict, list, str, int, float, bool), Json),
}
"""By the name that a backup has for it. Whoever stores one otherwise some day gives it another name: what is
named here is read for ever."""
_OF: tuple[tuple[type[Any], str], ...] = (
    (sa.Boolean, "boolean"),
    (sa.DateTime, "moment"),
    (sa.Date, "day"),
    (sa.JSON, "json"),
    (sa.LargeBinary, "bytes"),
    (sa.Integer, "integer"),
    (sa.Float, "float"),
    (sa.String, "text"),
)


@dataclass(frozen=True, slots=True)
class PortableTable:
    """A table, its columns with their kinds, and those that its rows are told apart by."""

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]

    @property
    def table(self) -> Any:
        return sa.table(
            self.name, *(sa.column(name, KINDS[kind].type) for name, kind in self.columns.items())
        )


def tables(connection: sa.Connection) -> list[PortableTable]:
    """Returns all tables of a database, those first that others refer to."""
    inspector = sa.inspect(connection)
    names = [name for name, _ in inspector.get_sorted_table_and_fkc_names() if name and name != VERSION]
    return [_portable(inspector, name) for name in names]


def _portable(inspector: Any, name: str) -> PortableTable:
    columns = {each["name"]: _kind(each["type"]) for each in inspector.get_columns(name)}
    return PortableTable(name, columns, tuple(inspector.get_pk_constraint(name)["constrained_columns"]))


def _kind(found: Any) -> str:
    return next(kind for type_, kind in _OF if isinstance(found, type_))


# --- out


def rows(connection: sa.Connection, table: PortableTable) -> Iterator[Row]:
    """Yields the rows of a table, in the order of its key, as they come. Raises CatalogueDamaged for one that
    something else than callrec has changed."""
    wanted = table.table
    query = sa.select(wanted).order_by(*(wanted.c[name] for name in table.key))
    kinds = [KINDS[kind] for kind in table.columns.values()]
    for row in connection.execute(query.execution_options(yield_per=AT_ONCE)):
        yield [_told(kind, value, table, row) for kind, value in zip(kinds, row, strict=True)]


def _told(kind: Kind, value: Any, table: PortableTable, row: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, kind.of):
        raise _damaged(table, row)
    return kind.told(value) if kind.told else value


def _damaged(table: PortableTable, row: Any) -> CatalogueDamaged:
    wrong = (
        name
        for (name, kind), value in zip(table.columns.items(), row, strict=True)
        if value is not None and not isinstance(value, KINDS[kind].of)
    )
    return CatalogueDamaged(
        "row {key} of table {table} in the database is damaged ({column}): something else than callrec "
        "has changed it; restore the database from a copy",
        key=" ".join(str(row._mapping[name]) for name in table.key),
        table=table.name,
        column=next(wrong, "—"),
    )


# --- in


def require_empty(connection: sa.Connection) -> None:
    """Raises Refused where there is a row of anything but what comes with the tables."""
    for table in tables(connection):
        if table.name != MADE_WITH_TABLES and connection.execute(sa.select(table.table).limit(1)).first():
            raise Refused(
                "the database has rows already ({table}): a backup goes into an empty one, and nothing is "
                "written over",
                table=table.name,
            )


def fill(connection: sa.Connection, table: PortableTable, some: Iterable[Row]) -> int:
    """Writes all rows of a table, in place of what came with it; returns how many. Raises EvidenceBroken for
    what is no row of it, and Refused where the database does not take one."""
    wanted = table.table
    if table.name == MADE_WITH_TABLES:
        connection.execute(sa.delete(wanted))
    kinds = [KINDS[kind] for kind in table.columns.values()]
    count, rest = 0, iter(some)
    while batch := [_read(table, kinds, row) for row in islice(rest, AT_ONCE)]:
        try:
            connection.execute(sa.insert(wanted), batch)
        except (DataError, IntegrityError, StatementError, UnicodeEncodeError) as error:
            if isinstance(error, DBAPIError) and not isinstance(error, (DataError, IntegrityError)):
                raise  # the database is away: callrec.catalogue.database says so
            raise _not_taken(table) from error
        count += len(batch)
    return count


def count(connection: sa.Connection, table: PortableTable) -> int:
    """Returns how many rows a table has."""
    return int(connection.scalar(sa.select(sa.func.count()).select_from(table.table)) or 0)


def _read(table: PortableTable, kinds: Sequence[Kind], row: Row) -> dict[str, Any]:
    try:
        values = [
            kind.read(told) if kind.read and told is not None else told
            for kind, told in zip(kinds, row, strict=True)
        ]
    except (TypeError, ValueError, binascii.Error) as error:
        raise EvidenceBroken(
            "{row} is no row of table {table}", row=str(row)[:80], table=table.name
        ) from error
    return dict(zip(table.columns, values, strict=True))


def _not_taken(table: PortableTable) -> Refused:
    return Refused(
        "this database does not take the rows of table {table}: restore into the kind of database that they "
        "come from; nothing was restored",
        table=table.name,
    )


def finish(connection: sa.Connection) -> None:
    """Has numbers that the database gives begin behind those there are, and looks whether all that rows refer
    to is there. Raises EvidenceBroken where something is not."""
    if connection.dialect.name == "postgresql":
        for table in tables(connection):
            _count_on(connection, table)
        return
    astray = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if astray:
        raise EvidenceBroken("rows of table {table} refer to what is not there", table=astray[0])


def _count_on(connection: sa.Connection, table: PortableTable) -> None:
    if len(table.key) != 1 or table.columns[table.key[0]] != "integer":
        return
    sequence = sa.func.pg_get_serial_sequence(table.name, table.key[0])
    newest = connection.scalar(sa.select(sa.func.max(table.table.c[table.key[0]])))
    if newest is not None and connection.scalar(sa.select(sequence)):
        connection.execute(sa.select(sa.func.setval(sequence, newest)))
