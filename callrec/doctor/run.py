"""Tries all checks side by side, and waits for none longer than a deadline.

Each has a thread and parts of its own: a PBX that is frozen costs its timeout once, not once for each check.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

from callrec.doctor import (
    announcements,
    archive,
    certificates,
    clocks,
    desk,
    dialplan,
    keys,
    machine,
    messages,
    parts,
    pbx,
    phones,
    priority,
    timestamps,
)
from callrec.doctor.check import Check, Checkup, Result
from callrec.errors import CallrecError
from callrec.failures import why
from callrec.language import translated as _

CHECKS: tuple[Check, ...] = (
    *parts.CHECKS,
    *archive.CHECKS,
    *keys.CHECKS,
    *timestamps.CHECKS,
    *pbx.CHECKS,
    *priority.CHECKS,
    *dialplan.CHECKS,
    *phones.CHECKS,
    *announcements.CHECKS,
    *messages.CHECKS,
    *certificates.CHECKS,
    *clocks.CHECKS,
    *machine.CHECKS,
    *desk.CHECKS,
)
DEADLINE_SECONDS = 8.0
"""How long all checks together may take. With the start of the program that is less than ten seconds."""


def run(check: Check, checkup: Checkup) -> Result:
    """Tries one part and returns what that came to; a failure is a result, not an error."""
    part, look = check
    try:
        return Result(part, True, look(checkup))
    except CallrecError as error:
        return Result(part, False, error.shown())
    except Exception as error:  # whatever one part does, the others are told of
        return Result(part, False, _("it could not be tried: {problem}").format(problem=_problem(error)))


def run_all(checks: Sequence[Check], checkup: Checkup, seconds: float = DEADLINE_SECONDS) -> list[Result]:
    """Returns what each check came to, in their order; of one that has not answered in time it says so."""
    answers: SimpleQueue[Result] = SimpleQueue()
    for check in checks:
        # A daemon: one that hangs keeps no process from ending.
        threading.Thread(
            target=_try, args=(check, checkup.apart(), answers), name=f"doctor-{check[0]}", daemon=True
        ).start()
    found = _until(answers, len(checks), time.monotonic() + seconds)
    return [found.get(part) or Result(part, False, _("no answer in time")) for part, _look in checks]


def _try(check: Check, checkup: Checkup, answers: SimpleQueue[Result]) -> None:
    result = run(check, checkup)
    checkup.app.close()
    answers.put(result)


def _until(answers: SimpleQueue[Result], count: int, deadline: float) -> dict[str, Result]:
    """Returns what comes in until all have answered, or the deadline is over; by part."""
    found: dict[str, Result] = {}
    with suppress(Empty):
        while len(found) < count:
            result = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            found[result.part] = result
    return found


def _problem(error: Exception) -> str:
    """Returns what went wrong, on one line: of a file or a connection its kind, of a bug what Python says."""
    if isinstance(error, OSError):
        return ": ".join(str(each) for each in (why(error).shown(), error.filename) if each)
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":")
