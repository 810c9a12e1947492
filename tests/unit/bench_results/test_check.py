"""A step back of a quarter is told, and so is a ratio that nobody measured; less is the machine's mood."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import __main__ as program
from bench.check import compare
from bench.report import Ratio, finish


def keep(monkeypatch: pytest.MonkeyPatch, folder: Path, *ratios: Ratio) -> None:
    monkeypatch.setenv("BENCH_INTO", str(folder))
    finish("cost", "Cost", "so:", {}, ratios=ratios)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ([1.0], []),
        ([1.24, 1.24, 9.0], []),
        ([0.2], []),
        ([1.26], ["cost: recording, callrec to MixMonitor: 1.26, and 1.00 is committed"]),
    ],
)
def test_a_quarter_is_a_step_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, now: list[float], told: list[str]
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    keep(monkeypatch, before, Ratio("recording", "callrec", "MixMonitor", [0.9, 1.0, 1.1]))
    keep(monkeypatch, after, Ratio("recording", "callrec", "MixMonitor", now))
    assert compare("cost", before, after) == told


def test_what_was_not_measured_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    keep(monkeypatch, before, Ratio("recording", "callrec", "MixMonitor", [1.0]))
    missing = "cost: recording, callrec to MixMonitor: 1.00 is committed, and it was not measured"
    assert compare("cost", before, after) == [missing], "the benchmark has failed"
    keep(monkeypatch, after, Ratio("recording", "callrec", "nothing", [1.0]))
    assert compare("cost", before, after) == [missing], "it was compared with something else"


def test_what_is_not_committed_is_no_step_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keep(monkeypatch, tmp_path / "after", Ratio("recording", "callrec", "MixMonitor", [9.0]))
    assert compare("cost", tmp_path / "before", tmp_path / "after") == []


def test_every_benchmark_is_there() -> None:
    folder = Path(program.__file__).parent
    for name in program.ALL:
        assert (folder / f"{name}.py").exists()
    programs = {path.stem for path in folder.glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    assert programs - {"__main__"} == set(program.ALL), "make bench runs each"


def test_a_name_that_is_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "costs"])
    assert program.main() == 2
    assert "there is no benchmark costs: " in capsys.readouterr().err
