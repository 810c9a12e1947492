"""callrec purge: destroys what is past its time, and says for each recording which rule and date decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.app import App
from callrec.call_words import facility_in_words
from callrec.commands.common import app, emit, lists, say, working
from callrec.dates import spoken
from callrec.errors import CallrecError, Refused
from callrec.language import translated as _
from callrec.lifecycle import erasure
from callrec.lifecycle.destruction import Verdict, counted
from callrec.lifecycle.purge import Purge, require_done
from callrec.wording import OUTCOMES_OF_DESTRUCTION, RETAINED_BECAUSE, rule_name

KEYS = ("id", "facility", "rule", "version", "ended_at", "retain_until", "outcome")
COUNTS = {"facility": "facility", "rule": "rule", "outcome": "what becomes of it", "count": "recordings"}
COLUMNS = {
    "id": "id",
    "_facility": "facility",
    "_rule": "rule",
    "_because": "decided",
    "_ended": "call ended",
    "_until": "kept until",
    "_outcome": "what becomes of it",
}
SPARE = ("_ended", "_facility", "_because")


@click.command()
@click.option("--dry-run", is_flag=True, help="Destroy nothing: show what would go, as the catalogue knows.")
@click.option("--yes-all", is_flag=True, help="Also where more would go than destruction.at_most.")
@lists
@click.pass_context
def command(ctx: click.Context, dry_run: bool, yes_all: bool, form: str | None) -> None:
    """Destroy the recordings that are past their time: all versions, looked for again, and written down.

    What is held or locked stays. Run again after a run that was ended, it goes on where that one was.
    """
    here = app(ctx)
    here.require_catalogue()
    if not here.settings.destruction.access_key.get_secret_value():
        say("there are no keys for it, destruction.access_key: nothing is destroyed", err=True)
        dry_run = True
    purge = here.purge()
    if dry_run:
        _show(here, purge, form)
        return
    with purge.alone():
        purge.require_clocks()
        verdicts = purge.verdicts()
        if not yes_all:
            purge.require_few(verdicts, here.settings.destruction.at_most)
        _destroy(here, purge, verdicts, form)


def _show(here: App, purge: Purge, form: str | None) -> None:
    """Prints what would be destroyed, and whether a real run would refuse that."""
    verdicts = purge.verdicts()
    _print(verdicts, form, here)
    _say_erased(erasure.count(here.database, _erased_until(here)), form, done=False)
    try:
        purge.require_few(verdicts, here.settings.destruction.at_most)
    except Refused as error:
        say("{problem}", err=True, problem=error.shown())
    require_done((), purge.damaged)


def _destroy(here: App, purge: Purge, verdicts: Sequence[Verdict], form: str | None) -> None:
    """Destroys what may go, and prints what came of it, also where a part fails on the way."""
    done: list[Verdict] = []
    try:
        with working(_("destroying")):
            for each in purge.destroy(verdicts):
                done.append(each)
    except CallrecError:
        if done or form:
            _print(done, form, here)
        raise
    _print(done, form, here)
    erased = erasure.erase(
        here.database, _erased_until(here), purge.damaged.append, who=here.who, at=here.now
    )
    _say_erased(erased, form, done=True)
    require_done(done, purge.damaged)


def _erased_until(here: App) -> datetime:
    return erasure.until(here.now, here.settings.retention.call_rows_days)


def _print(verdicts: Sequence[Verdict], form: str | None, here: App) -> None:
    zone, names = here.settings.office.zone, {} if form else here.office().names
    if form is None and verdicts:
        emit(list(_counts(verdicts, names)), COUNTS, None, words=("outcome", "facility"))
        say("")
    rows = [_row(each, zone, names) for each in verdicts]
    emit(
        rows,
        COLUMNS,
        form,
        "nothing is past its time",
        KEYS,
        spare=SPARE,
        prose="_outcome",
        words=("_until", "_ended", "_facility"),
        zone=zone,
    )


def _counts(verdicts: Iterable[Verdict], names: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    for each, count in counted(verdicts):
        found, outcome = each.recording, _(OUTCOMES_OF_DESTRUCTION[each.outcome.value])
        rule = rule_name(found.rule, found.version)
        place = _place(found.facility, names)
        yield {"facility": place, "rule": rule, "outcome": outcome, "count": count}


def _row(each: Verdict, zone: ZoneInfo, names: Mapping[str, str]) -> dict[str, Any]:
    found = each.recording
    return {
        "id": found.id,
        "facility": found.facility,
        "_facility": _place(found.facility, names),
        "rule": found.rule,
        "version": found.version,
        "ended_at": _in_zone(found.ended_at, zone),
        "retain_until": _in_zone(found.retain_until, zone),
        "outcome": each.outcome.value,
        "_rule": rule_name(found.rule, found.version),
        "_because": _(RETAINED_BECAUSE[found.because]),
        "_ended": spoken(found.ended_at, zone) if found.ended_at else None,
        "_until": spoken(found.retain_until, zone) if found.retain_until else None,
        "_outcome": each.problem.shown() if each.problem else _(OUTCOMES_OF_DESTRUCTION[each.outcome.value]),
    }


def _place(code: str | None, names: Mapping[str, str]) -> str | None:
    return facility_in_words(code, names) if code else None


def _in_zone(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    return moment.astimezone(zone) if moment else None


def _say_erased(count: int, form: str | None, *, done: bool) -> None:
    """Says of how many calls numbers and names go; beside the output where programs read that."""
    if not count:
        return
    if done:
        say("numbers and names were taken out of {count} calls", err=form is not None, count=count)
    else:
        say("numbers and names would be taken out of {count} calls", err=form is not None, count=count)
