"""callrec restore: puts a backup back where nothing is, and says what to do next."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from callrec import places, settings_file
from callrec.app import App
from callrec.backup import listing
from callrec.backup.listing import Listing
from callrec.backup.restorer import Restored
from callrec.commands.backup import shown
from callrec.commands.common import say
from callrec.dates import spoken
from callrec.errors import Refused, WrongConfiguration


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_context
def command(ctx: click.Context, folder: Path) -> None:
    """Put a backup back: into an empty database, and with all files that are not there.

    Nothing that is there is written over. A callrec.toml that is there stays, and names the database: so a
    backup goes from SQLite into PostgreSQL, or back. One that was damaged or changed is refused, exit code 5,
    and changes nothing. A backup of an older version is brought to this one.
    """
    found = listing.read(folder)
    with shown() as tell:
        for number, _ in enumerate(listing.check(folder, found), start=1):
            tell("backup", number)
        target = (places.find_file(ctx.find_root().obj.config) or places.CONFIGURATION[0]).absolute()
        here = App(settings_file.load(str(target if target.exists() else folder / listing.CONFIGURATION)))
        with closing(here):
            _require_at_rest(here)
            here.make_way_to_prompts()
            here.make_spool()
            done = here.restorer(folder, found, target).restore(tell)
            _say(here, found, done)


def _require_at_rest(here: App) -> None:
    """Raises Refused where a controller works with the spool."""
    try:
        at_work = here.spool.is_locked()
    except WrongConfiguration:  # there is none yet
        return
    if at_work:
        raise Refused("callrec serve is running: stop it first")


def _say(here: App, found: Listing, done: Restored) -> None:
    zone = here.settings.office.zone
    say(
        "{rows} rows of {when} are in the database {url}, and {files} files in their places; key {key} has "
        "signed them",
        rows=done.rows,
        when=spoken(found.made_at, zone),
        url=here.database.shown,
        files=len(done.written),
        key=found.key_id,
    )
    for path in done.stayed:
        say("{path} was there already, and another one: it stays as it is", path=path)
    if done.broken_at:
        say("the custody log was broken at row {row} when the backup was made", row=done.broken_at)
    say("rules, facilities, extensions and roles are as they were: do again what was changed since")
    say("next: callrec catalogue rebuild, for what the bucket has since; until then nothing is destroyed")
