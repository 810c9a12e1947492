"""Draws the report of the facilities as a picture. For `callrec facility report --chart`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from callrec.errors import WrongUsage
from callrec.failures import why
from callrec.files import write_whole
from callrec.language import translated as _

INCHES_WIDE, INCHES_A_ROW, INCHES_AROUND = 9.0, 0.32, 1.6
COLOURS = {"automatic": "#1f6f8b", "by key": "#e07a3f", "not recorded": "#c9ccd1"}
JAPANESE_FONTS = ("Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic", "VL Gothic")


def draw(path: Path, rows: Sequence[dict[str, Any]], begin: datetime, end: datetime) -> None:
    """Draws a bar for each facility: its calls, recorded automatically, kept by key, or not recorded.

    Facilities are named in Japanese where the machine has a Japanese font, else by their codes.
    """
    font = _japanese_font()
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
    _write(path, figure)


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


def _japanese_font() -> str | None:
    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in JAPANESE_FONTS if name in known), None)


def _write(path: Path, figure: Figure) -> None:
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    try:
        write_whole(path, picture.getvalue())
    except OSError as error:
        raise WrongUsage("{path} cannot be written: {problem}", path=path, problem=why(error)) from error
