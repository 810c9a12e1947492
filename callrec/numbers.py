"""Makes telephone numbers comparable, however people, phones and networks write them.

`normalise` is the only place where a number becomes one that is compared, whatever it comes from: the gate, a
channel, the fallback's journal, a rule, a search. The type `Number` holds everybody to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NewType
from urllib.parse import unquote

from callrec.errors import WrongUsage
from callrec.texts import HYPHENS, WAVES, is_too_long, narrow, on_one_line

Number = NewType("Number", str)
"""A number that can be compared with another: made by `normalise`, or of an extension's by `of_extension`."""

REGION = "JP"
_SIGNS = rf"\s().\[\]\u3014\u3015\u4e00{HYPHENS}"
"""What stands between the digits of one number: spaces, brackets, and all that is taken for a hyphen."""
_GROUPING = re.compile(f"[{_SIGNS}]+")
_ONE = re.compile(f"[0-9+*#](?:[{_SIGNS}]*[0-9+*#])*")
_WORDS = "から|より|まで|及び|および|又は|または|ないし|と|か|内線|内|to|and|or|ext|extension|x"
_BETWEEN = re.compile(
    rf"(?:[,;/|&_→•·\n\r\v\f\x85\u2028\u2029\u3001\u30fb{WAVES}]|\.\.|\s*(?:{_WORDS})\.?(?![a-z])\s*)+"
)
"""What stands between two numbers."""
_HOST_OR_PARAMETER = re.compile(r"[;@?>]")
_PARAMETERS = r"(?:;npdi|;[a-z-]+=[^;@]*)*"
_URI = re.compile(f"(?:tel:)?([^;@]*){_PARAMETERS}|sips?:([^;@]*){_PARAMETERS}(?:@.*)?", re.IGNORECASE)
_DIALLED = re.compile(r"\+?[0-9*#]{1,32}")
_NO_COUNTRY = re.compile(r"^\++(?=[0+])")
_WITHHOLDING = ("*31#", "#31#", "184", "186")
"""Dialled before a number, so that the caller's is withheld or shown."""
_WITHHOLDS = re.compile(r"^18[46](?=0)")
_INTERNATIONAL = re.compile(r"^(?:00(?!39)[0-9]{1,4})?010(?=[1-9])")
"""What is dialled in Japan before a country's code, with or without that of a carrier. 0039010 is Genoa."""
_SERVICE = re.compile(r"1(?:0[024]|1[0-9]|36|4[0-9]|71|77|8[89])|#[0-9]{4}")
"""Numbers of services, such as 110, 119, 117, #7119."""
_ABROAD = re.compile(r"^00(?=[1-9])|^(?=[1-9][0-9]{10})")
"""How networks abroad write a country's code: after 00, or after nothing."""
_OF_A_CARRIER = "+8100"
_FIRST_SIGNS = ("0", "+")
_LONGEST, _LONGEST_ABROAD = 11, 16
"""Signs of a number in Japan, and of one with ``+``."""


def plain(text: str) -> str:
    """Returns the first number in a text or URI with narrow signs: only digits, ``+``, ``*`` and ``#``.

    The host and the parameters of a URI (``;phone-context=+81``) are no part of it.
    """
    user = _HOST_OR_PARAMETER.split(narrow(unquote(text)).rpartition("<")[2])[0]
    found = _ONE.search(user)
    return _GROUPING.sub("", found[0]) if found else ""


def normalise(text: str | None, prefixes: Collection[str] = ()) -> Number | None:
    """Returns a number in E.164 (``+81312345678``) where it is a valid one, else its plain digits.

    Extensions and service numbers stay as they are: 201 is not +81201. `prefixes` are those for a line to the
    outside, which staff dial: one is cut only where a number that can be called is left, and the whole is
    none. So are 184 and 186, before and after it. None for no number.
    """
    digits = _NO_COUNTRY.sub("", plain(text or ""))
    if not digits:
        return None
    return Number(_called(digits, prefixes) or _WITHHOLDS.sub("", digits))


def of_extension(number: str) -> Number:
    """Returns the number of an extension: it is comparable as it is, also where it could be one outside."""
    return Number(number)


def as_people_write(number: str) -> str:
    """Returns a number in E.164 as it is written in Japan: 090-1234-5678; others stay."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_valid_number(parsed):
        return number
    home = parsed.country_code == phonenumbers.country_code_for_region(REGION)
    kinds = phonenumbers.PhoneNumberFormat
    shown: str = phonenumbers.format_number(parsed, kinds.NATIONAL if home else kinds.INTERNATIONAL)
    return shown


def is_in_use(number: Number) -> bool:
    """Tells whether a number is that of a line or a service, as far as is known: 03-1234-56789 is none."""
    return _called(number) is not None


def dialled(text: str) -> str | None:
    """Returns a number as people write it, such as 2101, ``*8`` or 03-1234-5678, with narrow signs and
    without hyphens, brackets and spaces. None where anything else is in it: 21o1 is not 211.

    Raises WrongUsage where there are several: they would become one long number.
    """
    if is_too_long(text):
        return None
    plain_text = narrow(text)
    if _is_several(plain_text.lower()):
        raise WrongUsage(
            "{text} is more than one number, or a wrong one: write one number", text=on_one_line(text)
        )
    uri = _URI.fullmatch(plain_text)
    digits = _GROUPING.sub("", uri[1] or uri[2] or "") if uri else ""
    return digits if _DIALLED.fullmatch(digits) else None


def _called(digits: str, prefixes: Collection[str] = ()) -> str | None:
    """Returns what is called with these digits, in E.164, or a service's number; None where nothing is."""
    cuts = tuple(sorted({*_WITHHOLDING, *prefixes}, key=lambda each: (-len(each), each)))
    ends = dict.fromkeys((digits, digits.rstrip("#")))  # some phones are told by # that a number is whole
    readings = [each for end in ends for each in _readings(end, cuts)]
    for read in (_in_japan, _of_carrier_or_abroad):
        for each in readings:
            # what is left of a number is not guessed to lack its zero
            whole = each in ends or each.startswith(_FIRST_SIGNS) or _SERVICE.fullmatch(each)
            if whole and (found := read(each)):
                return found
    return None


def _readings(digits: str, cuts: tuple[str, ...]) -> Iterator[str]:
    """Yields the digits, and what is left of them without one or more of `cuts`, each cut once at most."""
    yield digits
    for cut in cuts:
        if digits.startswith(cut):
            yield from _readings(digits[len(cut) :], tuple(each for each in cuts if each != cut))


def _in_japan(digits: str) -> str | None:
    """Returns the number that these digits mean where they are dialled in Japan."""
    if _SERVICE.fullmatch(digits):
        return digits
    found = _e164(_INTERNATIONAL.sub("+", digits)) or _e164(digits)
    return None if found and found.startswith(_OF_A_CARRIER) else found


def _of_carrier_or_abroad(digits: str) -> str | None:
    """Returns the number of a carrier (0066…) that these digits are, or that they mean where a network abroad
    has presented them. Dialled with a prefix 0, they are rather Osaka's 06-6….
    """
    return _e164(digits) or (_e164(_ABROAD.sub("+", digits)) if _ABROAD.match(digits) else None)


@lru_cache(maxsize=65536)
def _e164(digits: str) -> str | None:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(digits, REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _is_several(text: str) -> bool:
    """Tells whether a text has more than one number in it. Grouping inside one, as 03 1234 5678, is none."""
    apart = [_GROUPING.sub("", each) for each in _BETWEEN.split(text)]
    if len([each for each in apart if _DIALLED.fullmatch(each)]) > 1:
        return True
    groups = [each for each in _GROUPING.split(text) if each]
    digits = "".join(groups)
    begins_whole = _WITHHOLDS.sub("", digits).startswith(_FIRST_SIGNS)
    if not _DIALLED.fullmatch(digits) or (begins_whole and _called(digits)):
        return False
    return _is_list(groups) or _is_too_long(text, digits) or _is_glued(digits, groups)


def _is_list(groups: list[str]) -> bool:
    """Tells whether groups are those of 2101-2102, or of 2101-05, which says the same.

    A number of the inside is grouped as 8-2101 or 21-01, if at all; one of the outside has its 0 or + before.
    """
    alike = len(set(map(len, groups))) == 1
    outside = groups[0].startswith(_FIRST_SIGNS)
    return len(groups) > 1 and len(groups[0]) > 2 and (alike or not outside)


def _is_too_long(text: str, digits: str) -> bool:
    """Tells whether digits with spaces between them are too many for one number; an extension has none."""
    most = {"0": _LONGEST, "+": _LONGEST_ABROAD}.get(digits[0], 0)
    return len(text.split()) > 1 and len(digits) > most


def _is_glued(digits: str, groups: list[str]) -> bool:
    """Tells whether a whole number ends where a group does, or where another whole one begins."""
    ends = {sum(map(len, groups[:count])) for count in range(1, len(groups))}
    return any(
        _is_whole(digits[:end]) and (end in ends or _is_whole(digits[end:])) for end in range(1, len(digits))
    )


def _is_whole(digits: str) -> bool:
    return digits.startswith(_FIRST_SIGNS) and bool(_in_japan(digits))


def read_number(text: str, *, outside: bool) -> Number:
    """Returns a number as rules and calls have it; those outside as +81312345678.

    Raises WrongUsage where it is none, or more than one.
    """
    digits = dialled(text)
    plain = normalise(digits) if outside or not digits else of_extension(digits)
    if plain is None:
        raise WrongUsage(
            "{text} is no number: write digits, such as 2101 or 03-1234-5678", text=on_one_line(text)
        )
    return plain
