"""callrec rule: adds, changes, ends, removes and lists the rules of who records what.

What explains, checks, exports and imports them is in the files rule_*.
"""

from __future__ import annotations

from typing import Any

import click

from callrec.commands.common import desk, emit, lists, office_names, office_now, say, tell, zone
from callrec.commands.rule_check import check, warn_of_callers
from callrec.commands.rule_explain import explain
from callrec.commands.rule_file import export, import_
from callrec.commands.rule_history import history, show
from callrec.commands.rule_options import COLUMNS, KEYS, row, rule_options, written
from callrec.desk.operations import rules as operations
from callrec.model.rules import Mode
from callrec.rulebook.explanation import NO_NAMES, last_day
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
    added = desk(ctx).do(operations.add_rule, *written(given))
    if quiet:
        tell(str(added.id))
    else:
        say("rule {rule} added", rule=rule_name(added.id, added.version))
    warn_of_callers([added], office_now(ctx).office())


@command.command()
@click.argument("id_", metavar="RULE", type=int)
@click.option("--mode", type=_MODES, help="What happens with the call.")
@rule_options
@click.pass_context
def change(ctx: click.Context, /, **given: Any) -> None:
    """Change a rule: what is given becomes its next version, what is not stays as it was."""
    id_ = given.pop("id_")
    changed = desk(ctx).do(operations.change_rule, id_, *written(given))
    say("rule {rule} is in force now", rule=rule_name(changed.id, changed.version))


@command.command()
@click.argument("id_", metavar="RULE", type=int)
@click.option("--until", metavar="DATE", help="The last day on which it holds (default: it ends now).")
@click.pass_context
def end(ctx: click.Context, id_: int, until: str | None) -> None:
    """End a rule now, or with a day. It stays in the list, so that explanations can name it."""
    ended = desk(ctx).do(operations.end_rule, id_, until)
    assert ended.effective_until
    say(
        "rule {rule} ends {moment}",
        rule=rule_name(ended.id, ended.version),
        moment=last_day(ended.effective_until, zone(ctx)),
    )


@command.command()
@click.argument("id_", metavar="RULE", type=int)
@click.pass_context
def remove(ctx: click.Context, id_: int) -> None:
    """Remove a rule. Its versions stay on record."""
    desk(ctx).do(operations.remove_rule, id_)
    say("rule {id} removed", id=id_)


@command.command("list")
@lists
@click.pass_context
def list_(ctx: click.Context, form: str | None) -> None:
    """List the rules: those in force, those that begin later, and those that have ended."""
    found = desk(ctx).do(operations.list_rules)
    names = NO_NAMES if form else office_names(ctx)
    rows = [row(each, zone(ctx), names) for each in found]
    emit(rows, COLUMNS, form, "no rule yet: nothing is recorded", KEYS, prose="_words", zone=zone(ctx))
