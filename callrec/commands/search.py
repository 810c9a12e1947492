"""callrec search: finds calls by date, extension and more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import click

from callrec.call_words import DIRECTIONS, KEPT_BECAUSE, OUTCOMES, number_in_words
from callrec.commands.common import desk, emit, lists, names_in_reach, say
from callrec.dates import parse_range, spoken
from callrec.desk.operations import searching
from callrec.durations import clock, parse_duration
from callrec.errors import CatalogueDamaged, NotFound, WrongUsage
from callrec.language import translated
from callrec.model.found import MOST_FOUND, SORTS, FoundCall, SearchQuery
from callrec.model.kinds import Custody, Direction, Mode
from callrec.model.office import Conventions
from callrec.numbers import normalise, read_number

T = TypeVar("T")

COLUMNS = {
    "_id": "id",
    "_when": "when",
    "_length": "length",
    "_facility": "facility",
    "extension": "extension",
    "_direction": "direction",
    "_number": "number",
    "_outcome": "outcome",
    "_kept": "kept because",
    "incident": "incident",
}

SPARE = (
    *("incident", "_kept", "_outcome", "_direction", "_facility"),
    *("extension", "_length", "_number"),
)
"""What a narrow terminal can do without, the first of these first."""

KEYS = tuple(each.name for each in fields(FoundCall))
"""What a line says in JSON and CSV."""


@click.command()
@click.argument("date", required=False)
@click.option(
    "--on", metavar="DATE", help="The day the call began, or a range A..B of days; the same as DATE."
)
@click.option("--extension", metavar="NUMBER", help="Calls this extension took part in.")
@click.option("--facility", metavar="CODE", help="Calls of this facility.")
@click.option("--number", metavar="NUMBER", help="Calls with this number outside.")
@click.option(
    "--direction", type=click.Choice([each.value for each in Direction]), help="Calls of this direction."
)
@click.option(
    "--mode", type=click.Choice([each.value for each in Mode]), help="Calls a rule of this mode decided."
)
@click.option("--incident", is_flag=True, help="Only incidents.")
@click.option("--held", is_flag=True, help="Only what is under a legal hold.")
@click.option("--note", metavar="TEXT", help="Only with a note in which this stands.")
@click.option("--min-duration", metavar="TIME", help="Only recordings of this length or longer, such as 30s.")
@click.option("--all-calls", is_flag=True, help="Also calls that were not recorded.")
@click.option("--test-calls", is_flag=True, help="Also the calls of callrec testcall.")
@click.option("--limit", default=100, type=click.IntRange(1, MOST_FOUND), help="At most so many.")
@click.option("--sort", default="newest", type=click.Choice(SORTS), help="Which come first.")
@click.option("--after", metavar="ID", help="Only what comes after this one: the last of the list before.")
@lists
@click.pass_context
def command(ctx: click.Context, /, date: str | None, on: str | None, form: str | None, **given: Any) -> None:
    """Find recordings by the day the call began: 2026-11-22, 令和8年11月22日, today, or a range A..B."""
    if date is not None and on is not None:
        raise WrongUsage("the date was given twice: {first} and {second}", first=date, second=on)
    here = desk(ctx)
    office = here.do(searching.conventions)
    day = on if date is None else date
    begin, end = (None, None) if day is None else parse_range(day, office.zone, datetime.now(UTC))
    given["extension"] = _meant(given["extension"], partial(read_number, outside=False))
    given["dialled"] = normalise(given["number"], office.prefixes)
    given["number"] = _meant(given["number"], partial(read_number, outside=True))
    shortest = _meant(given.pop("min_duration"), parse_duration)
    limit = given.pop("limit")
    wanted = SearchQuery(begin, end, min_duration_s=shortest, limit=limit + 1, **given)
    found, damage = _found(here.do(searching.search, wanted))
    names = {} if form else names_in_reach(ctx)
    rows = [row(each, office, names) for each in found[:limit]]
    emit(rows, COLUMNS, form, keys=KEYS, spare=SPARE, zone=office.zone)
    if len(found) > limit:
        say(
            "there are more than these {limit}: narrow the search, raise --limit, or go on with --after {id}",
            limit=limit,
            id=rows[-1]["_id"],
            err=True,
        )
    if damage:
        raise damage
    if not found:
        raise _nothing(wanted)


def _found(hits: Iterator[FoundCall]) -> tuple[list[FoundCall], CatalogueDamaged | None]:
    """Returns what was found, and what is wrong with the rest of it."""
    found: list[FoundCall] = []
    try:
        found.extend(hits)
    except CatalogueDamaged as error:
        return found, error
    return found, None


def _nothing(wanted: SearchQuery) -> NotFound:
    if wanted.all_calls:
        return NotFound("nothing found: widen the dates, or leave a condition out")
    return NotFound("nothing found: widen the dates, or add --all-calls for calls that were not recorded")


def _meant(text: str | None, read: Callable[[str], T]) -> T | None:
    """Returns what an option means. One that is there but empty is read too: it must not mean any."""
    return None if text is None else read(text)


def row(found: FoundCall, office: Conventions, names: Mapping[str, str]) -> dict[str, Any]:
    """Returns a call and its recording as a line of a list, with the keys of COLUMNS and KEYS. `names`: what
    facilities are called, by their codes."""
    return {
        **{key: getattr(found, key) for key in KEYS},
        "_id": found.id or found.call_id,
        "_when": spoken(found.started_at, office.zone),
        "_direction": translated(DIRECTIONS[found.direction]) if found.direction else None,
        "_outcome": translated(OUTCOMES[found.outcome]) if found.outcome else None,
        "_length": _length(found),
        "_facility": names.get(found.facility or "", found.facility),
        "_kept": translated(KEPT_BECAUSE[found.kept_because]) if found.kept_because else None,
        "_number": number_in_words(found.number) if found.number else None,
    }


def _length(found: FoundCall) -> str:
    """Returns how long a recording is, or that there is nothing to hear any more."""
    if found.duration_s is None:
        return "—"
    return translated("destroyed") if found.state is Custody.DESTROYED else clock(found.duration_s)
