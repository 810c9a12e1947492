"""Checks the keys that callrec signs with: that one signs, is its owner's alone, and is the newest."""

from __future__ import annotations

import stat

from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed
from callrec.evidence.keys import KeyFolder, KeyRecord, SigningKey
from callrec.language import translated as _
from callrec.permissions import GROUP_AND_OTHERS, too_wide

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def _signing_key(checkup: Checkup) -> str:
    keys = checkup.app.keys
    signer = keys.signer()
    records = keys.records()
    _check_modes(keys, records)
    _check_newest(signer, records[-1])
    for each in records:
        _check_public(keys, each)
    return _("key {key} signs, since {date}; {count} keys in all").format(
        key=signer.key_id, date=f"{records[-1].created_at:%Y-%m-%d}", count=len(records)
    )


def _check_modes(keys: KeyFolder, records: list[KeyRecord]) -> None:
    """Raises CheckFailed where others could read the folder or write what is in it; the key's own mode is
    looked at whenever it signs."""
    names = [f"{each.key_id}.{kind}" for each in records for kind in ("json", "pem")]
    wide = too_wide([keys.folder], GROUP_AND_OTHERS)
    wide += too_wide([keys.folder / name for name in names], _OTHERS_WRITE)
    for path in wide:
        forbidden = GROUP_AND_OTHERS if path == keys.folder else _OTHERS_WRITE
        raise CheckFailed(
            "others may read or change {path}: chmod {mode} {path}",
            path=path,
            mode=f"{stat.S_IMODE(path.stat().st_mode) & ~forbidden:o}",
        )


def _check_newest(signer: SigningKey, newest: KeyRecord) -> None:
    if signer.key_id != newest.key_id:
        raise CheckFailed(
            "key {key} signs, but {newest} is newer: an old copy was put back, or the change to the new one "
            "was cut short. Make another: callrec evidence key new",
            key=signer.key_id,
            newest=newest.key_id,
        )


def _check_public(keys: KeyFolder, record: KeyRecord) -> None:
    """Raises CheckFailed where the file that others verify with is not the key of its record."""
    path = keys.folder / f"{record.key_id}.pem"
    try:
        found = path.read_text("ascii")
    except (OSError, ValueError):
        found = ""
    if found != record.public_key:
        raise CheckFailed(
            "{path} is not the public key {key}: write the public_key of {record} into it",
            path=path,
            key=record.key_id,
            record=path.with_suffix(".json"),
        )


CHECKS: tuple[Check, ...] = (("signing key", _signing_key),)
