"""Compares this machine's clock with others: what web servers say of the time, and what the kernel knows."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests

from callrec import web
from callrec.addresses import without_secrets
from callrec.deadline import within
from callrec.errors import Unreachable
from callrec.failures import why

CUT_OFF = timedelta(seconds=0.5)
"""By how much, on average, the time that a web server tells is behind its clock: it leaves out fractions."""
_UNSYNCHRONISED = 5
"""What adjtimex returns of a clock that nobody sets: TIME_ERROR of timex.h."""


class _Timex(ctypes.Structure):
    """The beginning of a struct timex of Linux, and room for its rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("rest", ctypes.c_char * 1024),
    )


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What the kernel knows of this machine's clock. `estimated_error_s` is of one that is synchronised."""

    synchronised: bool
    estimated_error_s: float | None


def kernel_clock() -> KernelClock | None:
    """Returns whether a time server sets this machine's clock, and how well; None where that is not known."""
    found = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(found))
    except (OSError, AttributeError):  # no Linux
        return None
    if state < 0:
        return None
    if state == _UNSYNCHRONISED:
        return KernelClock(synchronised=False, estimated_error_s=None)
    return KernelClock(synchronised=True, estimated_error_s=found.esterror / 1e6)


def time_at(url: str, timeout: float, ca_file: Path | None, proxy: str = "") -> datetime:
    """Returns the time a web server gives in its answer, whatever it answers; to the second.

    Raises Unreachable.
    """
    try:
        with web.session(ca_file, proxy) as session, within(timeout):
            answer = session.head(url, timeout=timeout)
        found = parsedate_to_datetime(answer.headers["Date"])
        return found if found.tzinfo else found.replace(tzinfo=UTC)  # it said -0000
    except (requests.RequestException, OSError, KeyError, ValueError) as error:
        raise Unreachable(
            "{url} does not tell its time ({problem})", url=without_secrets(url), problem=why(error)
        ) from error
