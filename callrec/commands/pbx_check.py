"""callrec pbx check: says which calls the PBX connects without the gate, and whether callrec's lines are
there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from callrec.app import App
from callrec.asterisk_files import installing
from callrec.asterisk_files.plan import Wishes
from callrec.commands.common import Row, app, emit, lists, say
from callrec.commands.pbx_install import ETC
from callrec.doctor import gate_ways
from callrec.errors import CallrecError, CheckFailed, Sentence
from callrec.pbx.dialplan_listing import Step

KEYS = (
    "kind",
    "context",
    "extension",
    "priority",
    "application",
    "data",
    "direction",
    "before",
    "line",
    "found",
)
COLUMNS = {"_where": "where", "_step": "step", "line": "line before it", "found": "found"}
WRONG = {"files", "includes", "ungated"}
HERE = {"127.0.0.1", "localhost", "::1"}


@click.command("check")
@click.option(
    "--etc",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The PBX's configuration, or a copy (default: /etc/asterisk, where the PBX is on this machine).",
)
@lists
@click.pass_context
def check(ctx: click.Context, etc: Path | None, form: str | None) -> None:
    """Say which calls the PBX connects without the gate, and propose the line for each.

    Also whether callrec's includes are there still, and are those of this version. Exit code 1 where
    something is to be mended.
    """
    here = app(ctx)
    rows = list(_of_files(here, etc))
    try:
        rows += _of_pbx(here)
    except CallrecError:
        if rows:
            _emit(rows, form)
        raise
    _emit(rows, form)
    if wrong := [row for row in rows if row["kind"] in WRONG]:
        raise CheckFailed("{count} findings are to be mended", count=len(wrong))


def _emit(rows: list[Row], form: str | None) -> None:
    emit(
        rows,
        COLUMNS,
        form,
        "every call that is connected passes the gate, and callrec's includes are there",
        KEYS,
        prose="found",
        words=("_step", "line"),
    )


def _of_files(here: App, etc: Path | None) -> Iterator[Row]:
    """Yields what is wrong with the files. Those that may be another PBX's are not looked at."""
    if etc is None and (here.settings.pbx.ami_host not in HERE or not (ETC / "modules.conf").is_file()):
        return
    etc = etc or ETC
    try:
        found = installing.prepared(etc, Wishes())
    except CallrecError as error:
        say("the files were not looked at: {problem}", err=True, problem=error.shown())
        return
    names = [
        str(each.path.relative_to(etc.resolve())) for each in found.changes if each.path != found.answers
    ]
    if names:
        yield _row(
            "files",
            Sentence(
                "{files} are not as callrec pbx install makes them: an Apply Config or an upgrade may have "
                "taken lines away, or they are of another version. Run callrec pbx install again",
                files=", ".join(names),
            ),
        )


def _of_pbx(here: App) -> Iterator[Row]:
    if problem := gate_ways.includes_problem(here):
        yield _row("includes", problem)
    found = gate_ways.look(here)
    for each in found.ungated:
        more = {"direction": each.direction, "before": each.before, "line": each.line}
        yield _row("ungated", each.note(), each.step, **more)
    for step in found.unfollowed:
        yield _row("unfollowed", Sentence("where this leads is known only when a call is there"), step)


def _row(kind: str, found: Sentence | None, step: Step | None = None, **more: object) -> Row:
    row = {**dict.fromkeys(KEYS), "kind": kind, "found": found.shown() if found else None, **more}
    if step:
        row |= {"context": step.context, "extension": step.extension, "priority": step.priority}
        row |= {"application": step.application, "data": step.data}
        row["_where"] = f"{step.context},{step.extension},{step.priority}"
        row["_step"] = f"{step.application}({step.data})"
    return {"_where": None, "_step": None, **row}
