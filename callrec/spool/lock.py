"""Lets one controller at a time work on a spool, and tells when the spool is not there any more."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from callrec import ids
from callrec.errors import Refused, Unreachable
from callrec.files import write_whole
from callrec.spool.version import MARK

FILE = "lock"


class SpoolGone(Unreachable, OSError):
    """The spool's disk is not mounted, or another one is in its place. Nothing is written there meanwhile."""


class SpoolLock:
    """The lock of one spool directory, held until the process that took it ends."""

    def __init__(self, directory: Path) -> None:
        self.directory, self._mark = directory, directory / MARK
        self._lock: int | None = None
        self._id = b""
        self._relocking = threading.Lock()

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
        self._id = self._identify()

    def check_there(self) -> None:
        """Raises SpoolGone unless the spool is where it was: that of the lock, where this process has it.

        One that comes back on another device, as of a server that was away, is locked anew.
        """
        if not self._is_there():
            raise SpoolGone(
                "the spool is not in {path} any more: mount its disk. Until then what is to be written down "
                "of calls is kept in memory, and a kill would lose it",
                path=self.directory,
            )

    def _is_there(self) -> bool:
        if not self._mark.exists():
            return False
        with self._relocking:
            return self._lock is None or self._has_lock() or (self._is_same() and self._lock_again())

    def _is_same(self) -> bool:
        """Returns whether the spool in the directory is the one that this process has locked."""
        try:
            return self._mark.read_bytes() == self._id != b""
        except (FileNotFoundError, NotADirectoryError):  # it is gone again
            return False

    def _has_lock(self) -> bool:
        """Returns whether the lock of this process is the one that lies in the directory now."""
        assert self._lock is not None
        try:
            return os.path.samestat(os.fstat(self._lock), (self.directory / FILE).stat())
        except FileNotFoundError:
            return False

    def _lock_again(self) -> bool:
        assert self._lock is not None
        anew = self._lock_file()
        if not _is_ours(anew, fcntl.LOCK_EX):
            os.close(anew)
            return False
        os.close(self._lock)
        self._lock = anew
        return True

    def _identify(self) -> bytes:
        """Returns the id of the spool, which is given one where an older callrec has made it without."""
        with suppress(OSError):  # a full disk, say: then a spool that comes back needs a new start
            if not self._mark.read_bytes():
                write_whole(self._mark, ids.new().encode())
        return self._mark.read_bytes()

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
