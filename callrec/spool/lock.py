"""Lets one controller at a time work on a spool."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from callrec.errors import Refused

FILE = "lock"


class SpoolLock:
    """The lock of one spool directory, held until the process that took it ends."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock: int | None = None

    def lock(self, patience_s: float = 0.0) -> None:
        """Makes this process the only controller of the spool, until it ends.

        Waits up to `patience_s` seconds for another one to end. Raises Refused when it does not.
        """
        self._lock = self._lock_file()
        deadline = time.monotonic() + patience_s
        while not _is_ours(self._lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise Refused(
                    "another callrec serve uses the spool {path}: stop it first", path=self.directory
                )
            time.sleep(0.1)

    def is_locked(self) -> bool:
        """Returns whether a controller uses the spool now."""
        probe = self._lock_file()
        try:
            return not _is_ours(probe, fcntl.LOCK_SH)
        finally:
            os.close(probe)

    def _lock_file(self) -> int:
        return os.open(self.directory / FILE, os.O_CREAT | os.O_RDWR, 0o600)


def _is_ours(descriptor: int, kind: int) -> bool:
    """Takes a lock of this kind where it is free; returns whether it did."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
