"""Whatever is typed, pasted and plugged in: an exit code of the contract, one line of error, nothing changed.

`make bad-input` tries more of it, and any one of it again by its seed.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.bad_input.program import Trials

RUNS = 25


@pytest.fixture
def trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trials:
    monkeypatch.setattr("callrec.commands.serve.log_to_stderr", lambda **_: None)  # it is the tests' own here
    return Trials(tmp_path)


@pytest.mark.parametrize("first", [1000, secrets.randbelow(10**9)], ids=["known", "fresh"])
def test_bad_input_ends_in_one_line_and_changes_nothing(trials: Trials, first: int) -> None:
    for seed in range(first, first + RUNS):
        ended = trials.run(seed)
        assert not ended.wrong(), (seed, ended.wrong(), ended.line, ended.place.environment, ended.err)
