"""callrec custody verify and anchor: the custody log as a whole, and the anchors in the bucket."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.commands.common import desk, emit, lists, say, tell, working, zone
from callrec.dates import spoken
from callrec.desk.operations import anchoring
from callrec.errors import CheckFailed, EvidenceBroken
from callrec.evidence.custody_check import CustodyVerdict, Finding
from callrec.language import translated as _

COLUMNS = {"_problem": "what is wrong", "_known": "known"}
KEYS = ("anchors", "problem", "known")


@click.command()
@lists
@click.pass_context
def verify(ctx: click.Context, form: str | None) -> None:
    """Verify the whole custody log: its chain, and what the anchors in the bucket say of it."""
    with working(_("the custody log")):
        found = desk(ctx).do(anchoring.verify_custody)
    emit([_row(each, zone(ctx)) for each in found.findings], COLUMNS, form, "", KEYS, prose="_problem")
    if form is None:
        _tell(found, zone(ctx))
    _judge(found)


@click.command()
@click.option("--note", metavar="TEXT", default="", help="Why; what is found to be wrong now is known by it.")
@click.option("--quiet", is_flag=True, help="Print the key of the anchor alone.")
@click.pass_context
def anchor(ctx: click.Context, note: str, quiet: bool) -> None:
    """Say in the bucket, signed, where the custody log stands now.

    The controller does so each day. With a note, the anchor says of all that callrec custody verify finds by
    then that it is known, and why: it is told on, and is no failure any more.
    """
    made = desk(ctx).do(anchoring.anchor_custody, note.strip())
    if quiet:
        tell(made.key)
        return
    say(
        "anchor {number}, {key}: the custody log stands at row {rows}; {count} manifests are under it",
        number=made.number,
        key=made.key,
        rows=made.rows,
        count=made.manifests,
    )
    for each in made.known:
        say("known by its note: {problem}", problem=each.problem.shown())


def _row(each: Finding, zone: ZoneInfo) -> dict[str, Any]:
    known = each.known
    return {
        "anchors": each.anchors,
        "problem": each.problem.shown(),
        "known": known and {**asdict(known), "at": known.at.isoformat()},
        "_problem": each.problem.shown(),
        "_known": f"{spoken(known.at, zone)} {known.who}: {known.note}" if known else "",
    }


def _tell(found: CustodyVerdict, zone: ZoneInfo) -> None:
    say("the custody log has {rows} rows, and {anchors} anchors", rows=found.rows, anchors=found.anchors)
    if found.newest_at:
        say(
            "the newest, {key} of {time}, stands at row {row}; {count} rows since are under no anchor yet",
            key=found.newest,
            time=spoken(found.newest_at, zone),
            row=found.newest_rows,
            count=max(found.rows - found.newest_rows, 0),
        )
    if found.stamped and found.stamps_verified:
        say("{count} anchors have a time-stamp", count=found.stamped)
    elif found.stamped:
        say(
            "{count} anchors have a time-stamp; whose it is was not verified: set evidence.tsa_ca_file",
            count=found.stamped,
        )


def _judge(found: CustodyVerdict) -> None:
    """Raises the error that the verdict comes to; returns where all is well, or known."""
    if unknown := len(found.unknown):
        raise EvidenceBroken(
            "{count} things are wrong with the custody log or its anchors: keep database and bucket as is",
            count=unknown,
        )
    if found.rows and not found.anchors:
        raise CheckFailed("nothing outside the database says so yet: make an anchor, callrec custody anchor")
