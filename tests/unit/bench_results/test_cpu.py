"""CPU seconds are those of a process and its children, and none that it would have used anyway."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.cpu import TICKS, Meter, used

BUSY = "import time\nwhile time.process_time() < 0.2: pass"
CUT = 4 / TICKS
"""The system cuts four counts to whole ticks: in user and system mode, its own and of its children."""


def test_what_a_child_has_used_counts_once_it_has_ended() -> None:
    before = used({"me": os.getpid()})["me"]
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert used({"me": os.getpid()})["me"] - before >= 0.2 - CUT


def test_what_is_used_while_idle_is_left_out() -> None:
    meter = Meter({"me": os.getpid()}, idle_seconds=0.1)
    meter.idle = {"me": 1e6}
    assert meter.read()["me"] < 0
