"""A small disk of its own for the spool, which can be full, and can be away."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.integration.system import eventually

NEW_MOUNTS = 0x20000
"""Linux's CLONE_NEWNS."""
SIZE = "4g"
"""Taken only where something is written."""


def separate_mounts() -> None:
    """Gives this process mounts of its own. What is mounted from then on is seen by its children alone, and
    goes with the last of them."""
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "no mounts of our own: root is needed")
    _run("mount", "--make-rprivate", "/")


class SmallDisk:
    """A file system in memory at `place`."""

    def __init__(self, place: Path) -> None:
        self.place, self._aside = place, place.with_name("disk-away")

    def mount(self) -> None:
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(self.place))

    def unmount(self) -> None:
        with suppress(subprocess.CalledProcessError):  # it was never mounted
            _run("umount", "--lazy", str(self.place))

    @contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte fits on it."""
        eventually(self._shrink, what="a disk without room")
        try:
            yield
        finally:
            self._resize(SIZE)

    def _shrink(self) -> bool:
        """Makes it as large as what is on it; False where more has come meanwhile than it was to have."""
        there = os.statvfs(self.place)
        with suppress(subprocess.CalledProcessError):
            self._resize(str((there.f_blocks - there.f_bfree) * there.f_frsize))
            return True
        return False

    def _resize(self, size: str) -> None:
        _run("mount", "-o", f"remount,size={size}", str(self.place))

    @contextmanager
    def away(self) -> Iterator[None]:
        """It is not mounted; the folder at its place is empty."""
        self._aside.mkdir(exist_ok=True)
        _run("mount", "--move", str(self.place), str(self._aside))
        try:
            yield
        finally:
            _run("mount", "--move", str(self._aside), str(self.place))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
