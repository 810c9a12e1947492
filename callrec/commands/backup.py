"""callrec backup: all that the bucket does not have, in a folder of its own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from callrec import places
from callrec.backup.listing import Tell
from callrec.commands.common import app, say, working
from callrec.language import translated as _


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_context
def command(ctx: click.Context, folder: Path) -> None:
    """Make a backup in a new folder, while everything works: the database, the keys that sign, callrec.toml,
    the office's own announcements, and recordings that wait for the archive.

    It does not depend on the kind of database: a backup of SQLite is restored into PostgreSQL, and back. The
    folder is there when every file of it was read back. It holds the signing key and all passwords.
    """
    here, file = app(ctx), places.find_file(ctx.find_root().obj.config)
    assert file  # app has read it
    with shown() as tell:
        made = here.backup(file).make(folder.absolute(), tell)
    say(
        "{path}: {rows} rows in {tables} tables, {files} files, read back; signed by key {key}",
        path=folder,
        rows=sum(each.rows for each in made.tables),
        tables=len(made.tables),
        files=len(made.files),
        key=made.key_id,
    )
    if made.left_out:
        say("{count} recordings are on the PBX still, and not in it", count=made.left_out)
    if named := _named(file):
        say("callrec.toml names files that are not in it: {files}", files=", ".join(named))
    say("it holds the signing key and all passwords: keep it where few can read it")


@contextmanager
def shown() -> Iterator[Tell]:
    """Gives what shows on a terminal how far it has come."""
    status = working(_("reading"))
    with status:

        def tell(name: str, count: int) -> None:
            update = getattr(status, "update", None)
            if update:
                update(f"{name}: {count}")

        yield tell


def _named(file: Path) -> list[str]:
    """Returns the files, with secrets or certificates, whose paths stand in callrec.toml."""
    tables = tomllib.loads(file.read_text("utf-8")).values()
    found = [table for table in tables if isinstance(table, dict)]
    return [str(value) for table in found for key, value in table.items() if key.endswith("_file") and value]
