"""callrec facility report: lists which facility records how much."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from callrec.commands.common import desk, emit, lists, say, zone
from callrec.desk.operations.facilities import FacilityActivity, report_facilities
from callrec.errors import WrongUsage
from callrec.language import translated as _
from callrec.model.rules import Mode

COLUMNS = {
    "facility": "facility",
    "_name": "name",
    "extensions": "extensions",
    "never": "never",
    "manual": "manual",
    "standby": "standby",
    "automatic": "automatic",
    "calls": "calls",
    "recordings": "recordings",
    "minutes": "minutes",
    "kept_by_key": "kept by key",
    "incidents": "incidents",
}
SPARE = (
    *("never", "manual", "standby", "automatic", "extensions"),
    *("kept_by_key", "minutes", "incidents", "_name"),
)
"""What a narrow terminal can do without, the first of these first."""
Row = dict[str, Any]


@click.command()
@click.argument("when", metavar="[DATE|A..B]", required=False)
@click.option(
    "--chart", metavar="FILE.png", type=click.Path(path_type=Path), help="Draw it as a picture, too."
)
@lists
@click.pass_context
def report(ctx: click.Context, when: str | None, chart: Path | None, form: str | None) -> None:
    """For each facility: extensions by mode, calls, recordings, minutes, kept by key, incidents.

    The modes are those of calls from outside as the rules are now; the rest is of a day or a range of
    days (default: the last 30 days).
    """
    if chart and chart.suffix.lower() != ".png":
        raise WrongUsage("{path} is no name of a picture: write FILE.png", path=chart)
    found = desk(ctx).do(report_facilities, when)
    rows = [_row(each) for each in found.facilities]
    if chart:
        # It speaks of its own folders and fonts, among the lines that are for people and programs.
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        from callrec.commands.facility_chart import draw

        draw(chart, rows, found.begin.astimezone(zone(ctx)), found.end.astimezone(zone(ctx)))
    emit(rows, COLUMNS, form, "no facility yet", spare=SPARE)
    if chart and form is None:
        say("the picture is in {path}", path=chart)


def _row(each: FacilityActivity) -> Row:
    found = each.activity
    return {
        "facility": each.code,
        "name": each.name,
        "_name": each.name or _("not registered"),
        "extensions": sum(each.modes.values()),
        **{mode.value: each.modes.get(mode, 0) for mode in Mode},
        "calls": found.calls,
        "recordings": found.recordings,
        "minutes": round(found.seconds / 60, 1),
        "kept_by_key": found.kept_by_key,
        "incidents": found.incidents,
    }
