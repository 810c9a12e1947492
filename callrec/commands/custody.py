"""callrec custody: who did what with one recording, and the report of who heard or gave out what."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from click.shell_completion import CompletionItem

from callrec.call_words import facility_in_words
from callrec.catalogue.custody import Entry
from callrec.catalogue.custody_report import ReportedAccess
from callrec.commands import completing, custody_whole
from callrec.commands.common import desk, emit, lists, now, say, tell, zone
from callrec.commands.custody_form import GROUPS, WORDS, counts_by, in_groups, page
from callrec.commands.table import cell
from callrec.dates import parse_range, spoken
from callrec.desk.operations import custody as operations
from callrec.desk.operations.custody import CustodyReport
from callrec.errors import WrongUsage
from callrec.forms.page import write
from callrec.language import translated as _
from callrec.model.names import NameKind
from callrec.wording import ACTIONS, ROLES, WAYS

COLUMNS = {
    "_when": "when",
    "who": "by whom",
    "_role": "role",
    "_action": "what was done",
    "request": "request",
    "_way": "through",
    "_details": "remark",
}
SPARE = ("_way", "_role", "_details")
WRAPPING = ("_when", "who", "_action")
"""What a narrow terminal has on several lines, the first of these last."""
KEYS = ("seq", "at", "who", "role", "action", "recording_id", "request", "through", "details")
REPORT_COLUMNS = {
    "_when": "when",
    "who": "by whom",
    "_role": "role",
    "_action": "what was done",
    "recording_id": "recording",
    "_facility": "facility",
    "extension": "extension",
    "request": "request",
    "_way": "through",
}
REPORT_SPARE = ("_way", "_role", "extension", "_facility", "request")
REPORT_KEYS = ("at", "who", "role", "action", "recording_id", "facility", "extension", "request", "through")
OF_ONE = "ID"
"""How the command for one recording is called, which nobody types."""
_MARKS = {"role", "through", "request"}
"""Details that have a column of their own."""
_FOR_PROGRAMS = {"statement", "statements", "stands", "hold", "holds"}
"""Details by which entries and statements are compared: in JSON and CSV only."""
_MOMENTS = {"before", "until", "retain_until"}
"""Details that are moments, as ISO 8601 has them."""


class _Custody(click.Group):
    """Takes what is none of its commands for the id of a recording."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        helps = ctx.help_option_names
        if args and args[0] not in {*self.commands, *helps} - {OF_ONE}:
            args = [OF_ONE, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        commands = [each for each in super().shell_complete(ctx, incomplete) if each.value != OF_ONE]
        return [*commands, *completing.found(ctx, NameKind.CALL, incomplete)]


@click.group(cls=_Custody)
def command() -> None:
    """Who did what to recordings: one of them by its ID, or all in a span of time."""


@command.command(OF_ONE)
@click.argument("id_", metavar="")
@lists
@click.pass_context
def of_one(ctx: click.Context, id_: str, form: str | None) -> None:
    """List what was done with one recording, and by whom.

    ID is that of a recording or its call, or the beginning of it.
    """
    asked = desk(ctx)
    rows = [_row(each, zone(ctx)) for each in asked.do(operations.custody_of, id_)]
    emit(
        rows,
        COLUMNS,
        form,
        "nothing was done with it",
        KEYS,
        spare=SPARE,
        prose="_details",
        words=WRAPPING,
        zone=zone(ctx),
    )


@command.command()
@click.argument("when", metavar="WHEN")
@click.option("--by", type=click.Choice(list(GROUPS)), help="Put together what belongs together, and count.")
@click.option(
    "-o",
    "--output",
    metavar="FILE.html",
    type=click.Path(path_type=Path, readable=False),
    help="Write a page to be signed.",
)
@lists
@click.pass_context
def report(ctx: click.Context, when: str, by: str | None, output: Path | None, form: str | None) -> None:
    """List who heard recordings or gave them out, and under which request.

    WHEN is a day or a range of days, both included, such as 2026-11-01..2026-11-30.
    """
    if output and output.suffix.lower() != ".html":
        raise WrongUsage("{path} is no name of a page: write FILE.html", path=output)
    asked = desk(ctx)
    span = parse_range(when, zone(ctx), now())
    found = asked.do(operations.report_custody, *span)
    if output:
        write(output, page(found, span, by, zone(ctx)))
    if form or not output:
        _emit(found, by, form, zone(ctx))
    if output and form is None:
        say("the report is in {path}", path=output)


command.add_command(custody_whole.verify)
command.add_command(custody_whole.anchor)


def _emit(report: CustodyReport, by: str | None, form: str | None, zone: ZoneInfo) -> None:
    found = report.accesses
    rows = [_report_row(each, zone, report.names) for each in in_groups(found, by)]
    emit(
        rows,
        REPORT_COLUMNS,
        form,
        "nothing was heard or given out in that time",
        REPORT_KEYS,
        spare=REPORT_SPARE,
        words=(*WRAPPING, "_facility"),
        zone=zone,
    )
    if by and rows and form is None:
        counts = counts_by(report, by)
        tell("")
        done = [key for key in counts[0] if key == by or any(row[key] for row in counts)]
        columns = {key: WORDS.get(key) or ACTIONS[key] for key in done}
        emit(counts, columns, None, spare=["total"], words=[key for key in columns if key != "recording"])


def _row(each: Entry, zone: ZoneInfo) -> dict[str, Any]:
    role, through = each.details.get("role", ""), each.details.get("through", "")
    details = {key: value for key, value in each.details.items() if key not in _MARKS}
    return {
        "seq": each.seq,
        "at": each.at,
        "who": each.who,
        "role": role,
        "action": each.action,
        "recording_id": each.recording_id,
        "request": each.details.get("request") or None,
        "through": through,
        "details": details,
        **_words(each, role, through, zone),
        "_details": ", ".join(
            f"{key}: {_detail(key, value, zone)}"
            for key, value in details.items()
            if key not in _FOR_PROGRAMS
        ),
    }


def _detail(key: str, value: Any, zone: ZoneInfo) -> str:
    """Returns a detail as a table shows it: a moment in the time of the office."""
    if key in _MOMENTS:
        with suppress(ValueError):  # none, or the row is damaged: shown as it is
            return spoken(datetime.fromisoformat(str(value)), zone)
    return cell(value)


def _report_row(each: ReportedAccess, zone: ZoneInfo, names: Mapping[str, str]) -> dict[str, Any]:
    place = facility_in_words(each.facility, names) if each.facility else None
    return {**asdict(each), **_words(each, each.role, each.through, zone), "_facility": place}


def _words(each: Entry | ReportedAccess, role: str, through: str, zone: ZoneInfo) -> dict[str, str]:
    """Returns what a table shows in the user's language."""
    return {
        "_when": spoken(each.at, zone),
        "_role": _(ROLES.get(role, role)),
        "_action": _(ACTIONS.get(each.action, each.action)),
        "_way": _(WAYS.get(through, through)),
    }
