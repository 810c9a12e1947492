"""callrec access: gives roles to accounts and groups of the machine, takes them back, and shows who may do
what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.call_words import facility_in_words
from callrec.commands.common import desk, emit, lists, names_in_reach, print_json, say, tell, zone
from callrec.dates import spoken
from callrec.desk.operations import access as operations
from callrec.desk.operations.access import Access, GrantChange, ListedGrant
from callrec.errors import WrongUsage
from callrec.language import choose
from callrec.language import translated as _
from callrec.model.access import Grant, Role
from callrec.wording import ROLES

COLUMNS = {
    "who": "account",
    "_role": "role",
    "_facility": "facility",
    "_since": "since",
    "granted_by": "granted by",
    "_gone": "remark",
}
SPARE = ("granted_by", "_since")
KEYS = ("who", "role", "facility", "granted_at", "granted_by", "gone")
ROLE = click.Choice([each.value for each in Role])


@click.group()
def command() -> None:
    """Who may do what. Nobody has any role until it is granted, by whoever can read callrec.toml."""


@command.command()
@click.argument("who")
@click.argument("role", type=ROLE)
@click.option("--facility", "places", multiple=True, metavar="CODE", help="Only for this one; repeatable.")
@click.pass_context
def grant(ctx: click.Context, who: str, role: str, places: tuple[str, ...]) -> None:
    """Give a role to WHO, an account of this machine or @GROUP: rules, handler, manager or auditor."""
    done = desk(ctx).do(operations.grant_role, who, Role(role), list(places))
    if done.changed:
        say(
            "{who} has the role {role} now, for {facilities}",
            who=done.who,
            role=role,
            facilities=_places(done),
        )
    elif places and done.everywhere:
        say(
            "{who} has the role {role} for everywhere: nothing changes; to narrow it, revoke it first",
            who=done.who,
            role=role,
        )
    else:
        say("{who} has the role {role} already: nothing changes", who=done.who, role=role)


@command.command()
@click.argument("who")
@click.argument("role", type=ROLE)
@click.option("--facility", "places", multiple=True, metavar="CODE", help="Only for this one; repeatable.")
@click.pass_context
def revoke(ctx: click.Context, who: str, role: str, places: tuple[str, ...]) -> None:
    """Take a role back from WHO, which may be gone from this machine."""
    done = desk(ctx).do(operations.revoke_role, who, Role(role), list(places))
    say(
        "{who} no longer has the role {role} for {facilities}",
        who=done.who,
        role=role,
        facilities=_places(done),
    )


@command.command("list")
@lists
@click.pass_context
def list_(ctx: click.Context, form: str | None) -> None:
    """List the roles that were granted, and to whom."""
    asked = desk(ctx)
    found = asked.do(operations.list_access)
    names = {} if form else names_in_reach(ctx)
    rows = [_row(each, zone(ctx), names) for each in found]
    emit(
        rows,
        COLUMNS,
        form,
        "no role is granted: callrec access grant WHO ROLE",
        KEYS,
        spare=SPARE,
        prose="_gone",
        words=("who", "_role", "_facility", "_since", "granted_by"),
        zone=zone(ctx),
    )


@command.command()
@click.argument("who", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def show(ctx: click.Context, who: str | None, as_json: bool) -> None:
    """Show what WHO may do (default: you), by which roles, for which facilities.

    Everybody may see this of themselves, auditors of others too.
    """
    if who == "":
        raise WrongUsage("the name is empty: write an account, or leave it out for yourself")
    found = desk(ctx).do(operations.show_access, who)
    if as_json:
        print_json(asdict(found))
    else:
        _tell(found)


def _places(done: GrantChange) -> str:
    return ", ".join(map(_place, done.changed))


def _place(grant: Grant) -> str:
    return grant.facility or _("everywhere")


def _role(role: Role) -> str:
    """Returns a role as commands call it, in Japanese beside the word of people."""
    return f"{_(ROLES[role])} ({role})" if choose() == "ja" else role


def _row(each: ListedGrant, zone: ZoneInfo, names: Mapping[str, str]) -> dict[str, Any]:
    place = each.grant.facility
    return {
        **asdict(each.grant),
        "gone": each.gone,
        "_role": _role(each.grant.role),
        "_facility": facility_in_words(place, names) if place else _("everywhere"),
        "_since": spoken(each.grant.granted_at, zone),
        "_gone": _("no longer on this machine: callrec access revoke") if each.gone else "",
    }


def _tell(found: Access) -> None:
    tell(found.who)
    if found.gone:
        say("  no longer on this machine")
    if found.direct:
        say("  can read callrec.toml, and may do everything")
    for each in found.grants:
        via = "" if each.who == found.who else _(" (as a member of {group})").format(group=each.who)
        tell(f"  {_role(each.role)}: {_place(each)}{via}")
    if not found.grants and not found.direct:
        say("  no role: ask your IT admin for callrec access grant {who} ROLE", who=found.who)
    commands = [_command(each) for each in found.commands]
    emit(commands, {"command": "command", "facility": "facility"}, None, prose="facility")


def _command(each: operations.AllowedCommand) -> dict[str, str]:
    places = _("everywhere") if each.facilities is None else ", ".join(each.facilities)
    return {"command": f"callrec {each.command}", "facility": places}
