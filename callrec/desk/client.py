"""Asks the desk: HTTP/1.0 over its Unix socket, a connection for each question. What is answered ends where
the desk closes the connection; whether it is whole says the answer itself (`wire`).

It is all the HTTP that is needed here: http.client, with its parser of mails, takes longer to import than the
desk takes to answer.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterator
from io import BufferedReader
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
MOST_HEADERS, MOST_HEADER = 100, 1 << 16
"""So many lines the head of an answer may have, and so many bytes each."""


class NoHttp(Exception):
    """What answers speaks something else."""


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

    def _ask(self, wanted: Operation[..., Any], body: bytes) -> BufferedReader:
        return self._answer("POST", f"/v1/{wanted.name}", body)

    def _answer(self, method: str, path: str, body: bytes = b"") -> BufferedReader:
        """Returns the answer, from behind its head."""
        try:
            with _connected(self._path) as plug:
                plug.sendall(_question(method, path, body))
                answer = plug.makefile("rb")  # the connection is open as long as this is
        except OSError as error:
            raise self._away(error) from error
        try:
            _skip_head(answer)
        except (OSError, NoHttp) as error:
            answer.close()
            raise self._away(error) from error
        return answer

    def _results(self, wanted: Operation[..., Any], answer: BufferedReader, first: Any) -> Iterator[Any]:
        value = first
        with answer:
            while value is not wire.END:
                yield value
                value = wire.read_line(wanted, self._line(answer))

    def _line(self, answer: BufferedReader) -> bytes:
        try:
            return answer.readline(wire.MOST_LINE)
        except OSError as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> Unreachable:
        return Unreachable(
            "the desk does not answer at {path} ({problem}): ask your IT admin whether callrec desk runs",
            path=self._path,
            problem=why(error),
        )


class _Body:
    """The bytes of a file in an answer."""

    def __init__(self, desk: RemoteDesk, answer: BufferedReader) -> None:
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
        except OSError as error:
            raise self._desk._away(error) from error

    def close(self) -> None:
        self._answer.close()


def _connected(path: Path) -> socket.socket:
    plug = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # With a timeout of Python's own, connecting to a desk whose queue is full fails at once.
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", QUEUE_SECONDS, 0))
        plug.connect(str(path))
        plug.settimeout(SECONDS)
    except BaseException:
        plug.close()
        raise
    return plug


def _question(method: str, path: str, body: bytes) -> bytes:
    lines = (f"{method} {path} HTTP/1.0", "Content-Type: application/json", f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode() + body


def _skip_head(answer: BufferedReader) -> None:
    """Reads up to the body: also of an error, it says all that is to be known. Raises NoHttp."""
    status = answer.readline(MOST_HEADER)
    if not status:
        raise ConnectionResetError
    if not status.startswith(b"HTTP/1."):
        raise NoHttp
    for _ in range(MOST_HEADERS):
        if not answer.readline(MOST_HEADER).strip():
            return
    raise NoHttp
