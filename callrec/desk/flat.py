"""Reads and writes as JSON what is flat: words, numbers, moments, and classes made of them alone. What people
search with and for is, and pydantic, which reads all else, takes longer to load than the desk to answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from types import UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

Read = Callable[[Any], Any]
"""Makes a value of what JSON has. Raises ValueError, TypeError or KeyError where it is none."""


def reader(kind: Any) -> Read | None:
    """Returns what reads values of a type; None of a type that is not flat."""
    if isinstance(kind, NewType):
        return reader(kind.__supertype__)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _of_class(kind)
    if get_origin(kind) in (Union, UnionType):
        return _or_none(kind)
    if get_origin(kind) is tuple and get_args(kind)[1:] == (...,):
        return _of_many(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    return _SIMPLE.get(kind)


def plain(value: Any) -> Any:
    """Returns what JSON has for a value of a flat type: for `json.dumps` as its `default`."""
    if isinstance(value, datetime):
        return value.isoformat()
    return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}


def _of_class(kind: type) -> Read | None:
    hints = get_type_hints(kind)
    readers = {each.name: reader(hints[each.name]) for each in dataclasses.fields(kind)}
    read = {name: each for name, each in readers.items() if each}

    def made(found: Any) -> Any:
        if not isinstance(found, dict):
            _refuse(found)
        return kind(**{name: each(found[name]) for name, each in read.items() if name in found})

    return made if len(read) == len(readers) else None


def _or_none(kind: Any) -> Read | None:
    """Returns what reads a value or none: what may be of several types is not flat."""
    others = [each for each in get_args(kind) if each is not type(None)]
    read = reader(others[0]) if len(others) == 1 else None
    return None if read is None else lambda found: None if found is None else read(found)


def _of_many(kind: Any) -> Read | None:
    read = reader(kind)
    return None if read is None else lambda found: tuple(map(read, _a_list(found)))


def _a_list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else _refuse(found)


def _simple(kind: type) -> Read:
    return lambda found: found if type(found) is kind else _refuse(found)


def _text(found: Any) -> str:
    text: str = found if type(found) is str else _refuse(found)
    text.encode()  # half a pair of surrogates, which JSON can have, no database takes
    return text


def _number(found: Any) -> float:
    return float(found) if type(found) in (int, float) else _refuse(found)


def _refuse(found: Any) -> Any:
    raise TypeError(f"{type(found)} was not expected")


_SIMPLE: dict[Any, Read] = {
    **{kind: _simple(kind) for kind in (int, bool)},
    str: _text,
    float: _number,
    datetime: datetime.fromisoformat,
}
