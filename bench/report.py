"""Tells what a benchmark found, and keeps it in docs/benchmarks: JSON, a page and charts."""

from __future__ import annotations

from collections.abc import Sequence

from bench import charts as pictures
from bench import pages, results
from bench.machine import commit
from bench.measures import Chart, Ratio, Row, p95

__all__ = ["Chart", "Ratio", "Row", "finish", "p95"]


def finish(
    name: str,
    title: str,
    how: str,
    machine: dict[str, str],
    *,
    ratios: Sequence[Ratio] = (),
    rows: Sequence[Row] = (),
    charts: Sequence[Chart] = (),
    quick: bool = False,
    beside: bool = False,
) -> int:
    """Prints what was found, and writes NAME.json, NAME.md and NAME-CHART.png; after a `quick` run nothing.

    `beside`: what an earlier run measured and this one did not stays, as when each number of calls has a run
    of its own. Returns 1 where a goal is missed, else 0.
    """
    machine = {**machine, "commit": commit()}
    found = results.result(name, title, how, machine, ratios=ratios, rows=rows, charts=charts)
    print("\n" + pages.page(found))
    if not quick:
        place = results.folder()
        kept = results.joined(results.read(place / f"{name}.json"), found) if beside else found
        results.write(place, kept)
        pictures.draw(place, kept)
        pages.write(place)
    return 0 if all(each.ok for each in ratios) and all(each.ok for each in rows) else 1
