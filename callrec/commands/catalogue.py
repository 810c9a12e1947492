"""callrec catalogue: compares the catalogue with the bucket, and makes it again from there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import click

from callrec.commands.common import Row, desk, emit_each, lists, say, working
from callrec.desk.operations import catalogue
from callrec.desk.operations.catalogue import (
    DIFFERS,
    ONLY_IN_BUCKET,
    ONLY_IN_CATALOGUE,
    UNPROVED,
    CatalogueFinding,
    CatalogueStep,
)
from callrec.errors import CheckFailed, EvidenceBroken
from callrec.language import translated as _

KEYS = ("id", "kind", "table", "row", "column", "bucket", "catalogue", "problem")
SHOWN = ("id", "_said")
FINDINGS = {
    DIFFERS: "{table}.{column} of {row}: {bucket} in the bucket, {catalogue} in the catalogue",
    ONLY_IN_BUCKET: "{table}, {row}: in the bucket, and not in the catalogue",
    ONLY_IN_CATALOGUE: "{table}, {row}: in the catalogue, and not in the bucket",
    UNPROVED: "cannot be proved: {problem}",
}
"""What is said of each kind of finding."""


@dataclass(slots=True)
class Seen:
    """What a run has come to."""

    last: CatalogueStep = field(default_factory=lambda: CatalogueStep(0, 0, 0, []))
    unproved: int = 0
    differing: int = 0


@click.group()
def command() -> None:
    """Compare the catalogue with the bucket, or make it again from there: for who can read callrec.toml."""


@command.command("check")
@lists
@click.pass_context
def check(ctx: click.Context, form: str | None) -> None:
    """List where catalogue and bucket differ, and what in the bucket cannot be proved. Changes nothing.

    Exit code 1 where something differs, 5 where something cannot be proved.
    """
    seen = Seen()
    emit_each(_rows(desk(ctx).do(catalogue.check_catalogue), seen), _keys(form), form)
    _judge(seen)
    say(
        "{recordings} recordings and {requests} requests in the bucket, all as in the catalogue",
        err=form is not None,
        recordings=seen.last.recordings,
        requests=seen.last.requests,
    )


@command.command("rebuild")
@lists
@click.pass_context
def rebuild(ctx: click.Context, form: str | None) -> None:
    """Make calls, recordings, notes, holds and requests again of what the bucket says and can prove.

    What is there and right stays. Run again after it was interrupted, it goes on where it was. What the
    custody log said cannot be had back: it says so for each recording.
    """
    seen = Seen()
    try:
        emit_each(_rows(desk(ctx).do(catalogue.rebuild_catalogue), seen), _keys(form), form)
    except KeyboardInterrupt:
        say("interrupted: run it again, it goes on where it was", err=True)
        raise
    say(
        "{recordings} recordings and {requests} requests read, the rows of {written} recordings written",
        err=form is not None,
        recordings=seen.last.recordings,
        requests=seen.last.requests,
        written=seen.last.written,
    )
    _judge(seen)


def _keys(form: str | None) -> tuple[str, ...]:
    return KEYS if form else SHOWN


def _rows(steps: Iterator[CatalogueStep], seen: Seen) -> Iterator[Row]:
    """Yields one row a finding, each as soon as it is known."""
    while True:
        with working(_("recording {number}").format(number=seen.last.recordings + 1), err=True):
            step = next(steps, None)
        if step is None:
            return
        seen.last = step
        for each in step.findings:
            seen.unproved += each.kind == UNPROVED
            seen.differing += each.kind != UNPROVED
            yield _row(each)


def _row(each: CatalogueFinding) -> dict[str, Any]:
    problem = each.problem.shown() if each.problem else ""
    names = ("id", "kind", "table", "row", "column", "bucket", "catalogue")
    row = {name: getattr(each, name) for name in names} | {"problem": problem}
    return {**row, "_said": _(FINDINGS[each.kind]).format(**row)}


def _judge(seen: Seen) -> None:
    """Raises the error that the findings come to; returns where there are none."""
    if seen.unproved:
        raise EvidenceBroken("{count} things in the bucket cannot be proved", count=seen.unproved)
    if seen.differing:
        raise CheckFailed("{count} differences between bucket and catalogue", count=seen.differing)
