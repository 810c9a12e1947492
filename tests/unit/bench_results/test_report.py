"""The file of results: each benchmark writes its own section, and a missed target is an exit code."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from bench import report
from bench.report import Row, finish


def decision(*values: float) -> list[Row]:
    return [Row("a decision", "µs", 50, values, statistics.median)]


def test_each_keeps_the_section_of_the_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path / "RESULTS.md")
    assert finish("Decisions", "alone:", decision(1, 2, 90), {}) == 0
    assert finish("Calls", "together:", [Row("a start", "ms", 20, [10, 30])], {"date": "today"}) == 1
    assert finish("Decisions", "again:", decision(60, 70, 94_100), {}) == 1
    text = (tmp_path / "RESULTS.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Results, by `make bench`",
        "## Calls",
        "## Decisions",
    ]
    assert "| a start | 20 ms | 30 ms | < 20 ms | NO |" in text and "- date: today" in text
    assert "| a decision | 70 µs | 94,100 µs | < 50 µs (median) | NO |" in text
    assert "again:" in text and "alone:" not in text
