"""Has the options that say what a rule is, for `rule add` and `rule change`, and makes a rule a line of a
list."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.commands.common import F
from callrec.model.rules import Announce, Direction, Holidays, Rule, Unannounced
from callrec.policy import hours
from callrec.rulebook.explanation import NO_NAMES, Names, whole_in_words
from callrec.wording import rule_name

COLUMNS = {"_rule": "rule", "_words": "what it says"}
"""One line a rule, as `rule show` has it: all else that a rule may say is there."""
KEYS = (
    *("id", "version", "scope", "target", "direction", "hours", "holidays", "effective_from"),
    *("effective_until", "mode", "announce", "languages", "prompt", "unannounced", "beep_s"),
    *("retain_days", "retain_incident_days", "priority", "changed_at", "changed_by"),
)

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
        help="When the announcement is played. Default: before-connect for calls from outside; on-start for "
        "all others, and in mode manual.",
    ),
    click.option("--language", help="Languages of the announcement, such as ja,en."),
    click.option("--prompt", help="Which announcement: see callrec prompt list."),
    click.option(
        "--unannounced",
        type=click.Choice([each.value for each in Unannounced]),
        help="What becomes of a call whose announcement the PBX cannot play: it is recorded all the same "
        "(record, the default), or nothing of it is recorded (discard).",
    ),
    click.option(
        "--beep",
        metavar="TIME",
        help="Both parties hear a short beep this often while the call is recorded, such as 15s "
        "(from 5s to 300s); none: no beep.",
    ),
    click.option(
        "--retain", metavar="TIME", help="How long recordings are kept, such as 90d; default: the setting."
    ),
    click.option(
        "--retain-incident", metavar="TIME", help="How long recordings of incidents are kept, such as 5y."
    ),
    click.option("--priority", type=int, help="Among rules of the same width the higher one wins."),
    click.option("--from", metavar="DATE", help="The first day on which it holds; none: at once."),
    click.option(
        "--until",
        metavar="DATE",
        help="The last day on which it holds; none: without end.",
    ),
)


def rule_options(command: F) -> F:
    """Adds the options of conditions and consequences; None where one is not given."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def written(given: dict[str, Any]) -> tuple[dict[str, str], int | None]:
    """Returns what was given of a rule, as it was written, and its priority."""
    texts = {name: str(value) for name, value in given.items() if value is not None and value is not False}
    texts.pop("priority", None)
    return texts, given["priority"]


def row(rule: Rule, zone: ZoneInfo, names: Names = NO_NAMES) -> dict[str, Any]:
    """Returns a rule as a line of a list, with the keys of COLUMNS and KEYS. `names`: of facilities."""
    return {
        "id": rule.id,
        "version": rule.version,
        "scope": rule.scope,
        "target": rule.target,
        "direction": rule.direction or "any",
        "hours": hours.written(rule.hours) or None,
        "holidays": rule.holidays,
        "effective_from": rule.effective_from,
        "effective_until": rule.effective_until,
        "mode": rule.mode,
        "announce": rule.announce,
        "languages": rule.languages,
        "prompt": rule.prompt,
        "unannounced": rule.unannounced,
        "beep_s": rule.beep_s,
        "retain_days": rule.retain_days,
        "retain_incident_days": rule.retain_incident_days,
        "priority": rule.priority,
        "changed_at": rule.changed_at,
        "changed_by": rule.changed_by,
        "_rule": rule_name(rule.id, rule.version),
        "_words": whole_in_words(rule, zone, names),
    }
