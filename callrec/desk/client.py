"""Asks the desk: HTTP over its Unix socket."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from callrec.desk import wire
from callrec.desk.download import Download
from callrec.desk.operation import Operation
from callrec.desk.way import LONGEST_PATH
from callrec.errors import Unreachable, WrongUsage
from callrec.failures import why

P = ParamSpec("P")
T = TypeVar("T")
SECONDS = 600.0
"""How long the desk may take until it says something: an hour of sound is verified meanwhile."""
QUEUE_SECONDS = 30
"""How long to wait in the queue of a desk that many ask at once."""


class RemoteDesk:
    """The desk at the other end of a socket. Raises Unreachable where it does not answer, or not whole."""

    def __init__(self, path: Path) -> None:
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise WrongUsage(
                "{path} is too long for a socket: at most {most} bytes", path=path, most=LONGEST_PATH
            )
        self._path = path

    def do(self, wanted: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        types = wire.signature(wanted)
        answer = self._ask(wanted, wire.arguments(wanted, args, kwargs))
        try:
            value = wire.read_line(wanted, self._line(answer))
        except BaseException:
            answer.close()
            raise
        if types.is_file:
            return cast(T, Download(value, _Body(self, answer)))
        if types.one_by_one:
            return cast(T, self._results(wanted, answer, value))
        answer.close()
        return cast(T, value)

    def version(self) -> str:
        """Returns the version of the callrec that answers. Whoever asks needs no role for that."""
        with self._answer("GET", "/v1") as answer:
            line = self._line(answer)
        try:
            return str(json.loads(line)["version"])
        except (ValueError, KeyError, TypeError) as error:
            raise Unreachable("what answers at {path} is no desk of callrec", path=self._path) from error

    def _ask(self, wanted: Operation[..., Any], body: bytes) -> http.client.HTTPResponse:
        return self._answer("POST", f"/v1/{wanted.name}", body)

    def _answer(self, method: str, path: str, body: bytes | None = None) -> http.client.HTTPResponse:
        connection = _Connection(self._path)
        try:
            connection.request(
                method, path, body, {"Content-Type": "application/json", "Connection": "close"}
            )
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._away(error) from error
        if connection.sock:  # from here on it is the answer's alone, whatever was answered
            connection.sock.close()
        return answer

    def _results(
        self, wanted: Operation[..., Any], answer: http.client.HTTPResponse, first: Any
    ) -> Iterator[Any]:
        value = first
        with answer:
            while value is not wire.END:
                yield value
                value = wire.read_line(wanted, self._line(answer))

    def _line(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            return answer.readline(wire.MOST_LINE)
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
        self._left = 0
        """Bytes of the piece that is being read."""

    def read(self, size: int, /) -> bytes:
        """Raises the error that comes in place of a piece."""
        if not self._left and (line := self._desk._line(self._answer)):
            self._left = wire.read_piece(line)
        data = self._bytes(min(size, self._left))
        self._left -= len(data)
        return data

    def _bytes(self, size: int) -> bytes:
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
        # With a timeout of Python's own, connecting to a desk whose queue is full fails at once.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", QUEUE_SECONDS, 0))
        self.sock.connect(str(self._path))
        self.sock.settimeout(SECONDS)
