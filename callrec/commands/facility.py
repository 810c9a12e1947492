"""callrec facility: adds, lists, renames and removes facilities, and says who is called to help them."""

from __future__ import annotations

from typing import Any

import click

from callrec.commands.common import desk, emit, lists, say
from callrec.commands.facility_report import report
from callrec.desk.operations import facilities as operations
from callrec.language import translated as _
from callrec.model.office import Facility

COLUMNS = {
    "code": "code",
    "name": "name",
    "extensions": "extensions",
    "_phone": "support phone",
    "_mail": "support mail",
}
SPARE = ("_mail", "_phone", "extensions")
KEYS = ("code", "name", "extensions", "support_phone", "support_mail")


@click.group()
def command() -> None:
    """The facilities of the office."""


command.add_command(report)


@command.command()
@click.argument("code")
@click.option("--name", required=True, help="The name people know it by, such as 芝地区総合支所.")
@click.pass_context
def add(ctx: click.Context, code: str, name: str) -> None:
    """Add a facility. CODE is short and lower-case, such as shiba; it becomes part of object keys."""
    added = desk(ctx).do(operations.add_facility, code, name)
    say("facility {code} added", code=added.code)


@command.command("list")
@lists
@click.pass_context
def list_(ctx: click.Context, form: str | None) -> None:
    """List the facilities."""
    rows = [_row(each.facility, each.extensions) for each in desk(ctx).do(operations.list_facilities)]
    emit(rows, COLUMNS, form, "no facility yet", KEYS, spare=SPARE)


@command.command()
@click.argument("code")
@click.option("--name", required=True, help="The new name.")
@click.pass_context
def rename(ctx: click.Context, code: str, name: str) -> None:
    """Give a facility another name. Its code stays."""
    found = desk(ctx).do(operations.rename_facility, code, name)
    say("facility {code} is now called {name}", code=found.code, name=name)


@command.command()
@click.argument("code")
@click.option("--phone", metavar="NUMBER", help="The extension that is called to listen; none: no phone.")
@click.option(
    "--mail", "mails", multiple=True, metavar="ADDRESS", help="Who is told; repeatable. none: nobody."
)
@click.option("--default", is_flag=True, help="As [help] in callrec.toml says for all facilities.")
@click.pass_context
def support(ctx: click.Context, code: str, phone: str | None, mails: tuple[str, ...], default: bool) -> None:
    """Say who is called when staff of a facility press the help key. What is not named stays."""
    found = desk(ctx).do(operations.support_facility, code, phone, list(mails), default)
    say("facility {code}: who is called to help was changed", code=found.code)


@command.command()
@click.argument("code")
@click.pass_context
def remove(ctx: click.Context, code: str) -> None:
    """Remove a facility that has no extensions and no rules. Its recordings stay."""
    removed = desk(ctx).do(operations.remove_facility, code)
    say("facility {code} removed", code=removed.code)


def _row(each: Facility, extensions: int) -> dict[str, Any]:
    return {
        "code": each.code,
        "name": each.name,
        "extensions": extensions,
        "support_phone": each.support_phone,
        "support_mail": each.support_mail,
        "_phone": _own(each.support_phone),
        "_mail": _own(each.support_mail),
    }


def _own(value: str | tuple[str, ...] | None) -> str | tuple[str, ...]:
    """Returns what a facility itself says, for a table."""
    return _("as for all") if value is None else value or _("none")
