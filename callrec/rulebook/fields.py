"""The fields of a rule as people write them, on the command line and in files, and what a change altered.

Names of fields that are read are those of the options, with `_` for `-`: `from`, `retain_incident`. Whether
the rule as a whole makes sense is checked in `policy.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from callrec.call_words import DIRECTIONS
from callrec.dates import parse_end, parse_moment
from callrec.durations import parse_days, parse_seconds
from callrec.errors import WrongUsage
from callrec.language import translated as _
from callrec.model.rules import Announce, Direction, Holidays, Mode, Rule, Scope, Unannounced
from callrec.numbers import read_number
from callrec.policy.hours import parse_hours
from callrec.rulebook.explanation import first_day, hours_in_words, last_day
from callrec.texts import items, narrow
from callrec.wording import (
    ANNOUNCEMENTS,
    HOLIDAYS,
    MODES,
    SPOKEN,
    UNANNOUNCED,
    days_in_words,
    seconds_in_words,
)

E = TypeVar("E", bound=StrEnum)

FIELDS = {
    "mode": "mode",
    "direction": "direction",
    "hours": "hours",
    "holidays": "public holidays",
    "effective_from": "from",
    "effective_until": "until",
    "announce": "announcement",
    "languages": "languages",
    "prompt": "prompt",
    "unannounced": "unannounced calls",
    "beep_s": "consent beep",
    "retain_days": "kept for",
    "retain_incident_days": "kept for after an incident",
    "priority": "priority",
}
"""The fields of a rule that a change can alter, and what each is called."""


def read_fields(given: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """Returns the fields of a rule that were given, and no others, by their names in `Rule`.

    Moments are meant in `zone`, and relative ones from `now`. Raises WrongUsage for what makes no sense.
    """
    readers = _readers(zone, now)
    return dict(
        readers[name](value) for name, value in given.items() if name in readers and value is not None
    )


def _readers(zone: ZoneInfo, now: datetime) -> dict[str, Callable[[Any], tuple[str, Any]]]:
    """Returns what reads each field: from what was written to the field's name in `Rule` and its value."""

    def moment(parse: Callable[[str, ZoneInfo, datetime], datetime], text: str) -> datetime | None:
        return None if _says(text, "none") else parse(text, zone, now)

    return {
        "mode": lambda text: ("mode", _one_of(Mode, text)),
        "direction": lambda text: ("direction", None if _says(text, "any") else _one_of(Direction, text)),
        "hours": lambda text: ("hours", () if _says(text, "always") else parse_hours(text)),
        "holidays": lambda text: ("holidays", _one_of(Holidays, text)),
        "from": lambda text: ("effective_from", moment(parse_moment, str(text))),
        "until": lambda text: ("effective_until", moment(parse_end, str(text))),
        "announce": lambda text: ("announce", None if _says(text, "default") else _one_of(Announce, text)),
        "language": lambda text: ("languages", _languages(text)),
        "prompt": lambda text: ("prompt", narrow(text)),
        "unannounced": lambda text: ("unannounced", _one_of(Unannounced, text)),
        "beep": lambda text: ("beep_s", None if _says(text, "none") else parse_seconds(text)),
        "retain": lambda text: ("retain_days", _days(text)),
        "retain_incident": lambda text: ("retain_incident_days", _days(text)),
        "priority": lambda number: ("priority", int(number)),
    }


def read_whom(given: Mapping[str, Any]) -> tuple[Scope, str | None]:
    """Returns whom a rule is about. Numbers may have full-width digits and hyphens.

    Raises WrongUsage where nobody is named, several are, or a number is none.
    """
    # An empty one was given, too: --everywhere --extension "" is not for everybody.
    named = [scope for scope in Scope if given.get(scope.value) not in (None, False)]
    if len(named) != 1:
        raise WrongUsage(
            "say whom the rule is about, once: --everywhere, --facility, --extension or --caller"
        )
    (scope,) = named
    if scope is Scope.EVERYWHERE:
        return scope, None
    text = str(given[scope.value])
    return scope, text if scope is Scope.FACILITY else read_number(text, outside=scope is Scope.CALLER)


def altered(before: Rule, after: Rule) -> list[str]:
    """Returns the names of the fields in which two versions of a rule differ."""
    return [name for name in FIELDS if getattr(before, name) != getattr(after, name)]


def change_in_words(before: Rule, after: Rule, zone: ZoneInfo) -> str:
    """Returns what is new in a version of a rule: each field, as it was and as it is."""
    old, new = fields_in_words(before, zone), fields_in_words(after, zone)
    return "; ".join(f"{_(FIELDS[name])}: {old[name]} → {new[name]}" for name in altered(before, after))


def fields_in_words(rule: Rule, zone: ZoneInfo) -> dict[str, str]:
    """Returns what a change can alter, in words; a dash where there is no condition, or the default holds."""
    begin, end = rule.effective_from, rule.effective_until
    return {
        "mode": _(MODES[rule.mode]),
        "direction": _(DIRECTIONS[rule.direction]) if rule.direction else "—",
        "hours": hours_in_words(rule.hours) or "—",
        "holidays": _(HOLIDAYS[rule.holidays]) or "—",
        "effective_from": first_day(begin, zone) if begin else "—",
        "effective_until": last_day(end, zone) if end else "—",
        "announce": _(ANNOUNCEMENTS[rule.announce]) if rule.announce else "—",
        "languages": ", ".join(_(SPOKEN.get(each, each)) for each in rule.languages),
        "prompt": rule.prompt,
        "unannounced": _(UNANNOUNCED[rule.unannounced]),
        "beep_s": seconds_in_words(rule.beep_s) if rule.beep_s else "—",
        "retain_days": _kept_for(rule.retain_days),
        "retain_incident_days": _kept_for(rule.retain_incident_days),
        "priority": str(rule.priority),
    }


def _kept_for(days: int | None) -> str:
    return days_in_words(days) if days else "—"


def _one_of(kind: type[E], text: str) -> E:
    try:
        return kind(narrow(text).lower())
    except ValueError as error:
        choices = ", ".join(kind)
        raise WrongUsage("{text} is none of {choices}", text=text, choices=choices) from error


def _says(text: str, word: str) -> bool:
    """Tells whether one of the words that stand for a value was written."""
    return narrow(text).lower() == word


def _languages(text: str) -> tuple[str, ...]:
    return tuple(each.lower() for each in items([text]))


def _days(text: str) -> int | None:
    return None if _says(text, "default") else parse_days(text)
