"""callrec extension: adds, imports, lists, moves and removes the extensions of the PBX and their phones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from callrec.call_words import facility_in_words
from callrec.commands.common import desk, emit, lists, office_names, say, zone
from callrec.commands.given_file import read_file
from callrec.commands.office_steps import importing, tell_steps
from callrec.desk.operations import extensions as operations
from callrec.language import translated as _
from callrec.model.office import Extension

COLUMNS = {"number": "number", "_facility": "facility", "name": "name", "_kind": "kind", "aliases": "aliases"}
KEYS = ("number", "facility", "name", "kind", "aliases")


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
    added = desk(ctx).do(operations.add_extension, Extension(number, facility, name, service))
    if added.service:
        say("number {number} added to facility {code}", number=added.number, code=added.facility)
    else:
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
    with importing(path):
        steps = desk(ctx).do(operations.import_extensions, read_file(path), dry_run)
    tell_steps(steps, zone(ctx), dry_run=dry_run)


@command.command("list")
@click.option("--facility", metavar="CODE", help="Only those of this facility.")
@lists
@click.pass_context
def list_(ctx: click.Context, facility: str | None, form: str | None) -> None:
    """List the extensions."""
    found = desk(ctx).do(operations.list_extensions, facility)
    names = {} if form else office_names(ctx)
    rows = [_row(each, names) for each in found]
    emit(
        rows, COLUMNS, form, "no extension yet", KEYS, spare=("aliases", "_kind"), words=("name", "_facility")
    )


@command.command()
@click.argument("number")
@click.option("--facility", required=True, metavar="CODE", help="The facility it belongs to from now on.")
@click.pass_context
def move(ctx: click.Context, number: str, facility: str) -> None:
    """Move an extension to another facility. Its recordings stay filed where they are."""
    moved = desk(ctx).do(operations.move_extension, number, facility)
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
    changed = desk(ctx).do(operations.alias_extension, number, list(endpoints), remove)
    names = " ".join((changed.number, *changed.aliases))
    say("extension {number} has the phones {names}", number=changed.number, names=names)


@command.command()
@click.argument("number")
@click.pass_context
def remove(ctx: click.Context, number: str) -> None:
    """Remove an extension that has no rules. Its recordings stay."""
    removed = desk(ctx).do(operations.remove_extension, number)
    say("extension {number} removed", number=removed.number)


def _row(each: Extension, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "number": each.number,
        "facility": each.facility,
        "_facility": facility_in_words(each.facility, names),
        "name": each.name,
        "kind": "service" if each.service else "phone",
        "_kind": _("queue or group") if each.service else _("phone"),
        "aliases": each.aliases,
    }
