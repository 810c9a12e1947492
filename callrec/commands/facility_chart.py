"""Draws the report of the facilities as a picture. For `callrec facility report --chart`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from callrec.commands.picture import japanese_font, write
from callrec.language import translated as _

INCHES_WIDE, INCHES_A_ROW, INCHES_AROUND = 9.0, 0.32, 1.6
COLOURS = {"automatic": "#1f6f8b", "by key": "#e07a3f", "not recorded": "#c9ccd1"}


def draw(path: Path, rows: Sequence[dict[str, Any]], begin: datetime, end: datetime) -> None:
    """Draws a bar for each facility: its calls, recorded automatically, kept by key, or not recorded.

    Facilities are named in Japanese where the machine has a Japanese font, else by their codes.
    """
    font = japanese_font()
    figure = Figure(
        figsize=(INCHES_WIDE, INCHES_AROUND + INCHES_A_ROW * max(len(rows), 1)), layout="constrained"
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    labels = [row["name"] if font and row["name"] else row["facility"] for row in rows]
    left = [0] * len(rows)
    for name, values in _parts(rows).items():
        axes.barh(range(len(rows)), values, left=left, color=COLOURS[name], label=_word(name, font))
        left = [before + value for before, value in zip(left, values, strict=True)]
    axes.set_yticks(range(len(rows)), labels, fontfamily=font)
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(_word("calls", font), fontfamily=font)
    axes.set_title(f"{begin:%Y-%m-%d} – {end - timedelta(seconds=1):%Y-%m-%d}", fontfamily=font)
    axes.legend(prop={"family": font} if font else None)
    write(path, figure)


def _parts(rows: Sequence[dict[str, Any]]) -> dict[str, list[int]]:
    return {
        "automatic": [row["recordings"] - row["kept_by_key"] for row in rows],
        "by key": [row["kept_by_key"] for row in rows],
        "not recorded": [row["calls"] - row["recordings"] for row in rows],
    }


def _word(name: str, font: str | None) -> str:
    words = {
        "automatic": _("recorded automatically"),
        "by key": _("kept by key"),
        "not recorded": _("not recorded"),
        "calls": _("calls"),
    }
    return words[name] if font or words[name].isascii() else name
