"""callrec pbx remove: takes callrec's includes out of the configuration of a PBX again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from callrec import places, settings_file
from callrec.app import App
from callrec.asterisk_files import removing, writing
from callrec.asterisk_files.removing import Removal
from callrec.commands.common import say, tell
from callrec.commands.pbx_install import agreed, etc_option, say_commands, show, yes_option
from callrec.errors import CallrecError, CheckFailed, Refused
from callrec.fallback.rule_mirror import FAMILY, PHONES

FAMILIES = (FAMILY, PHONES)
"""Of the PBX's own database, what the fallback goes by. Its journal stays: calls are told there."""
RELOAD = ("dialplan reload", "module reload features", "module reload manager", "module reload res_ari.so")


@click.command("remove")
@etc_option
@yes_option
@click.option("--force", is_flag=True, help="Although the dialplan calls what is removed: such calls end.")
@click.pass_context
def remove(ctx: click.Context, etc: Path, yes: bool, force: bool) -> None:
    """Take callrec's includes out of the configuration of a PBX.

    Shows what it would change and asks. What others have changed in the files stays, and so do the copies
    that were kept. Refused while the dialplan calls the gate: such calls would be ended.
    """
    found = removing.prepared(etc)
    _refuse_calls(found, force=force)
    if found.changes:
        show(found.changes, etc)
        if not agreed(yes=yes):
            return
        writing.carry_out(found.changes, etc)
        removing.tidy(etc)
        say("callrec's includes are out of {etc}", etc=etc)
    else:
        say("there is nothing of callrec in {etc}", etc=etc)
    for each in found.stays:
        say("{path} stays", path=etc / each)
    _say_what_next(_rules_are_gone(ctx, found))


def _refuse_calls(found: Removal, *, force: bool) -> None:
    """Says where the dialplan calls what would be gone. Raises Refused."""
    for line in found.calls:
        tell(f"{line.path}:{line.number}: {line.text}", err=True)
    if found.calls and not force:
        raise Refused(
            "{count} lines of the dialplan call what would be removed, and such calls would be ended: take "
            "them out first, then `dialplan reload` (or give --force); nothing was changed",
            count=len(found.calls),
        )


def _rules_are_gone(ctx: click.Context, found: Removal) -> bool:
    """Deletes the rules from the PBX's own database, by which the dialplan records while callrec is away;
    returns whether they are gone.

    Only where callrec.toml is for this PBX, which is known by the password, and no controller writes them
    again.
    """
    try:
        if places.find_file(ctx.find_root().obj.config) is None:
            return False
        here = App(settings_file.load(ctx.find_root().obj.config))
    except CallrecError:
        return False
    with closing(here):
        if here.settings.pbx.ami_password.get_secret_value() != found.ami_password:
            return False
        try:
            if here.spool.is_locked():
                raise CheckFailed("callrec serve is running: it would write the rules again")
            _delete_rules(here)
        except CallrecError as error:
            say("the rules are still in the PBX's database: {problem}", err=True, problem=error.shown())
            return False
    return True


def _delete_rules(here: App) -> None:
    with here.astdb() as astdb:
        for family in FAMILIES:
            astdb.delete(family, list(astdb.tree(family)))


def _say_what_next(rules_are_gone: bool) -> None:
    say("What remains:")
    say("  callrec serve is stopped, for good")
    if rules_are_gone:
        say("  the rules are out of the PBX's database: nothing is recorded while callrec is away")
    else:
        say("  the rules go out of the PBX's database, else it records on by itself until it is reloaded:")
        say_commands([f"database deltree {each}" for each in FAMILIES])
    say("  the PBX forgets the includes:")
    say_commands(RELOAD)
