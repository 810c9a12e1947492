"""callrec reconcile: compares what should be with what is, and resolves the differences."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.commands.common import Row, desk, emit, lists, say, working, zone
from callrec.dates import spoken
from callrec.desk.operations.reconcile import DONE, FAILED, LOOK, WOULD, Reconciled, reconcile_all
from callrec.errors import CheckFailed
from callrec.health.differences import Kind, Remedy
from callrec.language import translated as _

KEYS = (
    *("kind", "about", "remedy", "outcome", "tracks", "key"),
    *("call", "extension", "facility", "at", "problem"),
)
COLUMNS = {"_what": "what is not alike", "about": "about", "_outcome": "what becomes of it", "_at": "time"}
SAID = {
    Kind.SNOOP: "a channel of callrec's listens to a call, and nobody follows it",
    Kind.LEFT_BEHIND: "the PBX still has sound that is archived",
    Kind.CAME_BACK: "the PBX has sound that was destroyed",
    Kind.UNWANTED: "the PBX has sound that nobody follows, and that was not to be kept",
    Kind.WANTED: "the PBX has sound that nobody follows, and that was to be kept",
    Kind.TURNED_UP: "the PBX has sound of a recording that was declared lost",
    Kind.UNCLEAR: "the PBX has sound of which nothing says whether it is to be kept",
    Kind.NO_OBJECT: "in the catalogue, and not in the bucket",
    Kind.NO_ROW: "in the bucket, and not in the catalogue",
    Kind.NO_RECORDING: "answered, should have been recorded, and cannot be played",
    Kind.NO_CALL: "in the PBX's own records, and not in the catalogue",
}
"""What is said of each kind of difference."""
WILL = {
    Remedy.END: "would be hung up",
    Remedy.DESTROY: "would be destroyed",
    Remedy.ARCHIVE: "would be archived",
    Remedy.REBUILD: "would be written into the catalogue",
}
DID = {
    Remedy.END: "hung up",
    Remedy.DESTROY: "is destroyed",
    Remedy.ARCHIVE: "is archived",
    Remedy.REBUILD: "written into the catalogue",
}
TO_DO = {
    Kind.UNCLEAR: "hear it on the PBX; keep a copy, or delete it there",
    Kind.NO_OBJECT: "see callrec verify, and ask whoever runs the S3 server",
    Kind.NO_RECORDING: "see callrec show; write what you find by callrec note",
    Kind.NO_CALL: "does its way through the dialplan pass by callrec?",
}
"""What a person has to do, where nothing else can."""


@click.command()
@click.option("--dry-run", is_flag=True, help="Change nothing: show what differs, and what would be done.")
@lists
@click.pass_context
def command(ctx: click.Context, dry_run: bool, form: str | None) -> None:
    """Compare PBX, spool, catalogue and bucket with one another, and resolve what is not alike.

    callrec serve does the same at its start, at every new link with the PBX and every five minutes. Exit
    code 1 where something is left: with --dry-run any difference, else what a person has to look at.
    """
    with working(_("comparing"), err=True):
        found = list(desk(ctx).do(reconcile_all, dry_run))
    here = zone(ctx)
    rows, words = [_row(each, here) for each in found], ("_what", "_outcome")
    emit(rows, COLUMNS, form, "nothing differs", KEYS, spare=("_at",), words=words, zone=here)
    left = [each for each in found if each.outcome != DONE]
    if left:
        raise CheckFailed("{count} differences are left", count=len(left))
    if found:
        say("{count} differences, all resolved", err=True, count=len(found))


def _row(each: Reconciled, zone: ZoneInfo) -> Row:
    problem = each.problem.shown() if each.problem else ""
    plain: dict[str, Any] = {name: getattr(each, name) for name in KEYS if name != "problem"}
    return {
        **plain,
        "problem": problem,
        "_what": _(SAID[each.kind]),
        "_outcome": problem or _outcome(each),
        "_at": _spoken(each.at, zone),
    }


def _outcome(each: Reconciled) -> str:
    words = {LOOK: TO_DO.get(each.kind), WOULD: WILL.get(each.remedy), DONE: DID.get(each.remedy)}
    return _(words.get(each.outcome) or FAILED)


def _spoken(at: datetime | None, zone: ZoneInfo) -> str:
    return spoken(at, zone) if at else ""
