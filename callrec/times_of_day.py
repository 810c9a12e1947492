"""Reads times of day as people write them: ``08:30``, ``8時半``, ``午後5時15分``, ``5:15 pm``.

What a time is, is said here for moments and for the hours of rules. 午前12時 and 午後12時 mean noon to some
and midnight to others, and are none.
"""

from __future__ import annotations

import re

_CLOCK = r"[0-9]{1,2}(?::[0-9]{2}(?::[0-9]{2})?|時(?:半|[0-9]{1,2}(?:分(?:[0-9]{1,2}秒)?)?)?)"
TIME = rf"(?:(?:午前|午後|am|pm)\s*)?{_CLOCK}(?:\s*(?:am|pm|a\.m\.|p\.m\.))?|正午"
"""A pattern that finds a time of day in lower-case text that `callrec.texts` has made narrow."""
_PARTS = re.compile(
    r"(?P<first>午前|午後|am|pm)?\s*(?P<hour>[0-9]{1,2})[:時](?:(?P<half>半)|(?P<minute>[0-9]{1,2})分?"
    r"(?::?(?P<second>[0-9]{1,2})秒?)?)?\s*(?P<last>[ap]\.?m\.?)?"
)
_AFTERNOON = {"午前": False, "午後": True, "am": False, "pm": True}
_DAY = 24 * 3600


def seconds_of(text: str) -> int | None:
    """Returns the seconds after midnight of a text that fits TIME; None where there is no such time.

    24:00 is the end of the day.
    """
    found = _PARTS.fullmatch("12:00" if text == "正午" else text)
    if not found or (found["first"] and found["last"]):
        return None
    hour = _hour(int(found["hour"]), found["first"] or (found["last"] or "").replace(".", ""))
    minute = 30 if found["half"] else int(found["minute"] or 0)
    second = int(found["second"] or 0)
    if hour is None or minute > 59 or second > 59:
        return None
    seconds = hour * 3600 + minute * 60 + second
    return seconds if seconds <= _DAY else None


def has_half(text: str) -> bool:
    """Tells whether a time says in which half of the day it is: by 午前 or pm, or by its digits (08:30)."""
    return bool(re.search("[ap]\\.?m|午|^(?:0|1[2-9]|2[0-4])", text))


def _hour(hour: int, half: str) -> int | None:
    if not half:
        return hour
    if hour > 12 or (hour == 12 and half.startswith("午")):
        return None
    return hour % 12 + (12 if _AFTERNOON[half] else 0)
