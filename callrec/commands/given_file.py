"""Reads files that people name, and what comes on standard input: a device may have no end, and who read on
would take all the memory of the machine, from callrec serve too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from callrec.errors import WrongUsage
from callrec.failures import why

MOST_BYTES = 1 << 24
"""What a file may have that is read as a whole: a table of ten thousand extensions has one million."""
LONGEST_LINE = 1 << 20
"""Signs that a line of a log may have."""


def read_file(path: Path) -> bytes:
    """Returns the content of a file. Raises WrongUsage when it cannot be read, or is too large."""
    try:
        with path.open("rb") as file:
            return read_open(file, path)
    except OSError as error:
        raise WrongUsage("{path} cannot be read: {problem}", path=path, problem=why(error)) from error


def read_open(file: BinaryIO, path: Path) -> bytes:
    """Returns the content of an open file. Raises WrongUsage for one that is too large."""
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise _too_large(path)
    return data


def read_stdin() -> str:
    """Returns what comes on standard input. Raises WrongUsage as `read_file` does."""
    text = sys.stdin.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise _too_large(Path("-"))
    return text


def lines_of(log: TextIO, path: Path) -> Iterator[str]:
    """Yields the lines of an open log, however many. Raises WrongUsage for one that is too long."""
    while line := log.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise WrongUsage("{path} is no log: a line in it is longer than a megabyte", path=path)
        yield line


def _too_large(path: Path) -> WrongUsage:
    return WrongUsage("{path} is too large: a file may have 16 MB at most", path=path)
