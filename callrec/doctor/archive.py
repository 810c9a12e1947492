"""Checks the bucket: puts an object into it, as a recording is put, and looks what has become of it."""

from __future__ import annotations

import socket

from callrec.archive.trial import LOCK, Trial, try_out
from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed
from callrec.language import translated as _


def _archive(checkup: Checkup) -> str:
    store, wanted = checkup.app.store, checkup.app.settings.archive
    store.check()
    if wanted.object_lock != "off" and not store.locks():
        raise CheckFailed(
            "bucket {bucket} has no Object Lock, so nothing keeps its objects from being changed: "
            'make a bucket with it, or set archive.object_lock = "off"',
            bucket=wanted.bucket,
        )
    trial = try_out(store, socket.gethostname(), wanted.object_lock, checkup.app.now, wanted.encryption)
    found = _(
        "bucket {bucket}, lock: {lock}, encryption: {encryption}; a trial was put, read back and compared"
    )
    said = found.format(bucket=wanted.bucket, lock=wanted.object_lock, encryption=wanted.encryption)
    words = [said, *_remarks(trial)]
    return "; ".join(words)


def _remarks(trial: Trial) -> list[str]:
    """Returns what else is to be said of the server, and what the trial has left there."""
    return [
        *([] if trial.checksum else [_("the server keeps no checksums")]),
        *([] if trial.versioned else [_("the server keeps no versions")]),
        _left(trial),
    ]


def _left(trial: Trial) -> str:
    if trial.deleted:
        return _("it is deleted again")
    if trial.locked:
        return _("{key} is locked for {minutes} minutes, as asked").format(
            key=trial.key, minutes=round(LOCK.total_seconds() / 60)
        )
    return _("{key} stays, for archive.access_key may not delete it, which is no fault").format(key=trial.key)


CHECKS: tuple[Check, ...] = (("archive", _archive),)
