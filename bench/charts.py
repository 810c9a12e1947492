"""Draws the charts of a result as PNG files beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.results import Result

MARKS = "osD^vP*X"


def draw(place: Path, found: Result) -> None:
    """Draws every chart of a result into a folder."""
    for chart in found["charts"]:
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        _lines(figure, chart)
        FigureCanvasAgg(figure)
        # Without the version of the library and a date: the same points make the same bytes.
        figure.savefig(place / file_of(found, chart), dpi=110, metadata={"Software": None})


def file_of(found: Result, chart: dict[str, Any]) -> str:
    """Returns the name of the file of a chart."""
    return f"{found['name']}-{chart['file']}.png"


def _lines(figure: Figure, chart: dict[str, Any]) -> None:
    axes = figure.add_subplot()
    for number, (name, points) in enumerate(chart["lines"].items()):
        axes.plot(*zip(*points, strict=True), marker=MARKS[number % len(MARKS)], label=name)
    if chart["log"]:
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set(title=chart["title"], xlabel=chart["x"], ylabel=chart["y"])
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
