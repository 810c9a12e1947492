"""How values and errors travel between desk and client: as JSON, checked on both sides.

A result is one line ``{"value": …}``; results that come one by one are a line each, and a last line
``{"end": true}``; a file is a line with what is said of it, and then its bytes in pieces, before each of
which is a line ``{"bytes": number}``. An error is a line ``{"error": class, "template": …, "values": {…}}``,
also in the middle: who asks reads it in the language of its own process.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, get_args, get_origin

from callrec import errors, sentences
from callrec.desk import flat
from callrec.desk.download import Download
from callrec.desk.operation import Operation
from callrec.errors import (
    CallrecError,
    CheckFailed,
    NotFound,
    OutOfSight,
    Unreachable,
    WrongEntries,
    WrongUsage,
)

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
MOST_ASKED = 3 << 23
"""Bytes that what is asked may have: a file of 16 MiB grows by a third on its way (Base64)."""
MOST_LINE = 1 << 28
"""Bytes that a line may have."""

_NOT_MEANT = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What is raised where JSON does not hold what was expected; pydantic's errors are ValueErrors."""
_CLASSES = {
    name: each
    for name, each in vars(errors).items()
    if isinstance(each, type) and issubclass(each, CallrecError)
}


class Codec(Protocol):
    """Writes and reads the values of one type. What cannot be read raises one of `_NOT_MEANT`."""

    def plain(self, value: Any) -> Any:
        """Returns what `json.dumps` writes, with `flat.plain` as its default."""

    def line(self, value: Any) -> bytes:
        """Returns a value as JSON on one line."""

    def read(self, found: Any) -> Any:
        """Returns the value that JSON has."""


class _Flat:
    def __init__(self, read: flat.Read) -> None:
        self.read = read

    def plain(self, value: Any) -> Any:
        return value

    def line(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":"), default=flat.plain).encode()


class _Typed:
    """Of any type, by pydantic."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from pydantic import TypeAdapter

        return TypeAdapter(self._kind)

    def plain(self, value: Any) -> Any:
        return self._adapter.dump_python(value, mode="json")

    def line(self, value: Any) -> bytes:
        return self._adapter.dump_json(value)

    def read(self, found: Any) -> Any:
        return self._adapter.validate_json(json.dumps(found))


def _codec(kind: Any) -> Codec:
    read = flat.reader(kind)
    return _Flat(read) if read else _Typed(kind)


@dataclass(frozen=True, slots=True)
class Signature:
    """The types of what an operation takes and gives."""

    parameters: inspect.Signature
    """Without the session."""
    taken: dict[str, Codec]
    given: Codec
    """Of the value, of each value, or of what is said of a file."""
    one_by_one: bool
    is_file: bool


@cache
def signature(wanted: Operation[..., Any]) -> Signature:
    """Returns the types of an operation, by its annotations."""
    whole = inspect.signature(wanted.function, eval_str=True)
    _, *parameters = whole.parameters.values()
    taken = {each.name: _codec(each.annotation) for each in parameters}
    kind = get_origin(whole.return_annotation)
    one_by_one, is_file = kind is Iterator, kind is Download
    inner = get_args(whole.return_annotation)[0] if one_by_one or is_file else whole.return_annotation
    return Signature(inspect.Signature(parameters), taken, _codec(inner), one_by_one, is_file)


def arguments(wanted: Operation[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """Returns what an operation is asked with, as one JSON object.

    Raises WrongUsage where it is too long, and UnicodeEncodeError for what was typed in another encoding.
    """
    types = signature(wanted)
    bound = types.parameters.bind(*args, **kwargs).arguments
    plain = {name: types.taken[name].plain(value) for name, value in bound.items()}
    asked = json.dumps(plain, ensure_ascii=False, default=flat.plain).encode()
    if len(asked) > MOST_ASKED:
        raise WrongUsage("that is too much to ask of the desk at once: at most {most} bytes", most=MOST_ASKED)
    return asked


def read_arguments(wanted: Operation[..., Any], data: bytes) -> dict[str, Any]:
    """Returns the arguments in a JSON object. Raises WrongUsage for what an operation does not take."""
    types = signature(wanted)
    try:
        plain = json.loads(data)
        given = {name: types.taken[name].read(each) for name, each in plain.items()}
        types.parameters.bind(**given)
    except _NOT_MEANT as error:
        raise WrongUsage(
            "the desk does not understand what was asked of {name}: is it of another version?",
            name=wanted.name,
        ) from error
    return given


def value_line(wanted: Operation[..., Any], value: Any) -> bytes:
    """Returns the line of a result. Raises CheckFailed for one that nobody would read."""
    line = b'{"value":' + signature(wanted).given.line(value) + b"}\n"
    if len(line) > MOST_LINE:
        raise CheckFailed("the answer is too long for one piece: ask for less at once")
    return line


def piece(data: bytes) -> bytes:
    """Returns a piece of a file, with its line."""
    return b'{"bytes":%d}\n' % len(data) + data


END_LINE = b'{"end":true}\n'
END = object()
"""What is read where results have come to their end."""


def read_line(wanted: Operation[..., Any], line: bytes) -> Any:
    """Returns the result in a line; END at the end of results. Raises the error that is in it, and
    Unreachable for a line that is not whole."""
    given = signature(wanted).given
    return _read(line, lambda found: END if "end" in found else given.read(found["value"]))


def read_piece(line: bytes) -> int:
    """Returns how many bytes of a file come after a line. Raises as `read_line` does."""
    return _read(line, lambda found: max(0, int(found["bytes"])))


def _read(line: bytes, meant: Callable[[dict[str, Any]], T]) -> T:
    """Returns what is meant by the JSON object in a line. Raises the error that is in it."""
    try:
        found = json.loads(line) if line.endswith(b"\n") else {}
        if "error" in found:
            raise _error(found)
        return meant(found)
    except _NOT_MEANT as error:
        if isinstance(error, CallrecError):
            raise
        raise Unreachable("the answer of the desk is not whole: see its log, then try again") from error


def error_line(error: CallrecError) -> bytes:
    """Returns the line of an error."""
    plain = {"error": _class(error), **sentences.plain(error)}
    if isinstance(error, WrongEntries):
        plain["entries"] = [[line, json.loads(error_line(each).decode())] for line, each in error.entries]
    return json.dumps(plain).encode() + b"\n"


def _class(error: CallrecError) -> str:
    """Returns the class that the client knows an error by: of one of a part's own, that it inherits from."""
    if isinstance(error, OutOfSight):
        return NotFound.__name__
    return next(each.__name__ for each in type(error).__mro__ if _CLASSES.get(each.__name__) is each)


def _error(found: dict[str, Any]) -> CallrecError:
    kind = _CLASSES.get(found["error"], CallrecError)
    made: CallrecError = kind.__new__(kind)
    said = sentences.read(found)
    CallrecError.__init__(made, said.template, **said.values)
    if isinstance(made, WrongEntries):
        made.entries = [(line, _error(each)) for line, each in found["entries"]]
    return made
