"""callrec request list and show: tell of requests, their recordings and copies, and print their forms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.commands.common import desk, emit, lists, plain_row, print_json, say, tell, zone
from callrec.dates import spoken
from callrec.desk.operations import requests as operations
from callrec.durations import clock
from callrec.forms.page import write
from callrec.forms.requests import request_forms
from callrec.language import translated as _
from callrec.model.requests import Copy, CopyOutcome, GivenFile, Request, RequestFile
from callrec.wording import ACTIONS, REQUEST_KINDS, REQUEST_STATES

COLUMNS = {
    "number": "request",
    "_kind": "kind",
    "for": "for whom",
    "_state": "state",
    "due": "due",
    "_overdue": "overdue",
    "_recordings": "recordings",
    "opened_by": "opened by",
    "_approved_by": "approved by",
}
SPARE = ("_approved_by", "opened_by", "_recordings", "_kind")
KEYS = (
    *("number", "kind", "for", "ground", "state", "opened_by", "approved_by", "due"),
    *("recordings", "copies", "overdue"),
)
Lines = Iterator[tuple[str, str]]


@click.command("list")
@click.option("--overdue", is_flag=True, help="Only those of which copies should have come back.")
@lists
@click.pass_context
def list_(ctx: click.Context, overdue: bool, form: str | None) -> None:
    """List the requests, the oldest first."""
    rows = [_row(each) for each in desk(ctx).do(operations.list_requests, overdue)]
    if form == "csv":
        rows = [{**row, "copies": [each["id"] for each in row["copies"]]} for row in rows]
    emit(rows, COLUMNS, form, "no request", KEYS, spare=SPARE, prose="for")


@click.command()
@click.argument("request", metavar="NUMBER")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--print",
    "forms",
    metavar="FILE.html",
    type=click.Path(path_type=Path),
    help="Write its forms, in Japanese, to be printed by a browser: a page for each step so far.",
)
@click.pass_context
def show(ctx: click.Context, request: str, as_json: bool, forms: Path | None) -> None:
    """Show a request: for whom, who approved it, what it lists, and where the copies are."""
    found = desk(ctx).do(operations.show_request, request)
    if forms:
        write(forms, request_forms(found, zone(ctx)))
    if as_json:
        row = plain_row(_row(found))
        del row["overdue"]
        print_json(row)
    elif forms:
        say("the forms are in {path}: open them in a browser and print them", path=forms)
    else:
        for name, text in _lines(found, zone(ctx)):
            tell(f"{_(name)}: {text}" if name else f"  {text}")


def _row(file: RequestFile) -> dict[str, Any]:
    request = file.request
    return {
        "number": request.number,
        "kind": request.kind,
        "for": request.for_whom,
        "ground": request.ground,
        "state": request.state,
        "opened_by": request.opened_by,
        "approved_by": request.approved_by,
        "due": request.due and request.due.isoformat(),
        "recordings": [each.id for each in file.recordings],
        "copies": [_copy(each) for each in file.copies],
        "overdue": file.overdue,
        "_kind": _(REQUEST_KINDS[request.kind]),
        "_state": _(REQUEST_STATES[request.state]),
        "_overdue": _("overdue") if file.overdue else "",
        "_recordings": len(file.recordings),
        "_approved_by": request.approved_by or "—",
    }


def _copy(copy: Copy) -> dict[str, Any]:
    return {
        "id": copy.id,
        "to": copy.to_whom,
        "medium": copy.medium,
        "handed_at": copy.handed_at,
        "handed_by": copy.handed_by,
        "files": [_given(each) for each in copy.files],
        "ended_at": copy.ended_at,
        "ended_by": copy.ended_by,
        "outcome": copy.outcome,
    }


def _given(file: GivenFile) -> dict[str, str]:
    return {
        "recording_id": file.recording_id,
        "format": file.format,
        "clip": file.clip,
        "sha256": file.sha256,
    }


def _lines(file: RequestFile, zone: ZoneInfo) -> Lines:
    request = file.request
    yield "request number", request.number
    yield "kind", _(REQUEST_KINDS[request.kind])
    yield "for whom", request.for_whom
    yield "legal ground", request.ground or "—"
    yield "state", _(REQUEST_STATES[request.state])
    yield "opened by", f"{request.opened_by}  {spoken(request.opened_at, zone)}"
    yield from _decision(request, zone)
    overdue = f"  {_('overdue')}" if file.overdue else ""
    yield "copies due", f"{request.due or '—'}{overdue}"
    if request.closed_at:
        yield "closed by", f"{request.closed_by}  {spoken(request.closed_at, zone)}"
    yield from _recordings(file, zone)
    yield from _copies(file, zone)


def _decision(request: Request, zone: ZoneInfo) -> Lines:
    if request.decided_at is None:
        return
    by = f"{request.decided_by}  {spoken(request.decided_at, zone)}"
    if request.refusal is None:
        yield "approved by", by
    else:
        yield "refused by", by
        yield "reason", request.refusal


def _recordings(file: RequestFile, zone: ZoneInfo) -> Lines:
    yield "recordings", str(len(file.recordings))
    for each in file.recordings:
        gone = "" if each.is_there else f"  {_('destroyed')}"
        when, length = spoken(each.started_at, zone), clock(each.duration_s)
        yield "", f"{each.id}  {when}  {length}  {each.extension or '—'}{gone}"


def _copies(file: RequestFile, zone: ZoneInfo) -> Lines:
    for copy in file.copies:
        yield "copy", copy.id
        yield "", f"{copy.to_whom}  {copy.medium}  {spoken(copy.handed_at, zone)}  ({copy.handed_by})"
        for each in copy.files:
            yield "", f"{each.recording_id}{each.clip}.{each.format}  SHA-256 {each.sha256}"
        yield "", _end(copy, zone)


def _end(copy: Copy, zone: ZoneInfo) -> str:
    if copy.outcome is None or copy.ended_at is None:
        return _("still out")
    if copy.outcome is CopyOutcome.GIVEN:
        return _("it need not come back")
    return f"{_(ACTIONS[f'copy-{copy.outcome}'])}  {spoken(copy.ended_at, zone)}  ({copy.ended_by})"
