"""Tells what is left to be done after `callrec init`, and only that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from callrec import settings_file
from callrec.app import App
from callrec.commands.common import say
from callrec.errors import CallrecError
from callrec.service import systemctl

GATE = "callrec-gate"


def tell(path: Path) -> None:
    """Prints the commands that are to come."""
    with closing(App(settings_file.load(str(path)))) as here:
        for step in _steps(here):
            say("next: {command}", command=step)
    say("next: callrec doctor")


def _steps(here: App) -> Iterator[str]:
    if not _has_gate(here):
        yield "callrec pbx install"
    office = here.office_parts()
    if not office.facilities:
        yield "callrec facility add CODE --name NAME"
    if not office.extensions:
        yield "callrec extension add NUMBER --facility CODE"
    if not office.rules:
        yield "callrec rule add --everywhere --mode MODE"
    if os.geteuid() == 0 and systemctl.runs() and not (systemctl.UNITS / "callrec.service").exists():
        yield "callrec service install"


def _has_gate(here: App) -> bool:
    """Returns whether the PBX has what `callrec pbx install` puts there; not, where it cannot be asked."""
    if not here.settings.pbx.ami_password.get_secret_value():
        return False
    try:
        with here.ami() as ami:
            return ami.has_context(GATE)
    except CallrecError:
        return False
