"""The kinds of columns that tables have: moments, days, JSON plain or packed. Each reads what is damaged as
such."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from callrec.catalogue.packing import pack, unpack
from callrec.catalogue.rows import readable


class Moment(sa.TypeDecorator[datetime]):
    """Stores a time in UTC. Naive times are refused; SQLite, which has no zones, gets UTC without one."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return readable(super().result_processor(dialect, coltype))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone must not be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Day(sa.TypeDecorator[date]):
    """Stores a day of the office's calendar."""

    impl = sa.Date
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return readable(super().result_processor(dialect, coltype))


class _Json(sa.TypeDecorator[Any]):
    """Stores plain JSON, in PostgreSQL as JSONB. None is NULL."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "postgresql":
            return super().load_dialect_impl(dialect)
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB(none_as_null=True))

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return readable(super().result_processor(dialect, coltype))


class Packed(sa.TypeDecorator[Any]):
    """Stores JSON in few bytes, which only callrec reads: nothing in it is asked for in SQL. None is NULL."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else pack(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else unpack(value)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return readable(super().result_processor(dialect, coltype))


Json = _Json()


def plain_row(table: sa.Table, row: Any) -> dict[str, Any]:
    """Returns a row of a table as plain JSON."""
    return {each.name: _plain(getattr(row, each.name)) for each in table.columns}


def read_row(table: sa.Table, plain: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of a row that is told as plain JSON. Raises KeyError, TypeError and ValueError for
    what is none."""
    return {each.name: _value(each.type, plain[each.name]) for each in table.columns}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _value(kind: Any, told: Any) -> Any:
    if told is None or not isinstance(kind, (Moment, Day)):
        return told
    return datetime.fromisoformat(told) if isinstance(kind, Moment) else date.fromisoformat(told)


def column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    """Returns a column that is never NULL, unless it is told to be."""
    return sa.Column(name, kind, nullable=options.pop("nullable", False), **options)
