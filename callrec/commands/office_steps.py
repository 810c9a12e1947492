"""Shows that a file is imported into the office, and tells what it changed, or would: whole or not at all.

For `callrec rule import` and `callrec extension import`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from callrec.commands.common import say, tell, working
from callrec.errors import WrongEntries
from callrec.rulebook.difference import Step


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
