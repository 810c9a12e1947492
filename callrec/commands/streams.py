"""Puts under this process standard streams whose failures are told apart from those of files and sockets.

What cannot be written to the standard output is an error, told once; whoever reads it may go at any time.
What cannot be written to the standard error is lost: the exit code says it still, and a recorder goes on.
"""

from __future__ import annotations

import io
import os
import sys

from callrec.errors import CallrecError
from callrec.failures import why


class OutputFailed(CallrecError):
    """The standard output is closed, or its disk is full."""


class ReaderGone(Exception):
    """Whoever read our output has gone (a pager, head): no failure, and nothing is left to do."""


class _Output(io.FileIO):
    """A descriptor that is written to until that fails. What comes later, as at the end, is dropped."""

    _failed = False

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        if not self._failed:
            try:
                return super().write(data)
            except OSError as error:
                self._failed = True
                self._tell(error)
        return len(data)

    def _tell(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            raise ReaderGone from None
        raise OutputFailed("the output cannot be written: {problem}", problem=why(error)) from error


class _ErrorOutput(_Output):
    def _tell(self, error: OSError) -> None:
        """Tells nobody: this is where it would be told."""


def use() -> None:
    """Replaces the streams of this process, where they are the system's (and not those of a test)."""
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        return
    _open_what_is_closed()
    encoding = sys.stdout.encoding if sys.stdout else "utf-8"
    sys.stdout, sys.stderr = output(1, encoding), error_output(2, encoding)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 (it is open as long as the process lives)


def output(descriptor: int, encoding: str) -> io.TextIOWrapper:
    """Returns a standard output. Signs that its encoding lacks are written as JSON writes them: \\u2014.

    Writing raises ReaderGone and OutputFailed.
    """
    return _text(_Output(descriptor), encoding)


def error_output(descriptor: int, encoding: str) -> io.TextIOWrapper:
    """Returns a standard error. Writing raises nothing."""
    return _text(_ErrorOutput(descriptor), encoding)


def _text(raw: io.FileIO, encoding: str) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding, "backslashreplace", line_buffering=True)


def _open_what_is_closed() -> None:
    """Opens descriptors 0 to 2 where they are closed: else the next file, a database, would get their number.

    The output is opened for reading, so that nothing can be written there and that is told.
    """
    for descriptor, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, flags), True)
