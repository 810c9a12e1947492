"""Lays out lists as tables for people: as wide as they are in a pipe, as wide as the terminal on one.

Nothing is cut and no id is folded: where a terminal is too narrow, whole columns are left out, and only
prose wraps. Where even that is not enough, lines are left to the terminal.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from rich.cells import cell_len

from callrec.commands.wrapping import wrapped
from callrec.language import translated
from callrec.visible import visible

BETWEEN = 2
"""Blanks between two columns."""
LEAST_PROSE = 20
"""So many columns of a terminal prose needs to be read."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows and their columns (key: header). `spare` columns are left out where a terminal is too narrow, the
    first of them first; the one that is `prose` wraps."""

    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]
    spare: Sequence[str] = ()
    prose: str = ""


def laid_out(shown: Table) -> tuple[str, list[str]]:
    """Returns a table as lines, and the keys of the columns that had no room."""
    natural = {key: _width(shown, key) for key in shown.columns}
    widths = natural
    if sys.stdout.isatty():
        widths = _fitted(shown, natural, shutil.get_terminal_size().columns)
    return _drawn(shown, widths), [key for key in natural if key not in widths]


def _fitted(shown: Table, natural: Mapping[str, int], room: int) -> dict[str, int]:
    """Returns the columns that have room, and their widths."""
    widths = {key: min(each, LEAST_PROSE) if key == shown.prose else each for key, each in natural.items()}
    for key in shown.spare:
        if _needed(widths) > room:
            del widths[key]
    free = room - _needed(widths)
    if shown.prose:
        most = natural[shown.prose]
        widths[shown.prose] = most if free < 0 else min(most, widths[shown.prose] + free)
    return widths


def cell(value: Any) -> str:
    """Returns a value for people, on one line."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return translated("yes") if value else translated("no")
    return visible(",".join(map(str, value)) if isinstance(value, (list, tuple)) else value)


def _width(shown: Table, key: str) -> int:
    cells = (translated(shown.columns[key]), *(cell(row.get(key)) for row in shown.rows))
    return max(map(cell_len, cells))


def _needed(widths: Mapping[str, int]) -> int:
    """Returns the columns of a terminal that columns of these widths need."""
    return sum(widths.values()) + BETWEEN * (len(widths) - 1)


def _drawn(shown: Table, widths: Mapping[str, int]) -> str:
    header = _lines([[translated(shown.columns[key])] for key in widths], widths)
    rows = (_lines([_wrapped(shown, row, key, widths[key]) for key in widths], widths) for row in shown.rows)
    lines = [*header, "─" * _needed(widths), *chain.from_iterable(rows)]
    return "".join(f"{line}\n" for line in lines)


def _wrapped(shown: Table, row: Mapping[str, Any], key: str, width: int) -> list[str]:
    said = cell(row.get(key))
    return wrapped(said, width) if key == shown.prose else [said]


def _lines(cells: Sequence[Sequence[str]], widths: Mapping[str, int]) -> Iterator[str]:
    """Yields the lines of a row, of which each cell has some."""
    for parts in zip_longest(*cells, fillvalue=""):
        padded = (
            part + " " * (width - cell_len(part)) for part, width in zip(parts, widths.values(), strict=True)
        )
        yield (" " * BETWEEN).join(padded).rstrip()
