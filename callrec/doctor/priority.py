"""Checks that Asterisk goes before whatever else this machine does, where both are on one machine.

Without the priority of its option -p it reads packets late on a machine that is busy, and each of them
becomes 20 ms of silence in a recording. Of a PBX on another machine that cannot be known from here.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from callrec.addresses import is_here
from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed
from callrec.language import translated as _

PROGRAM = "asterisk"
REALTIME = frozenset({os.SCHED_FIFO, os.SCHED_RR})
PROCESSES = Path("/proc")


def _priority(checkup: Checkup) -> str:
    if not is_here(urlsplit(checkup.app.settings.pbx.ari_url).hostname or ""):
        return _("the PBX is on another machine")
    return judge({policy for pid in servers() if (policy := _policy(pid)) is not None})


def judge(policies: Collection[int]) -> str:
    """Says what the scheduling policies of all the Asterisks of this machine mean. Raises CheckFailed."""
    if not policies:
        return _("no process of it is seen from here")
    if REALTIME.issuperset(policies):
        return _("real-time")
    if REALTIME.intersection(policies):
        return _("some Asterisks of this machine are real-time and some are not")
    raise CheckFailed(
        "Asterisk runs without real-time priority: start it with -p, as root or with CAP_SYS_NICE, or "
        "recordings have holes of 20 ms whenever this machine is busy"
    )


def servers(processes: Path = PROCESSES) -> Iterator[int]:
    """Yields the pids of the Asterisks that run, without those that are consoles of another one."""
    for folder in processes.glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is not to be seen
            name = (folder / "comm").read_text().strip()
            if name == PROGRAM and not _is_console((folder / "cmdline").read_text().split("\0")):
                yield int(folder.name)


def _is_console(words: list[str]) -> bool:
    """Returns whether a command line has the option -r or -R, alone or as one of several letters."""
    return any(each.startswith("-") and "r" in each.lower() for each in words[1:])


def _policy(pid: int) -> int | None:
    """Returns the scheduling policy of a process; None where it has ended."""
    with suppress(ProcessLookupError):
        return os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK
    return None


CHECKS: tuple[Check, ...] = (("PBX: priority", _priority),)
