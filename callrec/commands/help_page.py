"""Lays out help by what signs take on a terminal: Japanese ones two columns, and breaks between any two.

Click counts signs, and breaks lines at blanks only. Words of other languages stay whole; no line begins with
a sign that ends something, or ends with one that begins something.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click
from rich.cells import cell_len, chop_cells

_CLOSING = "、。，．・：；？！）］｝」』】〉》〕ー々ゝゞっゃゅょァィゥェォッャュョぁぃぅぇぉ…‥" + ",.:;!?)]}"
_OPENING = "（［｛「『【〈《〔" + "([{"


class Formatter(click.HelpFormatter):
    """A help page of which no line is wider than the page."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        with_prefix = click.HelpFormatter(width=10_000)  # its words and order are Click's
        with_prefix.write_usage(prog, "", prefix)
        start = f"{with_prefix.getvalue().strip()} "
        first, *more = wrapped(args, self.width - cell_len(start)) or [""]
        self.write(f"{start}{first}".rstrip() + "\n")
        for line in more:
            self.write(" " * cell_len(start) + line + "\n")

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        for number, paragraph in enumerate(text.split("\n\n")):
            self.write("\n" if number else "")
            for line in wrapped(paragraph, self.width - self.current_indent):
                self.write(f"{indent}{line}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        terms = dict(rows)
        column = min(max(map(cell_len, terms), default=0), col_max) + col_spacing
        indent = self.current_indent
        for term, said in terms.items():
            lines = wrapped(said, self.width - column - indent)
            fits = cell_len(term) <= column - col_spacing
            first = f"{term}{' ' * (column - cell_len(term))}{lines.pop(0)}" if lines and fits else term
            self.write(" " * indent + first + "\n")
            for line in lines:
                self.write(" " * (column + indent) + line + "\n")


class Context(click.Context):
    """A context whose help is laid out so."""

    formatter_class = Formatter


def wrapped(text: str, width: int) -> list[str]:
    """Returns the lines of a paragraph, none of them wider than `width` columns of a terminal."""
    lines = [""]
    for unit in _units(text):
        if lines[-1] and cell_len((lines[-1] + unit).rstrip()) > width:
            lines.append("")
        word = unit.rstrip()
        *full, rest = chop_cells(word, width) if cell_len(word) > width else [word]
        lines[-1:] = [*full, (lines[-1] if not full else "") + rest + unit[len(word) :]]
    return [line.rstrip() for line in lines if line.strip()]


def _units(text: str) -> Iterator[str]:
    """Yields the parts of a text between which a line may end, with the blanks after them."""
    unit = ""
    for sign in _on_one_line(text):
        if unit and _may_part(unit[-1], sign):
            yield unit
            unit = ""
        unit += sign
    yield unit


def _on_one_line(text: str) -> str:
    """Returns a paragraph without its line breaks: a blank stands for one, but not between Japanese signs."""
    joined = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        blank = "" if not joined or (_is_wide(joined[-1]) and _is_wide(line[0])) else " "
        joined += blank + line
    return joined


def _may_part(before: str, after: str) -> bool:
    if before.isspace() or after.isspace():
        return not after.isspace()
    return (_is_wide(before) or _is_wide(after)) and after not in _CLOSING and before not in _OPENING


def _is_wide(sign: str) -> bool:
    return cell_len(sign) == 2
