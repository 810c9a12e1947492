"""callrec upgrade: brings database and spool to this version, or says what that would do."""

from __future__ import annotations

from typing import Any

import click

from callrec.app.versions import Part, Step, parts
from callrec.commands.common import app, emit, lists, say, working
from callrec.errors import CheckFailed, Refused, WrongUsage
from callrec.language import translated as _

COLUMNS = {"part": "part", "there": "there", "wanted": "this version wants", "_step": "what upgrade does"}
STEPS = {
    Step.NOTHING: "nothing",
    Step.MAKE: "makes it",
    Step.MIGRATE: "brings it to this version",
    Step.REFUSED: "refused: it is of another version, which has to finish with it",
}


@click.command()
@click.option("--check", "only_look", is_flag=True, help="Change nothing: say what it would do.")
@lists
@click.pass_context
def command(ctx: click.Context, only_look: bool, form: str | None) -> None:
    """Bring database and spool to this version of callrec. Stop serve and desk, and make a backup first.

    With --check the exit code is 0 where there is nothing to do, 1 where there is. What a newer version
    has made is never touched, exit code 4: the way back is the backup, put back by the version that made it.
    """
    if form and not only_look:
        raise WrongUsage("--json and --csv are for --check")
    here = app(ctx)
    found = parts(here)
    if only_look:
        rows = [_row(each) for each in found]
        emit(rows, COLUMNS, form, prose="_step")
    if refused := [each for each in found if each.step is Step.REFUSED]:
        raise Refused(
            "{parts}: of another version than this callrec; nothing was changed",
            parts=", ".join(_(each.name) for each in refused),
        )
    if not only_look:
        with working(_("database")):
            here.furnish()
            here.make_spool()
            here.database.upgrade()
        say("the database {url} is ready", url=here.database.shown)
    elif any(each.step is not Step.NOTHING for each in found):
        raise CheckFailed(
            "there is something to upgrade: stop callrec, make a backup, then run callrec upgrade"
        )


def _row(each: Part) -> dict[str, Any]:
    return {
        "part": _(each.name),
        "there": each.there or None,
        "wanted": each.wanted,
        "step": each.step.value,
        "_step": _(STEPS[each.step]),
    }
