"""callrec facility: the facilities of the office."""

from __future__ import annotations

import click

from callrec.catalogue import facilities
from callrec.commands.common import app, emit, lists, say
from callrec.commands.facility_report import report
from callrec.model import Facility


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
    here = app(ctx)
    with here.database.begin() as connection:
        facilities.add_facility(connection, Facility(code, name), who=here.who, at=here.now)
    say("facility {code} added", code=code)


@command.command("list")
@lists
@click.pass_context
def list_(ctx: click.Context, form: str | None) -> None:
    """List the facilities."""
    with app(ctx).database.read() as connection:
        found = facilities.all_facilities(connection)
        owned = [each.facility for each in facilities.all_extensions(connection)]
    rows = [{"code": each.code, "name": each.name, "extensions": owned.count(each.code)} for each in found]
    emit(rows, {"code": "code", "name": "name", "extensions": "extensions"}, form, "no facility yet")


@command.command()
@click.argument("code")
@click.option("--name", required=True, help="The new name.")
@click.pass_context
def rename(ctx: click.Context, code: str, name: str) -> None:
    """Give a facility another name. Its code stays."""
    here = app(ctx)
    with here.database.begin() as connection:
        facilities.rename_facility(connection, code, name, who=here.who, at=here.now)
    say("facility {code} is now called {name}", code=code, name=name)


@command.command()
@click.argument("code")
@click.pass_context
def remove(ctx: click.Context, code: str) -> None:
    """Remove a facility that has no extensions and no rules. Its recordings stay."""
    here = app(ctx)
    with here.database.begin() as connection:
        facilities.remove_facility(connection, code, who=here.who, at=here.now)
    say("facility {code} removed", code=code)
