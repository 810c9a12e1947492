"""Writes the pages of docs/benchmarks from the results there: one a benchmark, and the list of all ratios."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.charts import file_of
from bench.results import Result, all_in

INDEX = "README.md"
RATIOS = ["compared", "of", "to", "median", "goal", "met"]
FIGURES = ["figure", "median", "p95", "worst", "goal", "met"]
INTRODUCTION = """\
# Benchmarks

What callrec costs, how soon it is there, and how it grows, each beside an alternative in the same run. A
ratio is what the first costs against the second; the less, the better. It is the median of the rounds, in
which both had their turn, one after the other, after a warm-up. The single values are in the JSON files.

    make bench                    # measures all again, and writes this folder; hours
    make bench ARGS=--check       # measures, writes nothing, and fails where a ratio is 25 % worse than here
    .venv/bin/python -m bench.NAME --help

What was tried and did not help: [tried.md](tried.md). How it grows past one machine: [scale](../scale.md).
This page and the others of this folder but that one are written by `bench/pages.py`.
"""


def write(place: Path) -> None:
    """Writes the page of each result in a folder, and the list of them."""
    found = all_in(place)
    for each in found:
        (place / f"{each['name']}.md").write_text(page(each))
    (place / INDEX).write_text(index(found))


def page(found: Result) -> str:
    """Returns the page of a result: ratios first, then figures, charts, and what it was measured on."""
    pictures = [f"![{each['title']}]({file_of(found, each)})" for each in found["charts"]]
    machine = [f"- {name}: {value}" for name, value in found["machine"].items()]
    parts = [
        f"# {found['title']}",
        found["how"],
        table(RATIOS, [_ratio(each) for each in found["ratios"]]),
        table(FIGURES, [_figure(each) for each in found["figures"]]),
        *pictures,
        "\n".join(machine),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def index(found: list[Result]) -> str:
    """Returns the page that lists the ratios of all results, and each benchmark."""
    sections = []
    for each in found:
        ratios = table(RATIOS, [_ratio(ratio) for ratio in each["ratios"]])
        missed = sum(not entry["met"] for part in ("ratios", "figures") for entry in each[part])
        told = f"{len(each['figures'])} figures; {missed} goals missed." if missed else "Every goal is met."
        sections += [f"## [{each['title']}]({each['name']}.md)", ratios, told]
    return "\n\n".join([INTRODUCTION.strip(), *(part for part in sections if part)]) + "\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Returns a table; nothing where it has no rows."""
    lines = [f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) if rows else ""


def short(value: float) -> str:
    """Returns a number with three digits, or all before the point."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _ratio(ratio: dict[str, Any]) -> list[str]:
    goal = "" if ratio["goal"] is None else f"≤ {ratio['goal']:g} ×"
    return [ratio["what"], ratio["of"], ratio["to"], f"**{ratio['median']:.2f} ×**", goal, _met(ratio)]


def _figure(figure: dict[str, Any]) -> list[str]:
    told = [f"{short(figure[name])} {figure['unit']}" for name in ("median", "p95", "worst")]
    goal = "" if figure["goal"] is None else f"≤ {figure['goal']:g} {figure['unit']} ({figure['judged']})"
    return [figure["what"], *told, goal, _met(figure)]


def _met(entry: dict[str, Any]) -> str:
    if entry["goal"] is None:
        return ""
    return "yes" if entry["met"] else "NO"
