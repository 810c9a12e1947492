"""A real small disk under the spool and the catalogue of a running system, which can be full and go away."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from callrec.app import App
from callrec.settings_file import load
from callrec.spool.reserve import FILE, MB
from tests.integration.system import SystemUnderTest

DISK_MB, RESERVE_MB, LOW_WATER_MB = 24, 2, 4


class SmallDisk:
    """A tmpfs, mounted where the system's spool is, with its catalogue beside the files of the spool.

    It is mounted elsewhere, too, so that its content outlives that it goes from there.
    """

    def __init__(self, spool: Path, elsewhere: Path) -> None:
        self.spool, self._elsewhere = spool, elsewhere
        self.reserve, self._filler = spool / FILE, spool / "filler"
        self.catalogue = spool / "catalogue.db"

    def make(self) -> None:
        """Makes the disk, and mounts it over the spool."""
        self._elsewhere.mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={DISK_MB * MB}", "tmpfs", self._elsewhere)
        self.mount()

    def mount(self) -> None:
        _run("mount", "--bind", self._elsewhere, self.spool)

    def unmount(self) -> None:
        """Takes the disk away from under a process that uses it."""
        _run("umount", "--lazy", self.spool)

    def discard(self) -> None:
        for each in (self.spool, self._elsewhere):
            while each.is_mount():
                _run("umount", "--lazy", each)
        self._elsewhere.rmdir()

    def fill(self) -> None:
        """Takes what is free, to the last byte."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (MB, 4096, 1):
                with suppress(OSError):
                    while file.write(b"\1" * size):
                        pass

    def is_full(self) -> bool:
        try:
            (self.spool / "probe").write_bytes(b"x" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC
            return True
        finally:
            (self.spool / "probe").unlink(missing_ok=True)
        return False

    def make_room(self) -> None:
        self._filler.unlink()


def _run(*words: str | Path) -> None:
    subprocess.run(list(map(str, words)), check=True)


def _copy_database(source: Path, target: Path) -> None:
    """As it is now, also while others use it."""
    with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)


@contextmanager
def on_small_disk(system: SystemUnderTest, scratch: Path) -> Iterator[SmallDisk]:
    """The system with spool and catalogue on one small disk, and afterwards as it was."""
    system.wait_until_clean()
    system.controller.stop()
    home, disk = system.demo.home, SmallDisk(system.demo.home / "spool", scratch / "disk")
    disk.make()
    try:
        _copy_database(home / "catalogue.db", disk.catalogue)
        with _moved(system, disk):
            system.demo.start_controller()
            yield disk
            system.controller.stop()
        _copy_database(disk.catalogue, home / "catalogue.db")
    finally:
        system.controller.stop()
        disk.discard()
    system.demo.start_controller()


@contextmanager
def _moved(system: SystemUnderTest, disk: SmallDisk) -> Iterator[None]:
    """Whoever asks for the catalogue is given that of the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALLREC_CATALOGUE__URL", f"sqlite:///{disk.catalogue}")
        patch.setenv("CALLREC_DISK__RESERVE_MB", str(RESERVE_MB))
        patch.setenv("CALLREC_DISK__LOW_WATER_MB", str(LOW_WATER_MB))
        app = App(load(str(system.demo.config)))
        app.make_spool()
        patch.setitem(system.app.__dict__, "database", app.database)
        yield
        app.database.close()
