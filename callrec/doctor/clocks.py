"""Checks that the clocks agree: manifests have the times of the PBX and ours, locks end by the server's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from callrec.catalogue import trial
from callrec.clocks import CUT_OFF, kernel_clock, time_at
from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed, Unreachable
from callrec.language import translated as _
from callrec.moments import is_apart


def _clocks(checkup: Checkup) -> str:
    """Checks that the clocks of PBX, S3 server and database are near ours, to the minute."""
    found = []
    for name, apart in _differences(checkup):
        if is_apart(apart):
            raise CheckFailed(
                "the clock of the {part} is {seconds} s away from this machine's: set both by NTP",
                part=name,
                seconds=round(abs(apart).total_seconds()),
            )
        found.append(f"{name}: {apart.total_seconds():+.0f} s")
    return ", ".join([*found, *_by_ntp()])


def _differences(checkup: Checkup) -> Iterator[tuple[str, timedelta]]:
    """Yields whose clock, and how much ours is ahead of it."""
    app, archive = checkup.app, checkup.app.settings.archive
    pbx, s3 = app.settings.pbx.ari_url, archive.address
    for name, url, proxy in ((_("PBX"), pbx, ""), (_("S3 server"), s3, archive.proxy)):
        at = time_at(url, app.settings.pbx.timeout, app.ca_file, proxy)
        yield name, app.now - at - CUT_OFF
    with suppress(Unreachable), app.database.read() as connection:  # another check tells that it is away
        if at_database := trial.clock(connection):
            yield _("database"), app.now - at_database


def _by_ntp() -> list[str]:
    """Returns in words whether something sets this machine's clock, as far as its kernel knows."""
    found = kernel_clock()
    if found is None:
        return []
    return [_("set by NTP") if found.synchronised else _("nothing sets this machine's clock")]


CHECKS: tuple[Check, ...] = (("clocks", _clocks),)
