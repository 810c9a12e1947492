"""Whose is what `callrec init` makes: where root writes the configuration of this machine, it belongs to the
account that runs the services, which could not read it else."""

from __future__ import annotations

import os
from pathlib import Path

from callrec import account, places, settings_file
from callrec.commands.common import say
from callrec.errors import Refused
from callrec.service import people
from callrec.settings import Settings


class Owner:
    """The account that gets what is made; with no name, whoever makes it keeps it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._folders: list[Path] = []
        """Those above what is made that are to be made, too: who cannot go through them has nothing."""

    def look(self, settings: Settings) -> None:
        """Looks which folders are not there yet, before anything is made."""
        above = {folder for path in _made(settings) for folder in path.parents if not folder.exists()}
        self._folders = sorted(above)

    def take(self, path: Path) -> None:
        """Gives the account the configuration at a path, and the spool, keys and database that it names."""
        if not self.name:
            return
        if people.make(self.name):
            say("the account {user} is made: it has no password and no shell", user=self.name)
        settings = settings_file.load(str(path))
        people.hand_over([*self._folders, path, *_made(settings)], self.name)
        people.make_state(self.name)
        say("{path}, spool, database and keys belong to {user}", path=path, user=self.name)


def of(path: Path, user: str | None) -> Owner:
    """Returns whose a configuration at a path is to be. Raises WrongUsage for an account that nobody has,
    Refused for somebody who can give nothing away."""
    if user:
        people.check_there(user)
        if os.geteuid() != 0:
            raise Refused("only root can do that: sudo {command}", command="callrec init --user …")
        return Owner(user)
    return Owner(_usual(path) if os.geteuid() == 0 else "")


def _usual(path: Path) -> str:
    """Returns the account that has a configuration already, or is to have that of the machine."""
    if path.exists():
        owner = path.stat().st_uid
        return account.name_of(owner) if owner else ""
    return people.USER if path == places.CONFIGURATION[1] else ""


def _made(settings: Settings) -> list[Path]:
    """Returns what `init` makes: spool, keys, announcements, and a database that is a file, with what lies
    beside it."""
    url = settings.catalogue.url
    file = Path(url.partition(":///")[2]) if url.startswith("sqlite") else None
    beside = [file, *sorted(file.parent.glob(f"{file.name}-*"))] if file else []
    prompts = [settings.prompts.directory] if settings.prompts.directory else []
    return [settings.spool.directory, settings.evidence.keys, *prompts, *beside]
