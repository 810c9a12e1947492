"""Lays out lists as tables for people: as wide as they are in a pipe, as wide as the terminal on one.

Nothing is cut and no id is folded: where a terminal is too narrow, whole columns are left out, and only
prose and words wrap. Where even that is not enough, lines are left to the terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, zip_longest
from typing import Any

from callrec.commands.wrapping import cell_len, longest_word, terminal_width, wrapped
from callrec.language import translated
from callrec.visible import visible

BETWEEN = 2
"""Blanks between two columns."""
LEAST_PROSE, LEAST_WORDS = 20, 6
"""So many columns of a terminal prose needs to be read, and so many a few words."""


@dataclass(frozen=True)
class Table:
    """Rows and their columns (key: header). `spare` columns are left out where a terminal is too narrow, the
    first of them first. The one that is `prose` wraps, and those that are `words` do: the first of them is
    the last that does."""

    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]
    spare: Sequence[str] = ()
    prose: str = ""
    words: Sequence[str] = ()

    @cached_property
    def cells(self) -> Mapping[str, Sequence[str]]:
        """What stands in each column, its header first."""
        return {
            key: [translated(header), *(cell(row.get(key)) for row in self.rows)]
            for key, header in self.columns.items()
        }


def laid_out(shown: Table) -> tuple[str, list[str]]:
    """Returns a table as lines, and the keys of the columns that had no room."""
    natural = {key: max(map(cell_len, cells)) for key, cells in shown.cells.items()}
    widths = natural
    if sys.stdout.isatty():
        widths = _fitted(shown, natural, terminal_width())
    return _drawn(shown, widths), [key for key in natural if key not in widths]


def _fitted(shown: Table, natural: Mapping[str, int], room: int) -> dict[str, int]:
    """Returns the columns that have room, and their widths."""
    widths = {key: _least(shown, key, each) for key, each in natural.items()}
    for key in shown.spare:
        if _needed(widths) > room:
            del widths[key]
    if (free := room - _needed(widths)) < 0:
        return {key: natural[key] for key in widths}
    for key in filter(widths.__contains__, shown.words):  # whole ones first: two half ones help nobody
        if natural[key] - widths[key] <= free:
            free -= natural[key] - widths[key]
            widths[key] = natural[key]
    for key in filter(widths.__contains__, (shown.prose, *reversed(shown.words))):
        more = min(free, natural[key] - widths[key])
        free -= more
        widths[key] += more
    return widths


def _least(shown: Table, key: str, natural: int) -> int:
    """Returns how narrow a column may be. Words are broken only where one alone is wider than prose."""
    if key == shown.prose:
        return min(natural, LEAST_PROSE)
    if key not in shown.words:
        return natural
    longest = max(map(longest_word, shown.cells[key]))
    return min(natural, max(LEAST_WORDS, min(LEAST_PROSE, longest)))


def cell(value: Any) -> str:
    """Returns a value for people, on one line."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return translated("yes") if value else translated("no")
    return visible(",".join(map(str, value)) if isinstance(value, (list, tuple)) else value)


def _needed(widths: Mapping[str, int]) -> int:
    """Returns the columns of a terminal that columns of these widths need."""
    return sum(widths.values()) + BETWEEN * (len(widths) - 1)


def _drawn(shown: Table, widths: Mapping[str, int]) -> str:
    columns = [_wrapped(shown, key, width) for key, width in widths.items()]
    header, *rows = (_lines(cells, widths) for cells in zip(*columns, strict=True))
    lines = [*header, "─" * _needed(widths), *chain.from_iterable(rows)]
    return "".join(f"{line}\n" for line in lines)


def _wrapped(shown: Table, key: str, width: int) -> Iterator[list[str]]:
    """Yields the lines of each cell of a column."""
    wraps = key == shown.prose or key in shown.words
    for each in shown.cells[key]:
        yield wrapped(each, width) if wraps and cell_len(each) > width else [each]


def _lines(cells: Sequence[Sequence[str]], widths: Mapping[str, int]) -> Iterator[str]:
    """Yields the lines of a row, of which each cell has some."""
    for parts in zip_longest(*cells, fillvalue=""):
        padded = (
            part + " " * (width - cell_len(part)) for part, width in zip(parts, widths.values(), strict=True)
        )
        yield (" " * BETWEEN).join(padded).rstrip()
