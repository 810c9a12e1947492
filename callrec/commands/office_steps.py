"""Reads the file of an import into the office, and tells what it changed, or would: whole or not at all.

For `callrec rule import` and `callrec extension import`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from callrec.commands.common import say, tell, working
from callrec.errors import WrongEntries, WrongUsage
from callrec.failures import why
from callrec.rulebook.difference import Step

MOST_BYTES = 1 << 24
"""What a file may have that is sent to the desk: a table of ten thousand extensions has one million."""


def read_input(path: Path) -> bytes:
    """Returns the content of a file that a person named. Raises WrongUsage when it cannot be read."""
    try:
        with path.open("rb") as file:
            return read_open(file, path)
    except OSError as error:
        raise WrongUsage("{path} cannot be read: {problem}", path=path, problem=why(error)) from error


def read_open(file: BinaryIO, path: Path) -> bytes:
    """Returns the content of an open file. Raises WrongUsage for one that is too large to be sent."""
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise WrongUsage("{path} is too large: a file may have 16 MB at most", path=path)
    return data


@contextmanager
def importing(path: Path) -> Iterator[None]:
    """Shows on a terminal that a file is imported. The lines of what is wrong in it are printed."""
    try:
        with working(str(path), err=True):
            yield
    except WrongEntries as error:
        for line, problem in error.entries:
            say("line {line}: {problem}", line=line or "?", problem=problem.shown(), err=True)
        raise


def tell_steps(steps: Sequence[Step], zone: ZoneInfo, *, dry_run: bool) -> None:
    """Prints what an import changed, or would."""
    for step in steps:
        tell(step.words(zone))
    if not steps:
        say("nothing to do: the office is so already")
        return
    counts = {sign: sum(step.sign == sign for step in steps) for sign in "+~-"}
    say(
        "a trial, nothing was changed: {added} would be added, {changed} changed, {removed} removed"
        if dry_run
        else "{added} added, {changed} changed, {removed} removed",
        added=counts["+"],
        changed=counts["~"],
        removed=counts["-"],
    )
