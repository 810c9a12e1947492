"""callrec pbx install: adds callrec's includes to the configuration of a PBX, after it has shown what for."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from callrec import places, toml_text
from callrec.asterisk_files import installing, writing
from callrec.asterisk_files.changes import Change, difference
from callrec.asterisk_files.installing import Installation
from callrec.asterisk_files.plan import Wishes, read_passwords
from callrec.asterisk_files.reading import FOLDER
from callrec.commands.common import say, tell
from callrec.commands.given_file import read_file, read_stdin
from callrec.errors import Refused, WrongUsage
from callrec.language import translated as _
from callrec.permissions import too_wide

ETC = Path("/etc/asterisk")
etc_option = click.option(
    "--etc",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=ETC,
    show_default=True,
    help="The PBX's configuration; it may be a copy of another machine's.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def _refuse(_ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise WrongUsage(
            "{option} would show a secret to everybody on this machine: write {name} = … into a file that "
            "only you can read, and give --passwords FILE",
            option=option.opts[0],
            name=option.name,
        )


@click.command("install")
@etc_option
@yes_option
@click.option("--http-port", default="", metavar="PORT", help="For ARI, where http.conf sets none (8088).")
@click.option("--ami-port", default="", metavar="PORT", help="For AMI, where manager.conf sets none (5038).")
@click.option(
    "--passwords",
    metavar="FILE",
    help='A file that only you can read, with lines such as ari_password = "…" and ami_password = "…"; - is '
    "standard input. Else those installed before stay, or random ones are made.",
)
@click.option(
    "--permit",
    "permits",
    metavar="ADDRESS",
    multiple=True,
    help="Where callrec is on another machine: its address or network. It stays through later installations.",
)
@click.option("--ari-password", help="Refused.", hidden=True, expose_value=False, callback=_refuse)
@click.option("--ami-password", help="Refused.", hidden=True, expose_value=False, callback=_refuse)
def install(
    etc: Path, yes: bool, http_port: str, ami_port: str, passwords: str | None, permits: tuple[str, ...]
) -> None:
    """Add callrec's includes to the configuration of a PBX.

    Shows what it would change and asks. What the PBX sets stays; each file that is changed is kept beside; a
    second run changes nothing. The passwords are made here and shown nowhere: what callrec init needs is in
    DIR/callrec/init.toml.
    """
    given = read_passwords(_text(passwords), passwords) if passwords else {}
    found = installing.prepared(etc, Wishes(http_port, ami_port, given, permits))
    if found.changes:
        show(found.changes, etc)
        if not agreed(yes=yes):
            return
        writing.carry_out(found.changes, etc)
        say("callrec's includes are in {folder}", folder=etc / FOLDER)
    else:
        say("callrec's includes are in {folder}: nothing had to be changed", folder=etc / FOLDER)
    _say_what_next(found)


def show(changes: Sequence[Change], etc: Path) -> None:
    """Prints what would be changed."""
    for change in changes:
        for line in difference(change, etc):
            tell(line)


def agreed(*, yes: bool) -> bool:
    """Asks whether the changes are to be made. Raises WrongUsage where nobody can answer."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise WrongUsage("nobody answers: look at the changes above, then give --yes; nothing was changed")
    if click.confirm(_("Make these changes?")):
        return True
    say("nothing was changed")
    return False


def _text(name: str) -> str:
    """Returns what is in a file of passwords. Raises Refused where others can read it."""
    if name == "-":
        return read_stdin()
    if too_wide([Path(name)]):
        raise Refused("{path} can be read by others: chmod 600 {path}, then new passwords", path=name)
    return toml_text.decoded(read_file(Path(name)), Path(name))


def _say_what_next(found: Installation) -> None:
    for note in found.notes:
        say("Note: {note}", note=note.shown())
    say("Four steps remain:")
    say(" 1. The PBX reads them:")
    say_commands(found.reload)
    say(
        " 2. In the dialplan, one line before Dial() or Queue() of the calls to be recorded (then: dialplan "
        "reload):"
    )
    tell("      same => n,Gosub(callrec-gate,s,1(inbound,${EXTEN},${CALLERID(num)}))")
    say(" 3. On the machine callrec runs on (copy the file there; it holds the passwords of ARI and AMI):")
    place = str(places.CONFIGURATION[-1])  # where the services look, and not the folder somebody is in
    tell("      " + shlex.join(["callrec", "--config", place, "init", "--answers", str(found.answers)]))
    say(" 4. callrec service install --now, callrec doctor, and callrec pbx check (lines without the gate)")


def say_commands(commands: Sequence[str]) -> None:
    """Prints commands of Asterisk's console as a shell takes them."""
    for each in commands:
        tell(f'      asterisk -rx "{each}"')
