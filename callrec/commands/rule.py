"""callrec rule: adds, changes, ends, removes and lists the rules of who records what.

What explains, checks, exports and imports them is in the files rule_*.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from callrec.app import App
from callrec.catalogue import rules
from callrec.commands.common import app, emit, lists, say, tell
from callrec.commands.rule_check import check, warn_of_callers
from callrec.commands.rule_explain import explain
from callrec.commands.rule_file import export, import_
from callrec.commands.rule_history import history, show
from callrec.commands.rule_options import COLUMNS, KEYS, SPARE, refuse_past, row, rule_options
from callrec.dates import parse_end
from callrec.errors import Refused, WrongUsage
from callrec.model.rules import Mode, Rule
from callrec.rulebook.explanation import last_day
from callrec.rulebook.fields import read_fields, read_whom
from callrec.wording import rule_name

_MODES = click.Choice([mode.value for mode in Mode])


@click.group()
def command() -> None:
    """Who records what."""


for each in (show, history, explain, check, export, import_):
    command.add_command(each)


@command.command()
@click.option("--everywhere", is_flag=True, help="For every call.")
@click.option("--facility", metavar="CODE", help="For the calls of a facility.")
@click.option("--extension", metavar="NUMBER", help="For the calls of an extension or a service number.")
@click.option("--caller", metavar="NUMBER", help="For the calls with a number outside.")
@click.option("--mode", required=True, type=_MODES, help="What happens with the call.")
@rule_options
@click.option("--quiet", is_flag=True, help="Print the new rule's id and nothing else.")
@click.pass_context
def add(ctx: click.Context, /, quiet: bool, **given: Any) -> None:
    """Add a rule. It is in force at once; calls under way keep the rule they began with."""
    here = app(ctx)
    scope, target = read_whom(given)
    wanted = replace(
        Rule(0, 0, scope, target, Mode(given["mode"]), here.now, here.who),
        **read_fields(given, here.settings.office.zone, here.now),
    )
    _check(here, wanted, given)
    with here.database.begin() as connection:
        added = rules.add(connection, wanted, who=here.who, at=here.now)
    if quiet:
        tell(str(added.id))
    else:
        say("rule {rule} added", rule=rule_name(added.id, added.version))
    warn_of_callers([added], here.office())


@command.command()
@click.argument("id_", metavar="RULE", type=int)
@click.option("--mode", type=_MODES, help="What happens with the call.")
@rule_options
@click.pass_context
def change(ctx: click.Context, /, **given: Any) -> None:
    """Change a rule: what is given becomes its next version, what is not stays as it was."""
    here = app(ctx)
    id_ = given.pop("id_")
    wanted = read_fields(given, here.settings.office.zone, here.now)
    if not wanted:
        raise WrongUsage("say what to change, such as --mode manual: see callrec rule change --help")
    with here.database.begin() as connection:
        _check(here, replace(rules.get(connection, id_), **wanted), given)
        changed = rules.change(connection, id_, who=here.who, at=here.now, **wanted)
    say("rule {rule} is in force now", rule=rule_name(changed.id, changed.version))


@command.command()
@click.argument("id_", metavar="RULE", type=int)
@click.option("--until", metavar="DATE", help="The last day on which it holds (default: it ends now).")
@click.pass_context
def end(ctx: click.Context, id_: int, until: str | None) -> None:
    """End a rule now, or with a day. It stays in the list, so that explanations can name it."""
    here = app(ctx)
    zone, now = here.settings.office.zone, here.now
    moment = now if until is None else parse_end(until, zone, now)
    refuse_past(moment, until, now)
    with here.database.begin() as connection:
        before = rules.get(connection, id_)
        if before.effective_from and before.effective_from >= moment:
            raise Refused("rule {id} does not begin before that: see callrec rule remove {id}", id=id_)
        if before.effective_until and before.effective_until <= moment:
            raise Refused(
                "rule {id} ends {moment} already: to let it hold longer, see callrec rule change --until",
                id=id_,
                moment=last_day(before.effective_until, zone),
            )
        ended = rules.change(connection, id_, who=here.who, at=now, effective_until=moment)
    say(
        "rule {rule} ends {moment}",
        rule=rule_name(ended.id, ended.version),
        moment=last_day(moment, zone),
    )


@command.command()
@click.argument("id_", metavar="RULE", type=int)
@click.pass_context
def remove(ctx: click.Context, id_: int) -> None:
    """Remove a rule. Its versions stay on record."""
    here = app(ctx)
    with here.database.begin() as connection:
        rules.remove(connection, id_, who=here.who, at=here.now)
    say("rule {id} removed", id=id_)


@command.command("list")
@lists
@click.pass_context
def list_(ctx: click.Context, form: str | None) -> None:
    """List the rules in force, with those that begin later or have ended."""
    here = app(ctx)
    with here.database.read() as connection:
        found = rules.in_force(connection)
    rows = [row(each, here.settings.office.zone) for each in found]
    emit(
        rows,
        COLUMNS,
        form,
        "no rule yet: nothing is recorded",
        KEYS,
        spare=SPARE,
        zone=here.settings.office.zone,
    )


def _check(here: App, rule: Rule, given: dict[str, Any]) -> None:
    """Raises what only the command line checks: an end that is over, and a prompt that is not there."""
    refuse_past(rule.effective_until, given["until"], here.now)
    for language in rule.languages:
        here.library.get(rule.prompt, language)
