"""What the clocks of tests leave behind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.fake_clock import clear_left_over


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = [tmp_path / f"faketime_shm_{ended.pid}", tmp_path / f"sem.faketime_sem_{ended.pid}"]
    kept = [tmp_path / f"faketime_shm_{os.getpid()}", tmp_path / f"sem.other_{ended.pid}"]
    for each in left + kept:
        each.touch()
    clear_left_over(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)
