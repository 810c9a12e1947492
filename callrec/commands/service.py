"""callrec service: puts the units of systemd there by which callrec runs, and takes them away again."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import click

import callrec
from callrec import places, settings_file
from callrec.commands.common import say, tell
from callrec.errors import CheckFailed, Refused, WrongUsage
from callrec.language import translated
from callrec.service import installed, people, systemctl, units
from callrec.service.installed import State, UnitFile

STARTED = (
    "callrec.service",
    "callrec-desk.service",
    "callrec-purge.timer",
    "callrec-testcall.timer",
    "callrec-doctor.timer",
)
"""The units that are enabled; timers start the others."""


@click.group()
def command() -> None:
    """The services by which callrec runs: units of systemd."""


@command.command()
@click.option(
    "--unit-dir",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Only write the unit files, into this folder: no account is made, nothing is started.",
)
@click.option(
    "--program", metavar="FILE", type=click.Path(path_type=Path), help="What runs (default: this one)."
)
@click.option("--user", default=people.USER, show_default=True, help="The account that runs them.")
@click.option(
    "--force", is_flag=True, help="Replace unit files that somebody has changed; they are kept beside."
)
@click.option("--now", is_flag=True, help="Start them, now and whenever the machine starts.")
@click.pass_context
def install(
    ctx: click.Context, folder: Path | None, program: Path | None, user: str, force: bool, now: bool
) -> None:
    """Install the services: controller, desk, and the daily purge, test call and doctor.

    The unit files are made for this machine: its program, callrec.toml, and the folders that are set in it.
    A second run changes nothing. Drop-ins (systemctl edit) are left alone.
    """
    if folder is None:
        _require_root("callrec service install")
    place = _place(ctx, program, user)
    files = installed.compare(folder or systemctl.UNITS, units.filled(place))
    if not force:
        _refuse_to_replace(files)
    if folder is None:
        _make_account(user)
    changed = _written(files)
    if folder is None:
        _finish(place, changed, now=now)


@command.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(yes: bool) -> None:
    """Stop the services and remove their unit files; recordings, settings and the account stay.

    What somebody has changed is named and left.
    """
    _require_root("callrec service remove")
    there = [path for each in units.templates() if (path := systemctl.UNITS / each.name).exists()]
    if not there:
        say("there are no units of callrec in {folder}", folder=systemctl.UNITS)
        return
    _ask_to_remove(yes)
    if systemctl.runs():
        systemctl.ask("disable", "--now", *(path.name for path in there))
    for path in there:
        if installed.remove(path):
            say("{path} removed", path=path)
        else:
            say("{path} was changed by somebody and stays: remove it yourself", path=path)
    if systemctl.runs():
        systemctl.ask("daemon-reload")
    _tell_what_is_left()


# --- install


def _require_root(words: str) -> None:
    if os.geteuid() != 0:
        raise Refused("only root can do that: sudo {command}", command=words)


def _place(ctx: click.Context, program: Path | None, user: str) -> units.Place:
    """Returns what the units are filled in with. Raises WrongConfiguration where there are no settings."""
    given: str | None = ctx.find_root().obj.config
    settings = settings_file.load(given, units.CREDENTIALS if units.CREDENTIALS.is_dir() else None)
    config = places.find_file(given)
    assert config is not None  # it was read
    people.check_usable(user)
    parts = () if program else (Path(sys.executable).resolve(), Path(callrec.__file__).resolve())
    return units.Place((program or _own_program()).absolute(), config.absolute(), user, settings, parts=parts)


def _own_program() -> Path:
    """Returns the path of the program that runs, as it was called: a link leads to the next version after an
    upgrade. Raises CheckFailed where it has none, as in `python -m`."""
    found = [Path(sys.argv[0]), Path(sysconfig.get_path("scripts"), "callrec")]
    program = next((path for path in found if path.name == "callrec" and path.is_file()), None)
    if program is None:
        raise CheckFailed("it is not known where callrec is installed: give --program FILE")
    return program


def _refuse_to_replace(files: Sequence[UnitFile]) -> None:
    changed = [each for each in files if each.state is State.CHANGED]
    for each in changed:
        for line in each.difference():
            tell(line)
    if changed:
        raise Refused(
            "{paths} is not as callrec wrote it: move the changes into {folder}.d/, or give --force; nothing "
            "was written",
            paths=", ".join(str(each.path) for each in changed),
            folder=changed[0].path,
        )


def _make_account(user: str) -> None:
    if people.make(user):
        say("the account {user} is made: it has no password and no shell", user=user)
    people.make_state(user)


def _written(files: Sequence[UnitFile]) -> bool:
    """Writes what is not as it is to be; returns whether anything was."""
    changed = [each for each in files if each.state is not State.SAME]
    installed.write(changed)
    for each in files:
        if each in changed:
            say("{path} written", path=each.path)
        else:
            say("{path} says this already and stays as it is", path=each.path)
    return bool(changed)


def _finish(place: units.Place, changed: bool, *, now: bool) -> None:
    """Has systemd take the units up, and starts them where that is wanted and can be."""
    if systemctl.runs() and changed:
        systemctl.ask("daemon-reload")
    _check_usable(place)
    if not systemctl.runs():
        say("systemd does not run this machine: the files are there, nothing was started")
    elif now or _wants_start():
        systemctl.ask("enable", "--now", *STARTED)
        say("started, now and whenever the machine starts: systemctl status {units}", units=" ".join(STARTED))
        say("next: systemctl start callrec-doctor, which tries every part")
    else:
        say("next: callrec service install --now, or systemctl enable --now {units}", units=" ".join(STARTED))
    if changed and not now:
        say(
            "what runs already goes on as it is until it is restarted: systemctl restart callrec callrec-desk"
        )


def _check_usable(place: units.Place) -> None:
    """Raises CheckFailed where the services could not work, with the command that helps."""
    settings, user = place.settings, place.user
    if not people.can_run(place.program, user):
        raise CheckFailed(
            "{user} cannot run {program}: install callrec where all can read it, such as /opt/callrec",
            user=user,
            program=place.program,
        )
    own = [place.config, settings.spool.directory, settings.evidence.keys, *_database(place)]
    if wrong := list(people.strangers(own, user)):
        raise CheckFailed(
            "{paths} must be {user}'s own: chown -R {user}: {paths}",
            paths=" ".join(map(str, wrong)),
            user=user,
        )
    if place.config.stat().st_mode & 0o077:
        raise CheckFailed(
            "others may read or change {path}: chmod {mode} {path}", path=place.config, mode="600"
        )


def _database(place: units.Place) -> list[Path]:
    url = place.settings.catalogue.url
    return [Path(url.partition(":///")[2])] if url.startswith("sqlite") else []


def _wants_start() -> bool:
    return sys.stdin.isatty() and click.confirm(
        translated("Start them, now and whenever the machine starts?")
    )


# --- remove


def _ask_to_remove(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongUsage("nobody answers: give --yes to stop and remove the services")
    if not click.confirm(translated("Stop callrec, and remove its services?")):
        raise click.Abort


def _tell_what_is_left() -> None:
    say(
        "the PBX itself goes on announcing and recording by its copy of the rules, and nobody fetches that: "
        "callrec pbx remove ends it"
    )
    say(
        "left as they are: {paths}, the recordings in the bucket, and the account that ran callrec",
        paths=", ".join(map(str, _left())),
    )


def _left() -> list[Path]:
    beside = sorted(systemctl.UNITS.glob("callrec*.d"))
    return [path for path in (Path("/etc/callrec"), units.STATE, *beside) if path.exists()]
