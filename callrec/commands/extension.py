"""callrec extension: adds, imports, lists, moves and removes the extensions of the PBX and their phones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from callrec.catalogue import facilities
from callrec.commands.common import app, emit, lists, say
from callrec.commands.office_steps import carry_out, read_input
from callrec.model.office import Extension
from callrec.policy.office import Office
from callrec.rulebook import extension_table
from callrec.rulebook.difference import Step, additions

COLUMNS = {"number": "number", "facility": "facility", "name": "name", "kind": "kind", "aliases": "aliases"}


@click.group()
def command() -> None:
    """The extensions of the PBX and the facilities they belong to."""


@command.command()
@click.argument("number")
@click.option("--facility", required=True, metavar="CODE", help="The facility it belongs to.")
@click.option("--name", default="", help="Where the phone stands, such as 窓口1.")
@click.option("--service", is_flag=True, help="No phone, but a queue, a ring group or a number of a trunk.")
@click.pass_context
def add(ctx: click.Context, number: str, facility: str, name: str, service: bool) -> None:
    """Add an extension, or a service number (--service). NUMBER is what the PBX knows it by."""
    here = app(ctx)
    new = Extension(number, facility, name, service)
    with here.database.begin() as connection:
        added = facilities.add_extension(connection, new, who=here.who, at=here.now)
    say("extension {number} added to facility {code}", number=added.number, code=added.facility)


@command.command("import")
@click.argument("path", metavar="FILE.csv", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.pass_context
def import_(ctx: click.Context, path: Path, dry_run: bool) -> None:
    """Add extensions from a CSV file: number, facility (code or name), name, kind, aliases. All or none.

    Extensions that are there already get what the file says. The file may be in UTF-8 or Shift_JIS, as
    spreadsheets write it.
    """

    def plan(there: Office) -> Sequence[Step]:
        return additions(there, extension_table.parse(read_input(path), there))

    carry_out(app(ctx), plan, dry_run=dry_run)


@command.command("list")
@click.option("--facility", metavar="CODE", help="Only those of this facility.")
@lists
@click.pass_context
def list_(ctx: click.Context, facility: str | None, form: str | None) -> None:
    """List the extensions."""
    with app(ctx).database.read() as connection:
        code = None if facility is None else facilities.facility(connection, facility).code
        found = facilities.all_extensions(connection, code)
    emit([_row(each) for each in found], COLUMNS, form, "no extension yet", spare=("aliases", "kind"))


@command.command()
@click.argument("number")
@click.option("--facility", required=True, metavar="CODE", help="The facility it belongs to from now on.")
@click.pass_context
def move(ctx: click.Context, number: str, facility: str) -> None:
    """Move an extension to another facility. Its recordings stay filed where they are."""
    here = app(ctx)
    with here.database.begin() as connection:
        moved = facilities.change_extension(connection, number, facility=facility, who=here.who, at=here.now)
    say("extension {number} moved to facility {code}", number=moved.number, code=moved.facility)


@command.command()
@click.argument("number")
@click.argument("endpoints", nargs=-1, required=True, metavar="ENDPOINT…")
@click.option("--remove", is_flag=True, help="They are phones of this extension no more.")
@click.pass_context
def alias(ctx: click.Context, number: str, endpoints: tuple[str, ...], remove: bool) -> None:
    """Make other endpoints of the PBX phones of an extension too: 2101-WS, 992101, or DAHDI/33.

    Their calls are calls of the extension, and their keys are its keys.
    """
    here = app(ctx)
    change = facilities.remove_aliases if remove else facilities.add_aliases
    with here.database.begin() as connection:
        changed = change(connection, number, endpoints, who=here.who, at=here.now)
    names = " ".join((changed.number, *changed.aliases))
    say("extension {number} has the phones {names}", number=changed.number, names=names)


@command.command()
@click.argument("number")
@click.pass_context
def remove(ctx: click.Context, number: str) -> None:
    """Remove an extension that has no rules. Its recordings stay."""
    here = app(ctx)
    with here.database.begin() as connection:
        removed = facilities.remove_extension(connection, number, who=here.who, at=here.now)
    say("extension {number} removed", number=removed.number)


def _row(each: Extension) -> dict[str, object]:
    return {
        "number": each.number,
        "facility": each.facility,
        "name": each.name,
        "kind": "service" if each.service else "phone",
        "aliases": each.aliases,
    }
