"""Keeps room on the spool's disk for the small things that must be written down whatever happens.

A file of the spool, `reserve`, holds room that is let go when the disk is full: then checkpoints, alerts,
rows and the catalogue on the same disk go on, and with them the archive, which makes room again. Sound is
taken only where room is left, above the low-water mark: until then it stays on the PBX, where it is safe
(decision 20). Who asks before sound is taken is the archiver's matter.
"""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import structlog

from callrec.errors import CallrecError
from callrec.files import allocate

log = structlog.get_logger()
T = TypeVar("T")

FILE = "reserve"
FULL = (errno.ENOSPC, errno.EDQUOT)
MB = 10**6
NEARLY_FULL = 8
"""The reserve is let go where less is free than this part of it: a database says too late that it is full."""
ROOM_AGAIN = 2
"""It is made again where so many times its size are free."""


class NoRoom(CallrecError):
    """The spool's disk has no room for sound, or for anything at all."""


class Reserve:
    """The reserve and the low-water mark of one spool directory. Several threads may use it.

    With nothing to reserve it has no file; with a mark of 0 all sound is taken for which there is room.
    """

    def __init__(self, directory: Path, reserve_mb: int = 0, low_water_mb: int = 0) -> None:
        self._directory, self._path = directory, directory / FILE
        self._size, self._low_water = reserve_mb * MB, low_water_mb * MB
        self._lock = threading.Lock()

    def free_bytes(self) -> int:
        """Returns what is free on the disk, without the reserve."""
        return shutil.disk_usage(self._directory).free

    def is_whole(self) -> bool:
        """Returns whether the reserve is there, or there is to be none."""
        return not self._size or self._path.exists()

    def let_go(self) -> bool:
        """Gives the reserve's room to the disk. Returns whether there was any left."""
        with self._lock:
            try:
                self._path.unlink()
            except OSError:
                return False
        log.error("the disk of the spool is full: its reserve was let go", path=str(self._directory))
        return True

    def writing(self, write: Callable[[], T]) -> T:
        """Writes something small; if the disk is full, once more with the reserve let go. Raises OSError."""
        try:
            return write()
        except OSError as error:
            if error.errno not in FULL or not self.let_go():
                raise
        return write()

    def keep(self) -> None:
        """Lets the reserve go before the last byte is taken, and makes it again when there is room.

        Raises NoRoom as long as it is not there, and while so little is free that no sound is taken.
        """
        free = self.free_bytes()
        if self.is_whole():
            if free < self._size / NEARLY_FULL:
                self.let_go()
            elif self._is_of_other_settings() and free >= ROOM_AGAIN * self._size:
                self._make()
        elif free >= ROOM_AGAIN * self._size:
            self._make()
        if not self.is_whole():
            raise NoRoom(
                "the disk of the spool {path} is full: the reserve of [disk] was let go, and sound stays on "
                "the PBX. Make room; the rest comes by itself",
                path=self._directory,
            )
        self.check_room_for(0)

    def check_room_for(self, size: int) -> None:
        """Raises NoRoom where sound of so many bytes would leave less free than the low-water mark."""
        if self.free_bytes() - self._missing() - size < self._low_water:
            raise NoRoom(
                "the disk of the spool {path} is nearly full: sound stays on the PBX until there is room. "
                "Make room, or see why nothing goes into the archive",
                path=self._directory,
            )

    def check_room_to_join(self, size: int) -> None:
        """Raises NoRoom where a file of so many bytes has no room beside the reserve.

        The low-water mark does not count: what is joined can go into the archive, which makes room.
        """
        if self.free_bytes() - self._missing() < size:
            raise NoRoom(
                "the disk of the spool {path} has no room to join the tracks of a recording: make room",
                path=self._directory,
            )

    def _missing(self) -> int:
        """Returns what the reserve has yet to be given: sound must not take it."""
        return 0 if self.is_whole() else self._size

    def _is_of_other_settings(self) -> bool:
        with suppress(OSError):
            return self._path.stat().st_size != self._size
        return False

    def _make(self) -> None:
        with self._lock, suppress(OSError):  # somebody else was faster: at the next look
            if not self._size:
                self._path.unlink()
                return
            allocate(self._path, self._size)
            log.info("the reserve of the spool's disk is made", path=str(self._directory))
