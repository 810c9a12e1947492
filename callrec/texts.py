"""Reads text as people type and paste it: what looks alike is one sign, what nobody sees is none.

Numbers, dates, hours, names, codes and lists are all read through `narrow`; names are compared by
`name_key`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

HYPHENS = r"\-\u2010-\u2015\u2043\u2212\u2500-\u2503\u30fc"
"""All that is taken for a hyphen, as signs of a class of `re`."""
WAVES = r"~\u02dc\u2053\u223c\u223e\u301c\u3030"
_LIST = re.compile(r"[,;\u3001\n\r\v\f\x85\u2028\u2029]+")
_HYPHEN, _WAVE = re.compile(f"[{HYPHENS}]"), re.compile(f"[{WAVES}]")
_WORDS = re.compile(r"(?<=[0-9a-z])\s+(?=[0-9a-z])")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of signs that a name cannot have: controls, marks of direction, halves of pairs, what no font
has, breaks of lines and paragraphs."""
_VARIANT = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_LONGEST = 500
_LOST = "\ufffd"
_NUMERALS = re.compile("[〇零一二三四五六七八九十]+")
_DIGITS = {sign: digit for digit, sign in enumerate("〇一二三四五六七八九")} | {"零": 0}


def is_too_long(text: str) -> bool:
    """Tells whether a text is longer than a number, a date, hours or a length of time can be."""
    return len(text) > _LONGEST


def narrow(text: str) -> str:
    """Returns a text with narrow signs, composed, without those that nobody sees and blanks around.

    A digit in a circle or above the line is no digit of a number: 2101① is not 21011.
    """
    if text.isascii():
        return text.strip()
    whole = unicodedata.normalize("NFC", "".join(map(_narrow, text)))
    return "".join(sign for sign in whole if not _is_unseen_mark(sign)).strip()


def with_hyphens(text: str) -> str:
    """Returns a text in which all that is taken for a hyphen is one."""
    return _HYPHEN.sub("-", text)


def with_digits(text: str) -> str:
    """Returns a text with digits for numerals: 令和八年十一月 as 令和8年11月."""
    return _NUMERALS.sub(lambda found: _value(found[0]), text)


def items(texts: Iterable[str]) -> list[str]:
    """Returns what is in lists that people write, each once: commas, semicolons or lines are between them."""
    parts = (part.strip() for text in texts for part in _LIST.split(narrow(text)))
    return list(dict.fromkeys(part for part in parts if part))


@lru_cache(maxsize=4096)  # of a facility it is asked for each line of a table that names one
def name_key(name: str) -> str:
    """Returns what two names have in common that people read as one, whatever their width, case, blanks,
    dashes and composition."""
    seen = "".join(
        sign for sign in unicodedata.normalize("NFKC", name) if sign != "\0" and not _is_unseen_mark(sign)
    )
    alike = _WAVE.sub("~", with_hyphens(seen.casefold()))
    words = _WORDS.sub("\0", alike.strip())
    # A sound mark that stood apart joins its letter, once the blank that NFKC gives it is gone.
    joined = unicodedata.normalize("NFKC", "".join(words.split()))
    return joined.replace("\0", " ")


def same_name(one: str, other: str) -> bool:
    """Tells whether people read two names as one."""
    return name_key(one) == name_key(other)


def folded(text: str) -> str:
    """Returns a remark as a search compares it: what is read as one is one, whatever its width, case, blanks
    and dashes. A part of a text has a part of what this returns for the whole."""
    return name_key(text)


def unshown(text: str) -> str | None:
    """Returns the first sign that cannot be shown, as ``\\u202e``; None where all can."""
    for sign in text:
        if unicodedata.category(sign) in _UNSEEN or sign == _LOST:
            return sign.encode("unicode_escape").decode()
    return None


def on_one_line(text: str) -> str:
    """Returns a text as an error shows it: a cell of a table may have several lines, or be empty."""
    return " ".join(text.split()) or '""'


def _is_unseen_mark(sign: str) -> bool:
    """Tells of marks of direction, joiners, and selectors of a variant of the sign before."""
    return unicodedata.category(sign) == "Cf" or bool(_VARIANT.match(sign))


def _narrow(sign: str) -> str:
    return sign if unicodedata.category(sign) == "No" else unicodedata.normalize("NFKC", sign)


def _value(numerals: str) -> str:
    """Returns the digits of 二十二 (22), or of 二〇二六 (2026)."""
    if "十" not in numerals:
        return "".join(str(_DIGITS[sign]) for sign in numerals)
    tens, _, ones = numerals.partition("十")
    if len(tens) > 1 or len(ones) > 1:
        return numerals  # no number below a hundred
    return str((_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0))
