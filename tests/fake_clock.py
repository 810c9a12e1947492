"""A clock of its own for one process, which can be set while it runs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
SLEEP = "import threading, time; time.sleep = lambda seconds: threading.Event().wait(seconds) and None"
"""libfaketime refuses Python's sleep where the monotonic clock is the true one."""
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - libfaketime knows no other place
SHARED = "*faketime_s[eh]m_*"
"""What libfaketime keeps in shared memory for each process, by its pid."""


def clear_left_over(folder: Path = SHARED_MEMORY) -> None:
    """Removes what libfaketime left of processes that were killed: one of the same pid could not start."""
    for each in folder.glob(SHARED):
        if not Path("/proc", each.name.rpartition("_")[2]).exists():
            each.unlink(missing_ok=True)


class FakeClock:
    """The clock of one process, as far ahead as its file in `folder` says. `inside`: where the process sees
    that folder, where that is elsewhere."""

    def __init__(self, folder: Path, inside: Path | None = None) -> None:
        clear_left_over()
        seen = inside or folder
        folder.mkdir(exist_ok=True)
        self._folder, self._file = folder, folder / "clock"
        self.set(0)
        shutil.copy(FAKETIME, folder / "faketime.so")
        self.words = [
            "env",
            f"LD_PRELOAD={seen}/faketime.so",
            f"FAKETIME_TIMESTAMP_FILE={seen}/clock",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        ]
        """What is put before the command of the process."""

    @property
    def python_words(self) -> list[str]:
        """The same for a process of Python."""
        (self._folder / "sitecustomize.py").write_text(SLEEP)
        return [*self.words, f"PYTHONPATH={self._folder}:{os.environ.get('PYTHONPATH', '')}"]

    def set(self, seconds: float) -> None:
        """Sets it so many seconds ahead of the true time. The process never reads half of it."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{seconds:+}\n")
        written.rename(self._file)
