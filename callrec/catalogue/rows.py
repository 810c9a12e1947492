"""Reads rows of the database as what they stand for, and names the row where one was damaged.

A database can be edited by hand, restored by halves, or rot. Columns of times and of JSON give `Unreadable`
for a value that is none (`readable`), so that the other rows of a result can be read; `RowReader` then checks
every value of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from callrec.errors import CallrecError, CatalogueDamaged

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a value that its column cannot hold."""

    value: Any


def readable(process: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """Returns what reads the values of a column as `process` does, but gives Unreadable where it raises."""
    if process is None:
        return None

    def read(value: Any) -> Any:
        try:
            return process(value)
        except (ValueError, TypeError, OverflowError, RecursionError):
            return Unreadable(value)

    return read


class RowReader(Generic[T]):
    """Reads the rows of one table, whose key is in `key`, as objects of one type."""

    def __init__(self, kind: type[T], table: str, *key: str) -> None:
        self._kind, self._table, self._key = kind, table, key

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        """Made with the first row: it takes longer than to read a hundred."""
        return TypeAdapter(self._kind)

    def __call__(self, row: Any, values: Callable[[Any], Any]) -> T:
        """Returns what a row stands for: an object made of `values` of it, each of which is checked.

        Raises CatalogueDamaged where one is not what its column is for.
        """
        try:
            return self._adapter.validate_python(values(row))
        except (
            ValidationError,
            CallrecError,
            ValueError,
            TypeError,
            AttributeError,
            RecursionError,
        ) as error:
            raise self.damaged(row, error) from error

    def damaged(self, row: Any, error: Exception) -> CatalogueDamaged:
        """Returns the error that names a row, and the column where that is known."""
        where = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
        return CatalogueDamaged(
            "row {key} of table {table} in the database is damaged ({column}): something else than callrec "
            "has changed it; restore the database from a copy",
            key=" ".join(str(getattr(row, name, "—")) for name in self._key),
            table=self._table,
            column=".".join(map(str, where)) or "—",
        )


def read_all(
    rows: Iterable[Any], read: Callable[[Any], T], passed_over: Callable[[CatalogueDamaged], None] | None
) -> list[T]:
    """Returns what some rows stand for. Damaged ones are told to `passed_over`, and left out; without it,
    raises CatalogueDamaged for the first."""
    found: list[T] = []
    for row in rows:
        try:
            found.append(read(row))
        except CatalogueDamaged as error:
            if passed_over is None:
                raise
            passed_over(error)
    return found
