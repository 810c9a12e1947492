"""callrec extension: the extensions of the PBX and the facilities they belong to."""

from __future__ import annotations

import click

from callrec.catalogue import facilities
from callrec.commands.common import app, emit, lists, say
from callrec.model import Extension


@click.group()
def command() -> None:
    """The extensions of the PBX and the facilities they belong to."""


@command.command()
@click.argument("number")
@click.option("--facility", required=True, metavar="CODE", help="The facility it belongs to.")
@click.option("--name", default="", help="Where the phone stands, such as 窓口1.")
@click.pass_context
def add(ctx: click.Context, number: str, facility: str, name: str) -> None:
    """Add an extension. NUMBER is what the PBX knows it by."""
    here = app(ctx)
    with here.database.begin() as connection:
        facilities.add_extension(connection, Extension(number, facility, name), who=here.who, at=here.now)
    say("extension {number} added to facility {code}", number=number, code=facility)


@command.command("list")
@click.option("--facility", metavar="CODE", help="Only those of this facility.")
@lists
@click.pass_context
def list_(ctx: click.Context, facility: str | None, form: str | None) -> None:
    """List the extensions."""
    with app(ctx).database.read() as connection:
        if facility:
            facilities.facility(connection, facility)
        found = facilities.all_extensions(connection, facility)
    rows = [{"number": each.number, "facility": each.facility, "name": each.name} for each in found]
    emit(rows, {"number": "number", "facility": "facility", "name": "name"}, form, "no extension yet")


@command.command()
@click.argument("number")
@click.option("--facility", required=True, metavar="CODE", help="The facility it belongs to from now on.")
@click.pass_context
def move(ctx: click.Context, number: str, facility: str) -> None:
    """Move an extension to another facility. Its recordings stay filed where they are."""
    here = app(ctx)
    with here.database.begin() as connection:
        facilities.move_extension(connection, number, facility, who=here.who, at=here.now)
    say("extension {number} moved to facility {code}", number=number, code=facility)


@command.command()
@click.argument("number")
@click.pass_context
def remove(ctx: click.Context, number: str) -> None:
    """Remove an extension that has no rules. Its recordings stay."""
    here = app(ctx)
    with here.database.begin() as connection:
        facilities.remove_extension(connection, number, who=here.who, at=here.now)
    say("extension {number} removed", number=number)
