"""callrec rule: who records what."""

from __future__ import annotations

from typing import Any

import click

from callrec.catalogue import rules
from callrec.commands.common import app, emit, lists, say
from callrec.dates import parse_days
from callrec.errors import WrongUsage
from callrec.model import Announce, Direction, Mode, Rule, Scope
from callrec.numbers import plain
from callrec.policy.wording import rule_name
from callrec.prompts import Library

COLUMNS = {
    "id": "rule",
    "version": "version",
    "scope": "scope",
    "target": "for",
    "direction": "direction",
    "mode": "mode",
    "announce": "announce",
    "languages": "languages",
    "retain_days": "days kept",
    "priority": "priority",
}
_MODES = [mode.value for mode in Mode]
_DIRECTIONS = [*(direction.value for direction in Direction), "any"]


@click.group()
def command() -> None:
    """Who records what."""


@command.command()
@click.option("--everywhere", is_flag=True, help="For every call.")
@click.option("--facility", metavar="CODE", help="For the calls of a facility.")
@click.option("--extension", metavar="NUMBER", help="For the calls of an extension.")
@click.option("--mode", required=True, type=click.Choice(_MODES), help="What happens with the call.")
@click.option(
    "--direction", default="any", type=click.Choice(_DIRECTIONS), help="Only calls of this direction."
)
@click.option(
    "--announce",
    type=click.Choice([each.value for each in Announce]),
    help="When the announcement is played (default: before-connect for calls from outside, else on-start).",
)
@click.option("--language", default="ja", help="Languages of the announcement, such as ja,en.")
@click.option("--prompt", default="notice", help="Which announcement: see callrec prompt list.")
@click.option("--retain", metavar="TIME", help="How long recordings are kept, such as 90d.")
@click.option("--retain-incident", metavar="TIME", help="How long recordings of incidents are kept.")
@click.option("--priority", default=0, help="Among rules of the same width the higher one wins.")
@click.option("--quiet", is_flag=True, help="Print the new rule's id and nothing else.")
@click.pass_context
def add(ctx: click.Context, /, quiet: bool, **given: Any) -> None:
    """Add a rule. It is in force at once; calls under way keep the rule they began with."""
    here = app(ctx)
    wanted = _wanted(given, here.library)
    with here.database.begin() as connection:
        added = rules.add(connection, wanted, who=here.who, at=here.now)
    if quiet:
        click.echo(added.id)
    else:
        say("rule {rule} added", rule=rule_name(added.id, added.version))


@command.command("list")
@lists
@click.pass_context
def list_(ctx: click.Context, form: str | None) -> None:
    """List the rules in force."""
    with app(ctx).database.read() as connection:
        found = rules.in_force(connection)
    emit([row(each) for each in found], COLUMNS, form, "no rule yet: nothing is recorded")


@command.command()
@click.argument("id_", metavar="RULE", type=int)
@click.pass_context
def remove(ctx: click.Context, id_: int) -> None:
    """Remove a rule. Its versions stay on record."""
    here = app(ctx)
    with here.database.begin() as connection:
        rules.remove(connection, id_, who=here.who, at=here.now)
    say("rule {id} removed", id=id_)


def row(rule: Rule) -> dict[str, Any]:
    """A rule as a line of a list."""
    return {
        "id": rule.id,
        "version": rule.version,
        "scope": rule.scope,
        "target": rule.target,
        "direction": rule.direction or "any",
        "mode": rule.mode,
        "announce": rule.announce,
        "languages": rule.languages,
        "prompt": rule.prompt,
        "retain_days": rule.retain_days,
        "retain_incident_days": rule.retain_incident_days,
        "priority": rule.priority,
        "changed_at": rule.changed_at,
        "changed_by": rule.changed_by,
    }


def _wanted(given: dict[str, Any], library: Library) -> Rule:
    scope, target = _scope(given)
    languages = tuple(each.strip() for each in given["language"].split(",") if each.strip())
    for language in languages:
        library.get(given["prompt"], language)
    return Rule(
        id=0,
        version=0,
        scope=scope,
        target=target,
        mode=Mode(given["mode"]),
        changed_at=None,  # type: ignore[arg-type]
        changed_by="",
        direction=None if given["direction"] == "any" else Direction(given["direction"]),
        announce=Announce(given["announce"]) if given["announce"] else None,
        languages=languages,
        prompt=given["prompt"],
        retain_days=parse_days(given["retain"]) if given["retain"] else None,
        retain_incident_days=parse_days(given["retain_incident"]) if given["retain_incident"] else None,
        priority=given["priority"],
    )


def _scope(given: dict[str, Any]) -> tuple[Scope, str | None]:
    named = [scope for scope in Scope if given.get(scope.value)]
    if len(named) != 1:
        raise WrongUsage("say whom the rule is about, once: --everywhere, --facility or --extension")
    scope = named[0]
    if scope is Scope.EVERYWHERE:
        return scope, None
    return scope, plain(given["extension"]) if scope is Scope.EXTENSION else given[scope.value]
