"""callrec rule export and import: writes and reads the whole office as one TOML file."""

from __future__ import annotations

from pathlib import Path

import click

from callrec import toml_text
from callrec.commands.common import desk, office_now, say, zone
from callrec.commands.given_file import read_file
from callrec.commands.new_file import write_new_file
from callrec.commands.office_steps import importing, tell_steps
from callrec.commands.rule_check import warn_of_callers
from callrec.desk.operations.rules import import_office
from callrec.rulebook import office_file


@click.command("export")
@click.argument("path", metavar="FILE.toml", type=click.Path(path_type=Path))
@click.pass_context
def export(ctx: click.Context, path: Path) -> None:
    """Write facilities, extensions and rules to one TOML file. An existing file is not replaced."""
    parts = office_now(ctx)
    write_new_file(path, office_file.write(parts.office(), parts.zone).encode())
    say(
        "{facilities} facilities, {extensions} extensions and {rules} rules are in {path}",
        facilities=len(parts.facilities),
        extensions=len(parts.extensions),
        rules=len(parts.rules),
        path=path,
    )


@click.command("import")
@click.argument("path", metavar="FILE.toml", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.pass_context
def import_(ctx: click.Context, path: Path, dry_run: bool) -> None:
    """Make the office what a TOML file says: what is not in the file is removed. All of it or nothing.

    Removed and changed rules keep their versions. Try it with --dry-run first.
    """
    with importing(path):
        imported = desk(ctx).do(import_office, toml_text.decoded(read_file(path), path), dry_run)
    tell_steps(imported.steps, zone(ctx), dry_run=dry_run)
    warn_of_callers(imported.rules, office_now(ctx).office())
