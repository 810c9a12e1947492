"""callrec doctor: tries every part, and says what is wrong with what to do. The checks are in
callrec.doctor."""

from __future__ import annotations

import click

from callrec.commands.common import app, emit, lists
from callrec.doctor import CHECKS, run
from callrec.errors import CheckFailed
from callrec.language import translated as _


@click.command()
@lists
@click.pass_context
def command(ctx: click.Context, form: str | None) -> None:
    """Check every part and say what to mend. Exit code 0 only when all is well."""
    here = app(ctx)
    results = [run(check, here) for check in CHECKS]
    rows = [{"part": _(each.part), "ok": each.ok, "found": each.found} for each in results]
    emit(rows, {"part": "part", "ok": "ok", "found": "found"}, form, prose="found")
    failed = [each for each in results if not each.ok]
    if failed:
        raise CheckFailed("{count} of {total} checks failed", count=len(failed), total=len(results))
