"""Writes pictures that matplotlib has drawn; the end of a name says of which kind. Chooses their font."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure

from callrec.errors import WrongUsage
from callrec.failures import why
from callrec.files import write_whole

JAPANESE_FONTS = ("Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic", "VL Gothic")
DOTS_AN_INCH = 150


def japanese_font() -> str | None:
    """Returns the name of a Japanese font of this machine, if it has one."""
    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in JAPANESE_FONTS if name in known), None)


@contextmanager
def written_in(fonts: Collection[str]) -> Iterator[None]:
    """Has what is drawn in the block written in the first of these fonts that has a sign; an SVG names them,
    and who looks at it needs one of them."""
    # It speaks of its own folders and fonts, among the lines that are for people and programs.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    with mpl.rc_context({"font.family": [*fonts, "DejaVu Sans"], "svg.fonttype": "none"}):
        yield


def write(path: Path, figure: Figure) -> None:
    """Writes a picture as what its name says: .png or .svg. Raises WrongUsage where it cannot be written."""
    picture, kind = BytesIO(), path.suffix.lower().removeprefix(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of signs that no font has: there is a box in their place
        figure.savefig(picture, format=kind, dpi=DOTS_AN_INCH)
    try:
        write_whole(path, picture.getvalue())
    except OSError as error:
        raise WrongUsage("{path} cannot be written: {problem}", path=path, problem=why(error)) from error
