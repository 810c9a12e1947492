"""Some runs of the simulation, always the same; `make simulate` has more. And that it finds what is wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from callrec.recording.capture import LiveCapture
from callrec.recording.recorder import CallRecorder
from callrec.recording.tracker import CallTracker
from tests.simulation.run import of_seed


def test_nothing_is_wrong_in_some_runs() -> None:
    program = [sys.executable, "-m", "tests.simulation", "--seed", "20000", "--runs", "8", "--seconds", "0"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("owner", "without", "claim"),
    [
        (LiveCapture, "silence", "never"),
        (CallRecorder, "decided", "not rec"),
        (CallTracker, "restore", "left"),
    ],
)
def test_it_finds_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, owner: type, without: str, claim: str
) -> None:
    """A part of the controller that does nothing breaks a claim within a few runs."""
    monkeypatch.setattr(owner, without, lambda *_: [])
    found = (wrong for seed in range(20_014, 20_054) for wrong in of_seed(seed).wrong)
    assert any(wrong.startswith(claim) for wrong in found)
