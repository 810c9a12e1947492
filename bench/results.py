"""Keeps what was measured: one JSON file a benchmark, which has every single value.

The pages and pictures are made of these files alone (`pages`, `charts`); `check` compares two of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.measures import Chart, Ratio, Row

COMMITTED = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
Result = dict[str, Any]


def folder() -> Path:
    """Returns where results go: docs/benchmarks, or the folder that BENCH_INTO names."""
    return Path(os.environ.get("BENCH_INTO") or COMMITTED)


def result(
    name: str,
    title: str,
    how: str,
    machine: dict[str, str],
    *,
    ratios: Iterable[Ratio] = (),
    rows: Iterable[Row] = (),
    charts: Iterable[Chart] = (),
) -> Result:
    """Returns what one run of a benchmark found, as JSON has it."""
    return {
        "name": name,
        "title": title,
        "how": how,
        "machine": machine,
        "ratios": [each.plain() for each in ratios],
        "figures": [each.plain() for each in rows],
        "charts": [each.plain() for each in charts],
    }


def joined(before: Result | None, now: Result) -> Result:
    """Returns a result with what an earlier run measured and this one did not; lines get new points."""
    if before is None:
        return now
    charts = [_chart_joined(before["charts"], chart) for chart in now["charts"]]
    new = {**now, "charts": charts}
    return {
        **new,
        **{part: _with_others(before[part], new[part]) for part in ("ratios", "figures", "charts")},
    }


def read(path: Path) -> Result | None:
    """Returns the result in a file; None where there is none."""
    return json.loads(path.read_text()) if path.exists() else None


def all_in(place: Path) -> list[Result]:
    """Returns all results in a folder, by name."""
    return [json.loads(path.read_text()) for path in sorted(place.glob("*.json"))]


def write(place: Path, found: Result) -> None:
    """Writes a result into its file."""
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{found['name']}.json"
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def key(entry: dict[str, Any]) -> tuple[str, ...]:
    """Returns what tells an entry of a result from the others of its kind."""
    return tuple(str(entry[name]) for name in ("what", "of", "to", "file") if name in entry)


def _with_others(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the entries in the order in which they were first measured, the newer in place of the older."""
    newer = {key(each): each for each in now}
    kept = [newer.pop(key(each), each) for each in before]
    return kept + list(newer.values())


def _chart_joined(before: list[dict[str, Any]], chart: dict[str, Any]) -> dict[str, Any]:
    older: dict[str, Any] = next((each["lines"] for each in before if each["file"] == chart["file"]), {})
    lines = {name: dict(points) for name, points in older.items()}
    for name, points in chart["lines"].items():
        lines.setdefault(name, {}).update(dict(points))
    return {**chart, "lines": {name: sorted(map(list, points.items())) for name, points in lines.items()}}
