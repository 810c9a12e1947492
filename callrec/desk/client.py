"""Asks the desk: HTTP over its Unix socket."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from callrec.desk import wire
from callrec.desk.download import Download
from callrec.desk.operation import Operation
from callrec.errors import CallrecError, Unreachable
from callrec.failures import why

P = ParamSpec("P")
T = TypeVar("T")
SECONDS = 600.0
"""How long the desk may take until it says something: an hour of sound is verified meanwhile."""
MOST_LINE = 1 << 28


class RemoteDesk:
    """The desk at the other end of a socket. Raises Unreachable where it does not answer, or not whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def do(self, wanted: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        types = wire.signature(wanted)
        answer = self._ask(wanted, wire.arguments(wanted, args, kwargs))
        if answer.status != HTTPStatus.OK:  # said now, also where results would come one by one
            raise self._refusal(wanted, answer)
        if types.one_by_one:
            return cast(T, self._results(wanted, answer))
        value = wire.read_line(wanted, self._line(answer))
        if types.is_file:
            return cast(T, Download(value, _Body(self, answer)))
        answer.close()
        return cast(T, value)

    def _ask(self, wanted: Operation[..., Any], body: bytes) -> http.client.HTTPResponse:
        connection = _Connection(self._path)
        try:
            headers = {"Content-Type": "application/json", "Connection": "close"}
            connection.request("POST", f"/v1/{wanted.name}", body, headers)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._away(error) from error
        if connection.sock:  # from here on it is the answer's alone
            connection.sock.close()
        return answer

    def _refusal(self, wanted: Operation[..., Any], answer: http.client.HTTPResponse) -> Exception:
        """Returns the error that the desk answered with."""
        with answer:
            try:
                wire.read_line(wanted, self._line(answer))
            except CallrecError as error:
                return error
        return Unreachable("the answer of the desk is not whole: see its log, then try again")

    def _results(self, wanted: Operation[..., Any], answer: http.client.HTTPResponse) -> Iterator[Any]:
        with answer:
            while (value := wire.read_line(wanted, self._line(answer))) is not None:
                yield value

    def _line(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            return answer.readline(MOST_LINE)
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> Unreachable:
        return Unreachable(
            "the desk does not answer at {path} ({problem}): ask your IT admin whether callrec desk runs",
            path=self._path,
            problem=why(error),
        )


class _Body:
    """The bytes of a file in an answer."""

    def __init__(self, desk: RemoteDesk, answer: http.client.HTTPResponse) -> None:
        self._desk, self._answer = desk, answer

    def read(self, size: int, /) -> bytes:
        try:
            return self._answer.read(size)
        except (OSError, http.client.HTTPException) as error:
            raise self._desk._away(error) from error

    def close(self) -> None:
        self._answer.close()


class _Connection(http.client.HTTPConnection):
    """A connection to a Unix socket. HTTP wants the name of a host, which nobody reads."""

    def __init__(self, path: Path) -> None:
        super().__init__("desk", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(str(self._path))
