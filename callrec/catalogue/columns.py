"""The kinds of columns that tables have: moments, days, ids, hashes, JSON plain or packed.

Each reads what is damaged as such. What is large in number is small in the database: ids and hashes have as
many bytes as they say, moments are a number in SQLite, which has no type for them.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from callrec import ids
from callrec.catalogue.packing import pack, unpack
from callrec.catalogue.rows import readable

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX = re.compile("[0-9a-f]+")


class Moment(sa.TypeDecorator[datetime]):
    """Stores a time in UTC. Naive times are refused. SQLite gets the microseconds since 1970."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        return to_microseconds if dialect.name == "sqlite" else _in_utc

    def literal_processor(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return lambda value: str(to_microseconds(value))
        return super().literal_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return readable(from_microseconds if dialect.name == "sqlite" else _in_utc)


def to_microseconds(moment: datetime | None) -> int | None:
    """Returns a time as SQLite has it."""
    utc = _in_utc(moment)
    return None if utc is None else (utc - EPOCH) // MICROSECOND


def from_microseconds(value: Any) -> datetime | None:
    """Returns the time that SQLite has. Raises ValueError and OverflowError for what is none."""
    if value is None:
        return None
    if not isinstance(value, int):
        raise TypeError("it is no number of microseconds")
    return EPOCH + value * MICROSECOND


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a time without a zone must not be stored")
    return moment.astimezone(UTC)


class _Bytes(sa.TypeDecorator[str]):
    """Stores a text that mostly is of one form, `length` bytes in hexadecimal, as these bytes; one of another
    form as it is, in UTF-8. Sorted in bytes, those of that form sort as texts."""

    impl = sa.LargeBinary
    cache_ok = True
    length: ClassVar[int]

    @classmethod
    def to_bytes(cls, text: str | None) -> bytes | None:
        """Returns a text as the database has it."""
        if text is None:
            return None
        if cls._fits(text):
            return bytes.fromhex(text.replace("-", ""))
        data = text.encode("utf-8", "surrogatepass")
        return data + b"\0" if cls._is_told_apart(data) else data

    @classmethod
    def to_text(cls, data: Any) -> str | None:
        """Returns the text that the database has. Raises TypeError and ValueError for what is none."""
        if data is None:
            return None
        if not isinstance(data, (bytes, memoryview)):
            raise TypeError("it is no bytes")
        whole = bytes(data)
        if len(whole) == cls.length:
            return cls._written(whole.hex())
        text = whole[:-1] if cls._is_told_apart(whole) else whole
        return text.decode("utf-8", "surrogatepass")

    @classmethod
    def _is_told_apart(cls, data: bytes) -> bool:
        """Returns whether a text has one NUL more in the database: of `length` bytes, it would be taken for
        one of the form, and with NULs behind these for such a text."""
        return len(data) >= cls.length and not data[cls.length :].strip(b"\0")

    @classmethod
    def _fits(cls, text: str) -> bool:
        return len(text) == cls.length * 2 and _HEX.fullmatch(text) is not None

    @classmethod
    def _written(cls, digits: str) -> str:
        return digits

    def bind_processor(self, dialect: Dialect) -> Any:
        return self.to_bytes

    def literal_processor(self, dialect: Dialect) -> Any:
        form = "X'{}'" if dialect.name == "sqlite" else "'\\x{}'::bytea"
        return lambda value: form.format((self.to_bytes(value) or b"").hex())

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return readable(self.to_text)


class Id(_Bytes):
    """Stores the id of a call or a recording."""

    cache_ok = True
    length = 16

    @classmethod
    def _fits(cls, text: str) -> bool:
        return _ID.fullmatch(text) is not None

    @classmethod
    def _written(cls, digits: str) -> str:
        return ids.of_digits(digits)


class Sha256(_Bytes):
    """Stores a SHA-256 that is told in hexadecimal."""

    cache_ok = True
    length = 32


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
