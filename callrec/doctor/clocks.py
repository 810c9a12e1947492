"""Checks that the clocks agree: manifests have the times of the PBX and ours, locks end by the server's."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests

from callrec import web
from callrec.addresses import without_secrets
from callrec.catalogue import trial
from callrec.deadline import within
from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed, Unreachable
from callrec.failures import why
from callrec.language import translated as _

FARTHEST_CLOCK = timedelta(seconds=60)
_UNSYNCHRONISED = 5
"""What adjtimex returns of a clock that nobody sets: TIME_ERROR of timex.h."""
_ENOUGH_BYTES = 1024
"""For a struct timex, whatever the machine."""


def _clocks(checkup: Checkup) -> str:
    """Checks that the clocks of PBX, S3 server and database are near ours, to the minute."""
    found = []
    for name, apart in _differences(checkup):
        if abs(apart) > FARTHEST_CLOCK:
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
    s3 = archive.endpoint_url or f"https://s3.{archive.region}.amazonaws.com"
    for name, url, proxy in ((_("PBX"), app.settings.pbx.ari_url, ""), (_("S3 server"), s3, archive.proxy)):
        at = _time_at(url, app.settings.pbx.timeout, app.ca_file, proxy)
        yield name, app.now - at
    with suppress(Unreachable), app.database.read() as connection:  # another check tells that it is away
        if at_database := trial.clock(connection):
            yield _("database"), app.now - at_database


def _time_at(url: str, timeout: float, ca_file: Path | None, proxy: str) -> datetime:
    """Returns the time a web server gives in its answer, whatever it answers; to the second."""
    try:
        with web.session(ca_file, proxy) as session, within(timeout):
            answer = session.head(url, timeout=timeout)
        return parsedate_to_datetime(answer.headers["Date"])
    except (requests.RequestException, OSError, KeyError, ValueError) as error:
        raise Unreachable(
            "{url} does not tell its time ({problem})", url=without_secrets(url), problem=why(error)
        ) from error


def _by_ntp() -> list[str]:
    """Returns in words whether something sets this machine's clock, as far as its kernel knows."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_ENOUGH_BYTES))
    except (OSError, AttributeError):  # no Linux
        return []
    if state < 0:
        return []
    return [_("nothing sets this machine's clock") if state == _UNSYNCHRONISED else _("set by NTP")]


CHECKS: tuple[Check, ...] = (("clocks", _clocks),)
