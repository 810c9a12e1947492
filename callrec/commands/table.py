"""Lays out lists as tables for people: as wide as they are in a pipe, as wide as the terminal on one.

Nothing is cut and no id is folded: where a terminal is too narrow, whole columns are left out, and only
prose wraps. Where even that is not enough, lines are left to the terminal.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box, table
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

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


def _fitting(said: str, width: int, wraps: bool) -> Text:
    return Text("\n".join(wrapped(said, width)) if wraps else said)


def _needed(widths: Mapping[str, int]) -> int:
    """Returns the columns of a terminal that columns of these widths need."""
    return sum(widths.values()) + BETWEEN * (len(widths) - 1)


def _drawn(shown: Table, widths: Mapping[str, int]) -> str:
    drawn = table.Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, BETWEEN - 1, 0, 0))
    for key, width in widths.items():
        drawn.add_column(Text(translated(shown.columns[key])), width=width, no_wrap=True)
    for row in shown.rows:
        drawn.add_row(
            *(_fitting(cell(row.get(key)), width, key == shown.prose) for key, width in widths.items())
        )
    console = Console(file=io.StringIO(), width=_needed(widths) + BETWEEN, highlight=False)
    with console.capture() as captured:
        console.print(drawn)
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())
