"""Keeps the cells of a CSV file from being formulas where a spreadsheet opens it.

One rule: a text that begins with = + - or @ (wide ones too, and after blanks or apostrophes) gets an
apostrophe before it: '+81312345678. Numbers are no texts: -5 stays. `plain` takes away what `safe` put there.
"""

from __future__ import annotations

import unicodedata

_BEGIN = "=+-@"


def safe(text: str) -> str:
    """Returns a text as a cell that no spreadsheet takes for a formula, or for a number without its +."""
    return f"'{text}" if _is_formula(text) else text


def plain(cell: str) -> str:
    """Returns the text of which `safe` made this cell."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def _is_formula(text: str) -> bool:
    first = unicodedata.normalize("NFKC", text.lstrip("'").lstrip()[:1])
    return first != "" and first in _BEGIN
