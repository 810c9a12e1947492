"""Asks systemd, where it runs this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from callrec.errors import CheckFailed
from callrec.failures import why

UNITS = Path("/etc/systemd/system")
BOOTED = Path("/run/systemd/system")
"""There where systemd runs the machine: sd_booted(3)."""
SECONDS = 120.0


def runs() -> bool:
    """Returns whether systemd runs this machine."""
    return BOOTED.is_dir()


def ask(*words: str) -> None:
    """Has systemd do something. Raises CheckFailed with what it says."""
    command = " ".join(["systemctl", *words])
    try:
        done = subprocess.run(
            ["systemctl", *words], capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CheckFailed("{command} failed: {problem}", command=command, problem=why(error)) from error
    if done.returncode:
        said = " ".join(done.stderr.split()) or str(done.returncode)
        raise CheckFailed("{command} failed: {problem}", command=command, problem=said)
