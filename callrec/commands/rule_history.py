"""callrec rule show and history: a rule as it is and as it was, who changed what and when."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.catalogue import rules
from callrec.catalogue.rules import Version
from callrec.commands.common import app, emit, lists, plain_row, say
from callrec.commands.rule_options import row
from callrec.dates import spoken
from callrec.errors import NotFound, WrongUsage
from callrec.language import translated as _
from callrec.model import Rule
from callrec.policy.explanation import first_day, hours_in_words, in_words, last_day
from callrec.policy.wording import ANNOUNCEMENTS, DIRECTIONS, HOLIDAYS, MODES, rule_name

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
    "retain_days": "days kept",
    "retain_incident_days": "days kept after an incident",
    "priority": "priority",
}
COLUMNS = {"version": "version", "_at": "when", "changed_by": "who", "_change": "change"}


@click.command()
@click.argument("name", metavar="RULE[@VERSION]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> None:
    """Show a rule as it is now, or as a version of it was, such as 12@3."""
    here = app(ctx)
    zone = here.settings.office.zone
    id_, wanted = _parse_name(name)
    with here.database.read() as connection:
        found = _version(rules.history(connection, id_), wanted)
    if as_json:
        whole = {**plain_row(row(found.rule, zone)), "removed": found.removed}
        click.echo(json.dumps(whole, ensure_ascii=False, indent=2))
        return
    rule = found.rule
    say("rule {rule}: {words}", rule=rule_name(rule.id, rule.version), words=in_words(rule, zone))
    for field, value in _fields(rule, zone).items():
        click.echo(f"  {_(FIELDS[field])}: {value}")
    said = _("removed by {who} at {moment}" if found.removed else "written by {who} at {moment}")
    click.echo("  " + said.format(who=rule.changed_by, moment=spoken(rule.changed_at, zone)))


@click.command()
@click.argument("id_", metavar="RULE", type=int)
@lists
@click.pass_context
def history(ctx: click.Context, id_: int, form: str | None) -> None:
    """List the versions of a rule: who changed what, and when. Removed rules have one too."""
    here = app(ctx)
    zone = here.settings.office.zone
    with here.database.read() as connection:
        found = rules.history(connection, id_)
    pairs = zip([None, *found], found, strict=False)
    emit([_step(before, after, zone) for before, after in pairs], COLUMNS, form)


def _step(before: Version | None, after: Version, zone: ZoneInfo) -> dict[str, Any]:
    """A version as a line of the history, with what is new in it."""
    old = rules.plain(before.rule) if before else {}
    new = rules.plain(after.rule)
    changed = [name for name in FIELDS if before and old[name] != new[name]]
    words = [_change(name, before.rule, after.rule, zone) for name in changed if before]
    if before is None:
        words = [in_words(after.rule, zone)]
    if after.removed:
        words = [_("removed")]
    return {
        "version": after.rule.version,
        "changed_at": after.rule.changed_at,
        "changed_by": after.rule.changed_by,
        "removed": after.removed,
        "old": {name: old[name] for name in changed},
        "new": {name: new[name] for name in changed} if before else new,
        "_at": spoken(after.rule.changed_at, zone),
        "_change": "; ".join(words),
    }


def _change(name: str, before: Rule, after: Rule, zone: ZoneInfo) -> str:
    old, new = _fields(before, zone)[name], _fields(after, zone)[name]
    return f"{_(FIELDS[name])}: {old} → {new}"


def _fields(rule: Rule, zone: ZoneInfo) -> dict[str, str]:
    """What a change can alter, in words."""
    begin, end = rule.effective_from, rule.effective_until
    return {
        "mode": _(MODES[rule.mode]),
        "direction": _(DIRECTIONS[rule.direction]) if rule.direction else "—",
        "hours": hours_in_words(rule.hours) or "—",
        "holidays": _(HOLIDAYS[rule.holidays]) or "—",
        "effective_from": first_day(begin, zone) if begin else "—",
        "effective_until": last_day(end, zone) if end else "—",
        "announce": _(ANNOUNCEMENTS[rule.announce]) if rule.announce else "—",
        "languages": ", ".join(rule.languages),
        "prompt": rule.prompt,
        "retain_days": str(rule.retain_days or "—"),
        "retain_incident_days": str(rule.retain_incident_days or "—"),
        "priority": str(rule.priority),
    }


def _parse_name(text: str) -> tuple[int, int | None]:
    match = re.fullmatch(r"(\d{1,9})(?:@(\d{1,9}))?", unicodedata.normalize("NFKC", text))
    if not match:
        raise WrongUsage("{text} names no rule: write 12, or 12@3 for its third version", text=text)
    return int(match[1]), int(match[2]) if match[2] else None


def _version(found: list[Version], wanted: int | None) -> Version:
    for each in found:
        if each.rule.version == wanted:
            return each
    if wanted is not None:
        raise NotFound(
            "rule {id} has no version {version}: see callrec rule history {id}",
            id=found[0].rule.id,
            version=wanted,
        )
    return found[-1]
