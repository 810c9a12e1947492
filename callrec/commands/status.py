"""callrec status: shows how the controller on this machine stands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.commands.common import desk, emit, print_json, zone
from callrec.dates import spoken
from callrec.desk.operations.status import Status, controller_status
from callrec.errors import CheckFailed
from callrec.health.backlog import Waits
from callrec.language import translated as _
from callrec.wording import FLAWS

WATCH_SECONDS = 2.0
SILENT_AFTER = timedelta(seconds=10)
"""A controller at work reports twice a second."""
WAITS = {
    Waits.RECORDINGS: "recordings in the spool",
    Waits.CALLS: "calls in the spool",
    Waits.DISCARDS: "recordings to be destroyed",
    Waits.ALERTS: "help alerts in the spool",
    Waits.QUARANTINE: "in quarantine, for a person",
}


@click.command()
@click.option(
    "--seen", is_flag=True, help="Tell no more of the calls of the last day that are named: somebody looked."
)
@click.option("--watch", is_flag=True, help="Show it again every two seconds, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, seen: bool, watch: bool, as_json: bool) -> None:
    """PBX link, live captures, archive backlog, disk. Exit code 1 when something is wrong."""
    found = _look(ctx, seen, as_json)
    if watch:
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(WATCH_SECONDS)
                click.clear()
                found = _look(ctx, False, as_json)
    wrong = _wrong(found, zone(ctx))
    if wrong:
        raise CheckFailed("{problem}", problem=wrong)


def _look(ctx: click.Context, seen: bool, as_json: bool) -> dict[str, Any]:
    """Asks how it stands, and shows it."""
    found = _plain(desk(ctx).do(controller_status, seen))
    if as_json:
        print_json(found)
    else:
        _show(found, zone(ctx))
    return found


def _plain(found: Status) -> dict[str, Any]:
    """Returns the status as JSON has it, with all problems in words, and those with a name in `illnesses`."""
    whole = asdict(found)
    flaws = [
        _(FLAWS[flaw]).format(count=len(calls), call=calls[-1]) for flaw, calls in whole.pop("flaws").items()
    ]
    del whole["concerns"]
    told = [each.said.shown() for each in found.problems]
    return {
        **whole,
        "problems": [*told, *flaws, *(each.shown() for each in found.concerns)],
        "illnesses": [
            {"name": each.name, "since": each.since, "problem": each.said.shown()} for each in found.problems
        ],
    }


def _show(found: dict[str, Any], zone: ZoneInfo) -> None:
    rows = [
        {
            "part": _("controller"),
            "state": _("running, pid {pid}").format(**found) if found["running"] else _("not running"),
        },
        {"part": _("link to the PBX"), "state": _("up") if found["link_up"] else _("down")},
        {
            "part": _("database"),
            "state": _database(found, zone),
        },
        {"part": _("recording now"), "state": ", ".join(each["extension"] for each in found["live"]) or "0"},
        {"part": _("waiting for the archive"), "state": found["waiting_recordings"]},
        {"part": _("calls waiting for the catalogue"), "state": found["waiting_calls"]},
        {"part": _("help alerts waiting to be sent"), "state": found["waiting_alerts"]},
        *_waiting(found["waits"], zone),
        {"part": _("disk free"), "state": _disk(found)},
        *(
            {"part": _("certificate"), "state": _("{host} until {day}").format(host=host, day=end[:10])}
            for host, end in sorted(found["certificates"].items())
        ),
        *(
            {"part": _("test call of {facility}").format(facility=facility), "state": _spoken(at, zone)}
            for facility, at in found["test_calls"].items()
        ),
        *(
            {"part": _("signing key since"), "state": _spoken(at, zone)[:10]}
            for at in [found["signing_key_at"]]
            if at
        ),
        *({"part": _("problem"), "state": _since(problem, found, zone)} for problem in found["problems"]),
    ]
    emit(rows, {"part": "part", "state": "state"}, None, prose="state")


def _waiting(waits: list[dict[str, Any]], zone: ZoneInfo) -> Iterator[dict[str, str]]:
    """Yields a row for each kind of which something waits: how many, how much, since when."""
    for each in waits:
        if each["count"]:
            since = spoken(each["oldest_at"], zone)
            state = _("{count}, {megabytes} MB, the oldest since {time}").format(
                count=each["count"], megabytes=f"{each['bytes'] / 1e6:.1f}", time=since
            )
            yield {"part": _(WAITS[each["waits"]]), "state": state}


def _disk(found: dict[str, Any]) -> str:
    free = f"{found['spool_free_bytes'] / 1e9:.1f} GB  {found['spool']}"
    if found["spool_full_in_s"] is None:
        return free
    soon = _("full in {hours} hours, if it goes on as in the last").format(
        hours=int(found["spool_full_in_s"] // 3600)
    )
    return f"{free}  {soon}"


def _since(problem: str, found: dict[str, Any], zone: ZoneInfo) -> str:
    """Returns a problem, and since when it is one, where that is known."""
    since = next((each["since"] for each in found["illnesses"] if each["problem"] == problem), None)
    if since is None:
        return problem
    return _("{problem} (since {time})").format(
        problem=problem, time=spoken(datetime.fromisoformat(since), zone)
    )


def _spoken(at: str | None, zone: ZoneInfo) -> str:
    return spoken(datetime.fromisoformat(at), zone) if at else _("none that went well")


def _database(found: dict[str, Any], zone: ZoneInfo) -> str:
    if not found["catalogue_away"]:
        return _("ok")
    seen = spoken(datetime.fromisoformat(found["rules_at"]), zone)
    return _("away; in force are the rules as they were at {time}").format(time=seen)


def _wrong(found: dict[str, Any], zone: ZoneInfo) -> str:
    """Returns the first thing that is wrong, in words; empty when nothing is."""
    if not found["running"]:
        return _("the controller is not running: start callrec serve")
    if _is_silent(found["reported_at"]):
        return _silence(found["reported_at"], zone)
    if not found["link_up"]:
        return _("the link to the PBX is down: see callrec doctor")
    if found["catalogue_away"]:
        return _("the database is away: see callrec doctor")
    return found["problems"][0] if found["problems"] else ""


def _is_silent(reported_at: str | None) -> bool:
    """Returns whether what is told is out of date. In both directions: somebody may have set the clock."""
    if reported_at is None:
        return True
    return abs(datetime.now(UTC) - datetime.fromisoformat(reported_at)) > SILENT_AFTER


def _silence(reported_at: str | None, zone: ZoneInfo) -> str:
    if reported_at is None:
        return _("the controller does not report: see its log")
    last = spoken(datetime.fromisoformat(reported_at), zone)
    return _("the controller does not report: what is shown is of {time}, see its log").format(time=last)
