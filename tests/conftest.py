"""The program itself, run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from callrec.commands import main
from tests.unit.program import Done


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """Runs the program in an empty folder, in English."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLREC_LANG", "en")

    def call(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capsys.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return call


@pytest.fixture
def office(run: Callable[..., Done], tmp_path: Path) -> Callable[..., Done]:
    """The program with a configuration and an empty database."""
    done = run(
        "init", "--non-interactive", "--database-url", f"sqlite:///{tmp_path}/c.db", "--spool", "spool"
    )
    assert done.code == 0, done.err
    return run
