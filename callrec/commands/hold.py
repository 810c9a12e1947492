"""callrec hold: puts recordings under legal hold, releases them, and lists what is held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.call_words import facility_in_words
from callrec.catalogue.holds import HeldRecording
from callrec.commands.common import desk, emit, lists, names_in_reach, zone
from callrec.commands.keeping_lines import tell_each
from callrec.dates import spoken
from callrec.desk.operations import keeping
from callrec.lifecycle.keeping import Keeping

WORDS = {
    "held": "recording {id} is held",
    "held already": "recording {id} is held for this reason already",
    "released": "recording {id} is no longer held; it is kept until {until}",
    "held still": "recording {id} is held for another reason still: see callrec hold list",
}
COLUMNS = {
    "id": "id",
    "_facility": "facility",
    "extension": "extension",
    "_when": "held since",
    "who": "held by",
    "reason": "reason",
    "request": "request",
}
SPARE = ("extension", "_facility", "request", "who", "_when")
KEYS = ("id", "facility", "extension", "at", "who", "reason", "request")


@click.group()
def command() -> None:
    """Keep recordings from being destroyed, whatever their retention says."""


@command.command()
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@click.option("--reason", metavar="TEXT", required=True, help="Why; it is written down.")
@click.option("--request", metavar="NUMBER", help="The request for which they are held.")
@click.pass_context
def add(ctx: click.Context, ids: tuple[str, ...], reason: str, request: str | None) -> None:
    """Put recordings under legal hold. A recording may be held for several reasons."""
    here = desk(ctx)
    tell_each(zone(ctx), here.do(keeping.add_holds, list(ids), reason, request), _held)


@command.command()
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@click.option("--reason", metavar="TEXT", required=True, help="Why; it is written down.")
@click.option("--request", metavar="NUMBER", help="Release what is held for this request.")
@click.pass_context
def release(ctx: click.Context, ids: tuple[str, ...], reason: str, request: str | None) -> None:
    """Release recordings from legal hold: what is held for a request, or without --request for none."""
    here = desk(ctx)
    tell_each(zone(ctx), here.do(keeping.release_holds, list(ids), reason, request), _released)


@command.command("list")
@lists
@click.pass_context
def list_(ctx: click.Context, form: str | None) -> None:
    """List what is held: since when, by whom, why, and for which request."""
    here = desk(ctx)
    found = here.do(keeping.list_holds)
    names = {} if form else names_in_reach(ctx)
    rows = [_row(each, zone(ctx), names) for each in found]
    emit(
        rows,
        COLUMNS,
        form,
        "nothing is held",
        KEYS,
        spare=SPARE,
        prose="reason",
        words=("_when", "who", "_facility"),
        zone=zone(ctx),
    )


def _held(done: Keeping) -> str:
    return WORDS["held" if done.changed else "held already"]


def _released(done: Keeping) -> str:
    return WORDS["held still" if done.hold else "released"]


def _row(each: HeldRecording, zone: ZoneInfo, names: Mapping[str, str]) -> dict[str, Any]:
    held = each.hold
    return {
        "id": held.recording_id,
        "facility": each.facility,
        "_facility": facility_in_words(each.facility, names) if each.facility else None,
        "extension": each.extension,
        "at": held.at,
        "who": held.who,
        "reason": held.reason,
        "request": held.request,
        "_when": spoken(held.at, zone),
    }
