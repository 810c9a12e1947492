"""Checks callrec's own parts: database, ffmpeg, controller, and what waits."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from callrec import account
from callrec.catalogue import trial
from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed
from callrec.language import translated as _
from callrec.prompts.decoder import ffmpeg_is_here
from callrec.spool import status


def _database(checkup: Checkup) -> str:
    database = checkup.app.database
    database.require_current()
    with database.begin() as connection:
        trial.write_nothing(connection)
    return database.shown


def _ffmpeg(checkup: Checkup) -> str:
    if not ffmpeg_is_here():
        raise CheckFailed("ffmpeg is not installed: apt-get install ffmpeg")
    return _("there")


def _backlog(checkup: Checkup) -> str:
    lost = checkup.app.spool.directory / "quarantine"
    if lost.exists() and any(lost.iterdir()):
        raise CheckFailed("there are recordings that could not be kept in {path}: look at them", path=lost)
    return _("{count} recordings wait for the archive").format(count=len(checkup.app.spool.waiting()))


def _controller(checkup: Checkup) -> str:
    """Checks that a controller runs, as whoever asks, by the settings of now, and has a link to the PBX."""
    app = checkup.app
    if not app.spool.is_locked():
        raise CheckFailed("the controller is not running on this machine: start callrec serve")
    told = status.read(app.spool.directory)
    _check_user(told)
    if told.get("settings") not in (None, status.mark_of(app.settings)):
        raise CheckFailed(
            "callrec serve (pid {pid}) runs with other settings than these: restart it, or give its file by "
            "--config, and its variables",
            pid=told.get("pid"),
        )
    if not app.pbx.app_is_connected():
        raise CheckFailed("the controller is not connected to the PBX: see its log")
    return _("connected")


def _check_user(told: dict[str, Any]) -> None:
    """Raises CheckFailed where the controller runs as another user than this process.

    What one may read and write the other may not: the other checks would say nothing of it.
    """
    with suppress(OSError):  # it has just ended
        owner = Path(f"/proc/{told.get('pid')}").stat().st_uid
        if owner != os.geteuid():
            raise CheckFailed(
                "callrec serve runs as {owner} and this as {user}: try with the rights that it has, "
                "sudo -u {owner} callrec doctor",
                owner=account.name_of(owner),
                user=account.name_of(os.geteuid()),
            )


CHECKS: tuple[Check, ...] = (
    ("database", _database),
    ("ffmpeg", _ffmpeg),
    ("backlog", _backlog),
    ("controller", _controller),
)
