"""callrec rule show and history: tells what a rule is and was, who changed what and when."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.catalogue import rules
from callrec.catalogue.rules import Version
from callrec.commands.common import desk, emit, lists, office_names, plain_row, print_json, say, tell
from callrec.commands.common import zone as office_zone
from callrec.commands.rule_options import row
from callrec.dates import spoken
from callrec.desk.operations.rules import rule_history
from callrec.errors import NotFound, WrongUsage
from callrec.language import translated as _
from callrec.rulebook.explanation import NO_NAMES, Names, in_words
from callrec.rulebook.fields import FIELDS, altered, change_in_words, fields_in_words
from callrec.texts import narrow
from callrec.wording import rule_name

COLUMNS = {"version": "version", "_at": "when", "changed_by": "who", "_change": "change"}


@click.command()
@click.argument("name", metavar="RULE[@VERSION]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> None:
    """Show a rule as it is now, or as a version of it was, such as 12@3."""
    id_, wanted = _parse_name(name)
    found, zone = _version(desk(ctx).do(rule_history, id_), wanted), office_zone(ctx)
    if as_json:
        whole = {**plain_row(row(found.rule, zone)), "removed": found.removed}
        print_json(whole)
        return
    rule = found.rule
    words = in_words(rule, zone, office_names(ctx))
    say("rule {rule}: {words}", rule=rule_name(rule.id, rule.version), words=words)
    for field, value in fields_in_words(rule, zone).items():
        tell(f"  {_(FIELDS[field])}: {value}")
    said = _("removed by {who} at {moment}" if found.removed else "written by {who} at {moment}")
    tell("  " + said.format(who=rule.changed_by, moment=spoken(rule.changed_at, zone)))


@click.command()
@click.argument("id_", metavar="RULE", type=int)
@lists
@click.pass_context
def history(ctx: click.Context, id_: int, form: str | None) -> None:
    """List the versions of a rule: who changed what, and when. Removed rules have one too."""
    found, zone = desk(ctx).do(rule_history, id_), office_zone(ctx)
    names = NO_NAMES if form else office_names(ctx)
    pairs = zip([None, *found], found, strict=False)
    rows = [_step(before, after, zone, names) for before, after in pairs]
    emit(rows, COLUMNS, form, prose="_change", zone=zone)


def _step(before: Version | None, after: Version, zone: ZoneInfo, names: Names) -> dict[str, Any]:
    """Returns a version as a line of the history, with what is new in it."""
    old = rules.plain(before.rule) if before else {}
    new = rules.plain(after.rule)
    changed = altered(before.rule, after.rule) if before else []
    words = change_in_words(before.rule, after.rule, zone) if before else in_words(after.rule, zone, names)
    return {
        "version": after.rule.version,
        "changed_at": after.rule.changed_at,
        "changed_by": after.rule.changed_by,
        "removed": after.removed,
        "old": {name: old[name] for name in changed},
        "new": {name: new[name] for name in changed} if before else new,
        "_at": spoken(after.rule.changed_at, zone),
        "_change": _("removed") if after.removed else words,
    }


def _parse_name(text: str) -> tuple[int, int | None]:
    match = re.fullmatch(r"([0-9]{1,9})(?:@([0-9]{1,9}))?", narrow(text))
    if not match:
        raise WrongUsage("{text} names no rule: write 12, or 12@3 for its third version", text=text)
    return int(match[1]), int(match[2]) if match[2] else None


def _version(found: list[Version], wanted: int | None) -> Version:
    """Returns the wanted version, the last one where none is wanted. Raises NotFound."""
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
