"""Makes every sign of a text one that people see: what a name or a server's words hold is never obeyed.

A terminal obeys ESC and its brothers, puts a text after U+202E backwards, and shows nothing for U+200B.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

_OBEYED_OR_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of Unicode: controls (line breaks and tabs too), formats (bidi, joiners), halves of pairs, and
separators of lines and paragraphs."""
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Signs that count as letters or marks, and look like nothing."""


class _Escapes(dict[int, str]):
    """What stands for a sign, by its code point; found out when it is asked for first."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        hidden = unicodedata.category(sign) in _OBEYED_OR_UNSEEN or sign in _BLANK
        self[code] = sign.encode("unicode_escape").decode() if hidden else sign
        return self[code]


_ESCAPES = _Escapes()


def visible(value: object) -> str:
    r"""Returns a value as text on one line, hidden signs written as Python writes them: \x1b, \n, \u202e."""
    return str(value).translate(_ESCAPES)


def filled(template: str, values: Mapping[str, object]) -> str:
    """Returns a template with its fields filled. Its own line breaks stay, those of the values do not."""
    return template.format_map({name: visible(value) for name, value in values.items()})
