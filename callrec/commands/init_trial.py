"""Tries the parts that `callrec init` asks for, with what was typed: by the checks of `callrec doctor`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click

from callrec import settings_file
from callrec.app import App
from callrec.commands.common import say, tell
from callrec.configuration import Answers, render
from callrec.doctor import archive, pbx
from callrec.doctor.check import Checkup
from callrec.errors import CallrecError, NoBucket
from callrec.language import translated
from callrec.settings import Settings


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the system: its answers, how it is tried, and the answers without which it is not tried."""

    name: str
    answers: tuple[str, ...]
    look: Callable[[Checkup], str]
    needs: tuple[str, ...] = ()


def _database(checkup: Checkup) -> str:
    checkup.app.database.check_makeable()
    return checkup.app.database.shown


def _spool(checkup: Checkup) -> str:
    return str(checkup.app.settings.spool.directory)


_PBX, _ARCHIVE = dict(pbx.CHECKS), dict(archive.CHECKS)
_KEYS = ("access_key", "secret_key")
PARTS = (
    Part("database", ("database_url",), _database),
    Part("spool", ("spool",), _spool),
    Part("PBX: ARI", ("ari_url", "ari_password"), _PBX["PBX: ARI"], ("ari_password",)),
    Part("PBX: AMI", ("ami_host", "ami_port", "ami_password"), _PBX["PBX: AMI"], ("ami_password",)),
    Part("archive", ("s3_url", "bucket", *_KEYS), _ARCHIVE["archive"], _KEYS),
)
"""In the order in which they are asked for."""


def works(part: Part, answers: Answers, path: Path, *, asks: bool) -> bool:
    """Tries a part and says in one line what came of it; returns whether it works.

    One whose password is not known yet is not tried. A bucket that is missing can be made, where `asks` says
    that somebody may be asked.
    """
    if missing := [name for name in part.needs if not getattr(answers, name)]:
        say(
            "{part}: not tried, {answer} is not known yet",
            part=translated(part.name),
            answer=", ".join(missing),
        )
        return False
    try:
        found = _found(part, settings_file.of_text(render(answers), path), asks=asks)
    except CallrecError as error:
        tell(f"{translated(part.name)}: {error.shown()}", err=True)
        return False
    tell(f"{translated(part.name)}: {found}")
    return True


def make_bucket(settings: Settings) -> None:
    """Makes the bucket of the settings where it is missing. Raises Unreachable, CheckFailed."""
    with closing(App(settings)) as here:
        try:
            here.store.check()
            say("bucket {bucket} is there already", bucket=settings.archive.bucket)
        except NoBucket:
            _make(here)


def _found(part: Part, settings: Settings, *, asks: bool) -> str:
    """Returns what is there of a part. Raises CallrecError."""
    with closing(App(settings)) as here:
        try:
            return part.look(Checkup(here))
        except NoBucket:
            if not (asks and _wants_bucket(settings.archive.bucket)):
                raise
        _make(here)
        return part.look(Checkup(here))


def _wants_bucket(bucket: str) -> bool:
    asked = translated("There is no bucket {bucket}: make it, with Object Lock?").format(bucket=bucket)
    return sys.stdin.isatty() and click.confirm(asked)


def _make(here: App) -> None:
    from callrec.archive import bucket  # noqa: PLC0415  boto3 takes a while

    bucket.make(here.settings.archive, here.ca_file)
    say("bucket {bucket} is made", bucket=here.settings.archive.bucket)
