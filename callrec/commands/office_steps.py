"""Carries out an import into the office, or shows what it would do: as a difference, whole or not at all.

For `callrec rule import` and `callrec extension import`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from callrec.app import App
from callrec.catalogue import offices
from callrec.commands.common import say, tell
from callrec.errors import WrongEntries, WrongUsage
from callrec.failures import why
from callrec.policy.office import Office
from callrec.rulebook.difference import Step

LONG_WORK = 500
"""Steps that take about a second."""
Plan = Callable[[Office], Sequence[Step]]


def read_input(path: Path) -> bytes:
    """Returns the content of a file that a person named. Raises WrongUsage when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongUsage("{path} cannot be read: {problem}", path=path, problem=why(error)) from error


def carry_out(here: App, plan: Plan, *, dry_run: bool) -> None:
    """Does the steps of a plan in one transaction, unless it is a trial, and prints them.

    The plan is made from the office as it is, and raises WrongEntries, whose lines are printed before.
    """
    try:
        with here.database.begin() as connection:
            steps = plan(offices.locked(connection))
            if not dry_run:
                offices.apply(connection, _with_progress(steps), who=here.who, at=here.now)
    except WrongEntries as error:
        for line, problem in error.entries:
            say("line {line}: {problem}", line=line or "?", problem=problem.shown(), err=True)
        raise
    for step in steps:
        tell(step.words(here.settings.office.zone))
    _sum_up(steps, dry_run=dry_run)


def _with_progress(steps: Sequence[Step]) -> Iterator[Step]:
    """Yields the steps, and shows how far they are: on a terminal, where it takes more than a moment."""
    hidden = len(steps) < LONG_WORK or not sys.stderr.isatty()
    with click.progressbar(steps, file=sys.stderr, hidden=hidden) as bar:
        yield from bar


def _sum_up(steps: Sequence[Step], *, dry_run: bool) -> None:
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
