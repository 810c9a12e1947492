"""The options that say what a rule is, for `rule add` and `rule change`, and a rule as a line of a list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.commands.common import F
from callrec.dates import parse_days, parse_end, parse_moment
from callrec.errors import WrongUsage
from callrec.model import Announce, Direction, Holidays, Mode, Rule, Scope
from callrec.numbers import dialled, normalise
from callrec.policy.explanation import first_day, last_day
from callrec.policy.hours import parse_hours, written

COLUMNS = {
    "id": "rule",
    "version": "version",
    "scope": "scope",
    "target": "for",
    "direction": "direction",
    "hours": "hours",
    "holidays": "public holidays",
    "_from": "from",
    "_until": "until",
    "mode": "mode",
    "announce": "announce",
    "languages": "languages",
    "retain_days": "days kept",
    "priority": "priority",
}

_DIRECTIONS = [*(direction.value for direction in Direction), "any"]
_ANNOUNCE = [*(each.value for each in Announce), "default"]
_OPTIONS = (
    click.option("--direction", type=click.Choice(_DIRECTIONS), help="Only calls of this direction."),
    click.option(
        "--hours",
        metavar="TEXT",
        help='Only at these weekdays and hours, such as "mon-fri 08:30-17:15" (at 17:15 it is over); '
        "over midnight, the weekday is the one on which it began. always: at any time.",
    ),
    click.option(
        "--holidays",
        type=click.Choice([each.value for each in Holidays]),
        help="Whether it holds on Japanese public holidays too (include), or not, or only then.",
    ),
    click.option(
        "--announce",
        type=click.Choice(_ANNOUNCE),
        help="When the announcement is played (default: before-connect for calls from outside, "
        "else on-start).",
    ),
    click.option("--language", help="Languages of the announcement, such as ja,en."),
    click.option("--prompt", help="Which announcement: see callrec prompt list."),
    click.option(
        "--retain", metavar="TIME", help="How long recordings are kept, such as 90d; default: the setting."
    ),
    click.option(
        "--retain-incident", metavar="TIME", help="How long recordings of incidents are kept, such as 5y."
    ),
    click.option("--priority", type=int, help="Among rules of the same width the higher one wins."),
    click.option(
        "--from", "effective_from", metavar="DATE", help="The first day on which it holds; none: at once."
    ),
    click.option(
        "--until",
        "effective_until",
        metavar="DATE",
        help="The last day on which it holds; none: without end.",
    ),
)


def rule_options(command: F) -> F:
    """Adds the options of conditions and consequences; None where one is not given."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def fields(given: dict[str, Any], zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """The fields of a rule that the given options set. Raises WrongUsage for what makes no sense."""
    readers = _readers(zone, now)
    return dict(
        readers[name](value) for name, value in given.items() if name in readers and value is not None
    )


def _readers(zone: ZoneInfo, now: datetime) -> dict[str, Callable[[str], tuple[str, Any]]]:
    return {
        "mode": lambda text: ("mode", Mode(text)),
        "direction": lambda text: ("direction", None if text == "any" else Direction(text)),
        "hours": lambda text: ("hours", () if text == "always" else parse_hours(text)),
        "holidays": lambda text: ("holidays", Holidays(text)),
        "announce": lambda text: ("announce", None if text == "default" else Announce(text)),
        "language": lambda text: ("languages", _languages(text)),
        "prompt": lambda text: ("prompt", text),
        "retain": lambda text: ("retain_days", _days(text)),
        "retain_incident": lambda text: ("retain_incident_days", _days(text)),
        "priority": lambda number: ("priority", int(number)),
        "effective_from": lambda text: (
            "effective_from",
            None if text == "none" else parse_moment(text, zone, now),
        ),
        "effective_until": lambda text: (
            "effective_until",
            None if text == "none" else parse_end(text, zone, now),
        ),
    }


def refuse_past(end: datetime | None, text: str | None, now: datetime) -> None:
    """Raises WrongUsage where an end that was asked for is over already, which would be a mistake."""
    if end and text and end <= now:
        raise WrongUsage("--until {text} is over already: to end a rule now, see callrec rule end", text=text)


def whom(given: dict[str, Any]) -> tuple[Scope, str | None]:
    """Whom the rule is about. Numbers may have full-width digits and hyphens."""
    named = [scope for scope in Scope if given.get(scope.value)]
    if len(named) != 1:
        raise WrongUsage(
            "say whom the rule is about, once: --everywhere, --facility, --extension or --caller"
        )
    (scope,) = named
    if scope is Scope.EVERYWHERE:
        return scope, None
    text = given[scope.value]
    return scope, text if scope is Scope.FACILITY else number(text, outside=scope is Scope.CALLER)


def number(text: str, *, outside: bool) -> str:
    """A number as rules and calls have it; those outside as +81312345678."""
    digits = dialled(text)
    plain = normalise(digits) if outside else digits
    if plain is None:
        raise WrongUsage("{text} is no number: write digits, such as 2101 or 03-1234-5678", text=text)
    return plain


def row(rule: Rule, zone: ZoneInfo) -> dict[str, Any]:
    """A rule as a line of a list."""
    return {
        "id": rule.id,
        "version": rule.version,
        "scope": rule.scope,
        "target": rule.target,
        "direction": rule.direction or "any",
        "hours": written(rule.hours) or None,
        "holidays": rule.holidays,
        "effective_from": rule.effective_from,
        "effective_until": rule.effective_until,
        "mode": rule.mode,
        "announce": rule.announce,
        "languages": rule.languages,
        "prompt": rule.prompt,
        "retain_days": rule.retain_days,
        "retain_incident_days": rule.retain_incident_days,
        "priority": rule.priority,
        "changed_at": rule.changed_at,
        "changed_by": rule.changed_by,
        "_from": first_day(rule.effective_from, zone) if rule.effective_from else None,
        "_until": last_day(rule.effective_until, zone) if rule.effective_until else None,
    }


def _languages(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))


def _days(text: str) -> int | None:
    return None if text == "default" else parse_days(text)
