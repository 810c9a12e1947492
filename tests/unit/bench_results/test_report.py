"""What a benchmark found is kept whole, told with the ratios first, and a missed goal is an exit code."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest

from bench import pages, results
from bench.measures import p95
from bench.report import Chart, Ratio, Row, finish

DECISION = Row("a decision", "µs", 50, [1, 2, 90], statistics.median)
RECORDING = Ratio("recording", "callrec", "MixMonitor", [0.9, 0.8, 1.2], goal=0.95)
CALLS = Chart("calls", "CPU", "calls", "s", {"callrec": [(50, 0.5)]})


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BENCH_INTO", str(tmp_path))
    return tmp_path


def test_everything_is_written(place: Path) -> None:
    code = finish("cost", "Cost", "so:", {"cores": "2"}, ratios=[RECORDING], rows=[DECISION], charts=[CALLS])
    assert code == 0
    kept = json.loads((place / "cost.json").read_text())
    assert kept["ratios"][0] == {
        "what": "recording",
        "of": "callrec",
        "to": "MixMonitor",
        "goal": 0.95,
        "median": 0.9,
        "met": True,
        "values": [0.9, 0.8, 1.2],
    }
    assert kept["figures"][0]["values"] == [1, 2, 90] and kept["figures"][0]["judged"] == "median"
    assert kept["machine"]["cores"] == "2" and kept["machine"]["commit"]
    assert (place / "cost-calls.png").read_bytes().startswith(b"\x89PNG")
    page = (place / "cost.md").read_text()
    assert "| recording | callrec | MixMonitor | **0.90 ×** | ≤ 0.95 × | yes |" in page
    assert "| a decision | 2 µs | 90 µs | 90 µs | ≤ 50 µs (median) | yes |" in page
    assert page.index("recording") < page.index("a decision") < page.index("cost-calls.png")
    assert "| recording |" in (place / "README.md").read_text()


@pytest.mark.parametrize(
    "missed", [{"ratios": [Ratio("r", "a", "b", [2.0], 1.0)]}, {"rows": [Row("f", "s", 1, [0.5, 1.5])]}]
)
def test_a_missed_goal_is_an_exit_code(place: Path, missed: dict[str, list[Ratio | Row]]) -> None:
    assert finish("cost", "Cost", "so:", {}, **missed) == 1  # type: ignore[arg-type]
    assert "NO" in (place / "cost.md").read_text() and "1 goals missed" in (place / "README.md").read_text()


def test_a_quick_run_writes_nothing(place: Path) -> None:
    assert finish("cost", "Cost", "so:", {}, rows=[DECISION], quick=True) == 0
    assert list(place.iterdir()) == []


def test_a_part_keeps_what_it_has_not_measured(place: Path) -> None:
    finish("cost", "Cost", "so:", {}, ratios=[RECORDING], rows=[DECISION], charts=[CALLS])
    other = Chart("calls", "CPU", "calls", "s", {"callrec": [(10, 0.6)], "MixMonitor": [(10, 0.7)]})
    again = Row("a decision", "µs", 50, [3], statistics.median)
    finish("cost", "Cost", "so:", {}, rows=[again, Row("more", "s", None, [1])], charts=[other], beside=True)
    kept = results.read(place / "cost.json")
    assert kept and [each["median"] for each in kept["figures"]] == [3, 1]
    assert kept["ratios"][0]["what"] == "recording"
    assert kept["charts"][0]["lines"] == {"callrec": [[10, 0.6], [50, 0.5]], "MixMonitor": [[10, 0.7]]}


def test_a_whole_run_forgets_what_is_measured_no_more(place: Path) -> None:
    finish("cost", "Cost", "so:", {}, ratios=[RECORDING])
    finish("cost", "Cost", "so:", {}, rows=[DECISION])
    assert "recording" not in (place / "cost.md").read_text()


def test_p95_is_one_of_the_values() -> None:
    assert p95(range(1, 101)) == 95 and p95([7.0]) == 7.0 and p95([1, 2]) == 2


def test_the_pages_are_what_the_committed_results_say() -> None:
    found = results.all_in(results.COMMITTED)
    for each in found:
        assert (results.COMMITTED / f"{each['name']}.md").read_text() == pages.page(each)
    assert (results.COMMITTED / pages.INDEX).read_text() == pages.index(found)
