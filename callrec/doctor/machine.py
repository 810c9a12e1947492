"""Checks this machine: how long its disks suffice, and who may read what lies on them or leaves it."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from callrec import account
from callrec.catalogue import reports
from callrec.doctor.check import Check, Checkup
from callrec.errors import CallrecError, CheckFailed, Unreachable
from callrec.failures import why
from callrec.files import draft
from callrec.language import translated as _
from callrec.permissions import GROUP_AND_OTHERS, too_wide
from callrec.plain_text import plain_links

LEAST_FREE_BYTES = 2 * 10**9
LEAST_FREE_ELSEWHERE = 2 * 10**8
"""For the database's growth, and for the conversion of one long recording."""
LEAST_HOURS = 24.0
"""How long the spool must hold what is recorded while the S3 server is away: a day of calls."""
LOOK_BACK_DAYS = 7
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def _disk(checkup: Checkup) -> str:
    """Checks that the spool has room, and takes files, and how long it would without the S3 server."""
    spool = checkup.app.spool
    free = spool.free_bytes()
    if free < LEAST_FREE_BYTES:
        raise CheckFailed(
            "the spool {path} has {free} GB left: make room", path=spool.directory, free=round(free / 1e9, 1)
        )
    _check_takes_files(spool.directory)
    if spool.is_locked() and not spool.reserve.is_whole():
        raise CheckFailed(
            "the reserve of [disk] in the spool {path} was let go, and is not there again: make room",
            path=spool.directory,
        )
    room = _("{free} GB free").format(free=round(free / 1e9, 1))
    with suppress(Unreachable):  # another check tells that the database is away
        return f"{room}; {_forecast(checkup, free)}"
    return room


def _check_takes_files(folder: Path) -> None:
    """Raises CheckFailed where a file cannot be written to its end."""
    try:
        with draft(folder / "callrec-doctor", new=True) as made:  # never named
            made.write(b"doctor")
            made.sync()
    except OSError as error:
        raise CheckFailed(
            "{path} takes no files ({problem}): its disk or its rights are in the way",
            path=folder,
            problem=why(error),
        ) from error


def _forecast(checkup: Checkup, free: int) -> str:
    """Says how long the S3 server may be away. Raises CheckFailed where that is less than a day."""
    daily = _busiest_day_bytes(checkup)
    if not daily:
        return _("nothing was recorded in the last {days} days").format(days=LOOK_BACK_DAYS)
    hours = free * 24 / daily
    if hours < LEAST_HOURS:
        raise CheckFailed(
            "the spool {path} would be full after {hours} h without the S3 server, on a day like the busiest "
            "of the last {days} ({daily} GB): give it a larger disk",
            path=checkup.app.spool.directory,
            hours=round(hours, 1),
            days=LOOK_BACK_DAYS,
            daily=round(daily / 1e9, 1),
        )
    return _("enough for {hours} h without the S3 server").format(hours=min(round(hours), 9999))


def _busiest_day_bytes(checkup: Checkup) -> float:
    """Returns how much went through the spool on the busiest of the last days."""
    now, day = checkup.app.now, timedelta(days=1)
    with checkup.app.database.read() as connection:
        return max(
            reports.spool_bytes(connection, now - (ago + 1) * day, now - ago * day)
            for ago in range(LOOK_BACK_DAYS)
        )


def _other_disks(checkup: Checkup) -> str:
    """Checks the folders besides the spool in which callrec writes."""
    folders = [Path(tempfile.gettempdir())]
    if file := checkup.app.database.file:
        folders.insert(0, file.parent)
    for folder in folders:
        _check_room(folder)
    return ", ".join(map(str, folders))


def _check_room(folder: Path) -> None:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise CheckFailed("{path} cannot be read: {problem}", path=folder, problem=why(error)) from error
    if free < LEAST_FREE_ELSEWHERE:
        raise CheckFailed("{path} has {free} MB left: make room", path=folder, free=round(free / 1e6))
    _check_takes_files(folder)


def _permissions(checkup: Checkup) -> str:
    """Checks that what is secret, and what was said, is this user's own."""
    spool, database = checkup.app.settings.spool.directory, _database_file(checkup)
    if config := checkup.config:
        _check_mode(config, GROUP_AND_OTHERS)
    _check_mode(spool, GROUP_AND_OTHERS)
    _check_owner(spool)
    if database:
        _check_mode(database, GROUP_AND_OTHERS)
        _check_mode(database.parent, _OTHERS_WRITE)
        _check_owner(database)
    return ", ".join(str(each) for each in (config, spool, database) if each)


def _database_file(checkup: Checkup) -> Path | None:
    with suppress(CallrecError):  # no URL of a database: another check tells that
        return checkup.app.database.file
    return None


def _check_mode(path: Path, forbidden: int) -> None:
    """Raises CheckFailed where others have one of these rights."""
    if too_wide([path], forbidden):
        raise CheckFailed(
            "others may read or change {path}: chmod {mode} {path}",
            path=path,
            mode=f"{stat.S_IMODE(path.stat().st_mode) & ~forbidden:o}",
        )


def _check_owner(path: Path) -> None:
    try:
        owner = path.stat().st_uid
    except OSError:  # it is not there, which another check tells
        return
    if owner != os.geteuid():
        raise CheckFailed(
            "{path} belongs to {owner}, and this is {user}: run callrec as {owner}, or chown it to {user}",
            path=path,
            owner=account.name_of(owner),
            user=account.name_of(os.geteuid()),
        )


def _encryption(checkup: Checkup) -> str:
    """Checks that nothing goes unencrypted to another machine, unless that is intended."""
    if links := plain_links(checkup.app.settings):
        raise CheckFailed(
            "unencrypted to another machine: {links}. Encrypt it, or set network.allow_plain_text = true",
            links=", ".join(links),
        )
    if checkup.app.settings.network.allow_plain_text:
        return _("not asked for: network.allow_plain_text")
    return _("nothing goes unencrypted to another machine")


CHECKS: tuple[Check, ...] = (
    ("disk", _disk),
    ("other disks", _other_disks),
    ("permissions", _permissions),
    ("encryption", _encryption),
)
