"""callrec facility report: lists which facility records how much."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from callrec.catalogue import reports
from callrec.catalogue.reports import Activity
from callrec.commands.common import app, emit, lists, say
from callrec.dates import parse_range
from callrec.errors import WrongUsage
from callrec.model.office import UNASSIGNED
from callrec.model.rules import Direction, Mode
from callrec.policy.office import Office

COLUMNS = {
    "facility": "facility",
    "name": "name",
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
    *("kept_by_key", "minutes", "incidents", "name"),
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
    here = app(ctx)
    zone, now = here.settings.office.zone, here.now
    begin, end = parse_range(_last_days(30, now.astimezone(zone)) if when is None else when, zone, now)
    if chart and chart.suffix.lower() != ".png":
        raise WrongUsage("{path} is no name of a picture: write FILE.png", path=chart)
    with here.database.read() as connection:
        found = reports.activity(connection, begin, end)
    rows = summary(here.office(), found, now)
    if chart:
        # It speaks of its own folders and fonts, among the lines that are for people and programs.
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        from callrec.commands.facility_chart import draw

        draw(chart, rows, begin.astimezone(zone), end.astimezone(zone))
    emit(rows, COLUMNS, form, "no facility yet", spare=SPARE)
    if chart and form is None:
        say("the picture is in {path}", path=chart)


def summary(office: Office, activity: dict[str, Activity], now: datetime) -> list[Row]:
    """Returns a line for each facility, and one for calls of extensions that belong to none."""
    modes = _modes(office, now)
    names = {code: each.name for code, each in office.facilities.items()}
    others = sorted(activity.keys() - names.keys(), key=lambda code: (code == UNASSIGNED, code))
    return [
        _row(code, names.get(code, ""), modes.get(code, Counter()), activity.get(code, Activity()))
        for code in [*names, *others]
    ]


def _row(code: str, name: str, modes: Counter[Mode], found: Activity) -> Row:
    return {
        "facility": code,
        "name": name,
        "extensions": modes.total(),
        **{mode.value: modes[mode] for mode in Mode},
        "calls": found.calls,
        "recordings": found.recordings,
        "minutes": round(found.seconds / 60, 1),
        "kept_by_key": found.kept_by_key,
        "incidents": found.incidents,
    }


def _modes(office: Office, now: datetime) -> dict[str, Counter[Mode]]:
    """Returns how many phones of each facility are in which mode, for calls from outside."""
    found: dict[str, Counter[Mode]] = {}
    for extension in office.extensions.values():
        if not extension.service:
            decision = office.decide(office.facts(Direction.INBOUND, [extension.number], None, now))
            found.setdefault(extension.facility, Counter())[decision.mode] += 1
    return found


def _last_days(days: int, today: datetime) -> str:
    first = today.date().toordinal() - days + 1
    return f"{datetime.fromordinal(first):%Y-%m-%d}..{today:%Y-%m-%d}"
