"""Fills a page of this folder with what is told on it, and writes it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from callrec.errors import CheckFailed
from callrec.failures import why
from callrec.files import write_whole
from callrec.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment


def fill(template: str, **values: object) -> str:
    """Returns the page of a template; nothing in the values is obeyed, by a browser or a terminal."""
    return _pages().get_template(template).render(values)


@cache
def _pages() -> Environment:
    """Returns the templates, which are compiled when they are first asked for."""
    # Imported here: few commands print, and all of them are to answer at once.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("callrec", "forms"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write(path: Path, page: str) -> None:
    """Writes a page whole. Raises CheckFailed where that cannot be."""
    try:
        write_whole(path, page.encode())
    except OSError as error:
        raise CheckFailed("{path} cannot be written: {problem}", path=path, problem=why(error)) from error


def _shown(value: object) -> object:
    """Returns a value of the data as text on one line, without signs that are obeyed; what a macro made, as
    it is."""
    return value if hasattr(value, "__html__") else visible(value)
