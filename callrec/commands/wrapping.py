"""Wraps lines by what signs take on a terminal: Japanese ones two columns, and breaks between any two.

Words of other languages stay whole; no line begins with a sign that ends something, or ends with one that
begins something.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

_USUAL_WIDTH = 80
_CLOSING = "、。，．・：；？！）］｝」』】〉》〕ー々ゝゞっゃゅょァィゥェォッャュョぁぃぅぇぉ…‥" + ",.:;!?)]}"
_OPENING = "（［｛「『【〈《〔" + "([{"


def terminal_width() -> int:
    """Returns how many columns the terminal has, as COLUMNS or the terminal says; 80 where neither does.

    It is what shutil returns, which imports three kinds of compression first.
    """
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or _USUAL_WIDTH  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):  # there is no output, or it is none of the system's
        return _USUAL_WIDTH


def cell_len(text: str) -> int:
    """Returns how many columns of a terminal a text takes. Most is ASCII, which needs no tables of signs."""
    if text.isascii() and text.isprintable():
        return len(text)
    from rich import cells

    return cells.cell_len(text)


def wrapped(text: str, width: int) -> list[str]:
    """Returns the lines of a paragraph, none of them wider than `width` columns of a terminal."""
    lines = [""]
    for unit in _units(text):
        if lines[-1] and cell_len((lines[-1] + unit).rstrip()) > width:
            lines.append("")
        word = unit.rstrip()
        *full, rest = _chopped(word, width) if cell_len(word) > width else [word]
        lines[-1:] = [*full, (lines[-1] if not full else "") + rest + unit[len(word) :]]
    return [line.rstrip() for line in lines if line.strip()]


def longest_word(text: str) -> int:
    """Returns how many columns of a terminal the widest part of a paragraph takes that stays on one line."""
    return max(cell_len(unit.rstrip()) for unit in _units(text))


def _chopped(word: str, width: int) -> list[str]:
    from rich import cells

    return cells.chop_cells(word, width)


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
