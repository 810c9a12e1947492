"""How the demo runs its child processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from callrec.demo.processes import Child


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child("sleep", ["sleep", "60"], tmp_path / "log")


def test_ctrl_c_does_not_reach_a_child_but_it_shares_the_processor_of_who_started_it(child: Child) -> None:
    """A terminal's Ctrl-C goes to a group; Linux shares the processor by session, and a new one can wait."""
    try:
        assert os.getpgid(child.pid) == child.pid
        assert os.getsid(child.pid) == os.getsid(0)
    finally:
        child.stop()
    assert not child.running
