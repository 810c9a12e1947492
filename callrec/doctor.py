"""The checks of callrec doctor. Each tries one part and says what it found, or what to mend."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from callrec.app import App
from callrec.errors import CallrecError, CheckFailed
from callrec.language import translated as _
from callrec.pbx.transport import AriRefused
from callrec.prompts import ffmpeg_is_here
from callrec.resources import shipped

OLDEST_ASTERISK = 20
LEAST_FREE_BYTES = 2 * 10**9
_LOADED = re.compile(r"^load = (\S+)", re.MULTILINE)
_OPTIONAL = {"res_websocket_client.so"}
"""Modules that only newer versions of Asterisk have."""


@dataclass(frozen=True, slots=True)
class Result:
    part: str
    ok: bool
    found: str


Check = tuple[str, Callable[[App], str]]


def run(check: Check, app: App) -> Result:
    """Tries one part; a failure is a result, not an error."""
    part, look = check
    try:
        return Result(part, True, look(app))
    except CallrecError as error:
        return Result(part, False, error.shown())


def _database(app: App) -> str:
    app.database.require_current()
    return app.database.shown


def _archive(app: App) -> str:
    app.store.check()
    wanted = app.settings.archive.object_lock
    if wanted != "off" and not app.store.locks():
        raise CheckFailed(
            "bucket {bucket} has no Object Lock, so nothing keeps its objects from being changed: "
            'make a bucket with it, or set archive.object_lock = "off"',
            bucket=app.settings.archive.bucket,
        )
    return _("bucket {bucket}, lock: {lock}").format(bucket=app.settings.archive.bucket, lock=wanted)


def _ari(app: App) -> str:
    version = app.pbx.version()
    major = re.match(r"\d+", version)
    if not major or int(major[0]) < OLDEST_ASTERISK:
        raise CheckFailed("Asterisk {version} is too old: callrec needs 20 or later", version=version)
    return f"Asterisk {version}"


def _modules(app: App) -> str:
    needed = set(_LOADED.findall(shipped("asterisk/callrec/modules.conf").read_text())) - _OPTIONAL
    missing = sorted(needed - app.pbx.modules())
    if missing:
        raise CheckFailed(
            "the PBX runs without {modules}: load them in modules.conf, calls at the gate need them",
            modules=", ".join(missing),
        )
    return _("{count} modules").format(count=len(needed))


def _recording_folder(app: App) -> str:
    try:
        app.pbx.stored()
    except AriRefused as error:
        raise CheckFailed(
            "the PBX has no folder for recordings: make `recording` in its spool directory "
            "(usually /var/spool/asterisk/recording), owned by its user"
        ) from error
    return _("there")


def _ami(app: App) -> str:
    with app.ami() as ami:
        entries = ami.tree("callrec-rule")
    return _("{count} rules in the PBX's own database").format(count=len(entries))


def _gate(app: App) -> str:
    """The gate in the dialplan, and the linked id in events: without it calls would fall apart."""
    exists, linked = app.pbx.try_gate()
    if not exists:
        raise CheckFailed(
            "the dialplan has no callrec-gate: run asterisk/install, then `dialplan reload` on the PBX"
        )
    if not linked:
        raise CheckFailed(
            "the PBX does not send linked ids: ari.conf lacks channelvars = CHANNEL(linkedid), "
            "run asterisk/install and restart the PBX"
        )
    return _("there")


def _controller(app: App) -> str:
    if not app.spool.is_locked():
        raise CheckFailed("the controller is not running on this machine: start callrec serve")
    if not app.pbx.app_is_connected():
        raise CheckFailed("the controller is not connected to the PBX: see its log")
    return _("connected")


def _prompts(app: App) -> str:
    prompts = app.library.all()
    if not prompts:
        raise CheckFailed("there is no announcement: callrec prompt add")
    for prompt in prompts:
        app.library.check(prompt)
    return ", ".join(f"{prompt.name} ({prompt.language})" for prompt in prompts)


def _disk(app: App) -> str:
    free = app.spool.free_bytes()
    if free < LEAST_FREE_BYTES:
        raise CheckFailed(
            "the spool {path} has {free} GB left: make room",
            path=app.spool.directory,
            free=round(free / 1e9, 1),
        )
    return _("{free} GB free").format(free=round(free / 1e9, 1))


def _backlog(app: App) -> str:
    lost = app.spool.directory / "lost"
    if lost.exists() and any(lost.iterdir()):
        raise CheckFailed("there are recordings that could not be kept in {path}: look at them", path=lost)
    return _("{count} recordings wait for the archive").format(count=len(app.spool.waiting()))


def _ffmpeg(app: App) -> str:
    if not ffmpeg_is_here():
        raise CheckFailed("ffmpeg is not installed: apt-get install ffmpeg")
    return _("there")


CHECKS: tuple[Check, ...] = (
    ("database", _database),
    ("archive", _archive),
    ("PBX: ARI", _ari),
    ("PBX: modules", _modules),
    ("PBX: recordings", _recording_folder),
    ("PBX: gate", _gate),
    ("PBX: AMI", _ami),
    ("announcements", _prompts),
    ("ffmpeg", _ffmpeg),
    ("disk", _disk),
    ("backlog", _backlog),
    ("controller", _controller),
)
