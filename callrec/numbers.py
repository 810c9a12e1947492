"""Makes telephone numbers comparable, however people and networks write them."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

REGION = "JP"
_BARE = re.compile(r"[^0-9+*#]")
_CALLER_ID_PREFIX = re.compile(r"^18[46](?=0)")  # 184/186: withhold or show the caller's number
_GROUPING = re.compile(r"[\s().\-\u2010-\u2015\u2212\u30fc]+")
_DIALLED = re.compile(r"^\+?[0-9*#]{1,32}$")


def plain(text: str) -> str:
    """Returns a number with narrow signs, and nothing in it but digits, ``+``, ``*`` and ``#``."""
    return _BARE.sub("", unicodedata.normalize("NFKC", text))


def normalise(text: str | None) -> str | None:
    """Returns a number in E.164 (``+81312345678``) where it is a valid one, else its plain digits.

    Extensions and service numbers stay as they are: 201 is not +81201. None for no number.
    """
    digits = _CALLER_ID_PREFIX.sub("", plain(text or ""))
    if not digits:
        return None
    try:
        parsed = phonenumbers.parse(digits, REGION)
    except phonenumbers.NumberParseException:
        return digits
    if not phonenumbers.is_valid_number(parsed):
        return digits
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def dialled(text: str) -> str | None:
    """Returns a number that can be dialled, such as 2101, ``*8`` or 03-1234-5678, with narrow signs and
    without hyphens, brackets and spaces. None where anything else is in it: 21o1 is not 211."""
    narrow = _GROUPING.sub("", unicodedata.normalize("NFKC", text))
    return narrow if _DIALLED.match(narrow) else None
