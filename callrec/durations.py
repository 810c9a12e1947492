"""Reads and writes lengths of time as people do: ``30s``, ``90日``, ``3か月``, ``5y``; and parts of a
recording.

The patterns are texts, which `re` compiles when they are used first: most commands use none.
"""

from __future__ import annotations

import math
import re

from callrec.errors import WrongUsage
from callrec.texts import is_too_long, narrow, on_one_line, with_digits

_AMOUNT = r"([0-9]{1,15}(?:\.[0-9]{1,15})?)"
_UNITS = {
    1: "s|秒間?",
    60: "m|分間?",
    3600: "h|時間",
    86400: "d|日間?",
    7 * 86400: "w|週間?",
    31_557_600: "y|年間?",  # 365.25 days
}
_MONTHS = r"[かカヵヶケ箇個]月間?"
_MONTH = rf"([0-9]{{1,6}})\s*{_MONTHS}"
_DAYS_OF_MONTHS = (0, 31, 62, 92, 123, 153, 184, 215, 245, 276, 306, 337)
"""The longest that so many months in a row can be: a retention is never shorter than it was written."""
_READERS = {seconds: rf"{_AMOUNT}\s*(?:{units})" for seconds, units in _UNITS.items()}
_ALL_UNITS = "|".join([*_UNITS.values(), _MONTHS])
_SEVERAL = rf"{_AMOUNT}\s*(?:{_ALL_UNITS})(?![0-9a-z])"
_TO = r"\.{2,}|[~〜]|から"
_POSITION = r"(?:[0-9]{1,9}:)?(?:[0-9]{1,2}:)?[0-9]{1,2}(?:\.[0-9]{1,9})?"
_IN_WORDS = r"(?:([0-9]{1,9})時間)?(?:([0-9]{1,9})分)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)秒)?"


def parse_duration(text: str) -> float:
    """Returns the seconds of ``30s``, ``5m``, ``1h``, ``90d``, ``2w``, ``3か月`` or ``5y`` (a year is 365.25
    days, and months are as long as that many in a row can be).

    Raises WrongUsage for what is none, or more than one.
    """
    plain = "" if is_too_long(text) else with_digits(narrow(text).lower())
    for seconds, reader in _READERS.items():
        if found := re.fullmatch(reader, plain):
            return float(found[1]) * seconds
    if found := re.fullmatch(_MONTH, plain):
        return _days_of_months(int(found[1])) * 86400.0
    if len(re.findall(_SEVERAL, plain)) > 1:
        raise WrongUsage(
            "{text} is more than one duration: write one, such as 30s or 90d", text=on_one_line(text)
        )
    raise WrongUsage("{text} is not a duration: write 30s, 5m, 1h, 90d, 2w or 5y", text=on_one_line(text))


def parse_seconds(text: str) -> int:
    """Returns the seconds of a duration. Raises WrongUsage where they are no whole number."""
    seconds = parse_duration(text)
    if seconds != int(seconds):
        raise WrongUsage("{text} is not a whole number of seconds: write 15s or 1m", text=on_one_line(text))
    return int(seconds)


def written_seconds(seconds: int) -> str:
    """Returns seconds as `parse_seconds` reads them: ``15s``."""
    return f"{seconds}s"


def parse_days(text: str) -> int:
    """Returns the days of a duration, rounded up: a retention is never shorter than it was written.

    Raises WrongUsage for less than a day.
    """
    seconds = parse_duration(text)
    if seconds < 86400:  # 6m was rather meant as six months: a single day would be far too short
        raise WrongUsage("{text} is less than a day: write 90d, 12w or 5y", text=on_one_line(text))
    return -int(-seconds // 86400)


def whole_years(days: int) -> int:
    """Returns how many years days are, as `parse_days` reads years: 366 are one. 0 where they are none."""
    years = int(days // 365.25)
    return years if math.ceil(years * 365.25) == days else 0


def parse_clip(text: str) -> tuple[float, float]:
    """Returns the seconds of both ends of ``03:10..05:00`` or ``1:02:03..1:03:00``."""
    parts = [] if is_too_long(text) else re.split(_TO, narrow(text).removesuffix("まで"))
    ends = [_offset(each) for each in parts]
    if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[1] <= ends[0]:
        raise WrongUsage("{text} is not a part of a recording: write 03:10..05:00", text=on_one_line(text))
    return ends[0], ends[1]


def parse_position(text: str) -> float:
    """Returns the seconds of a place in a recording: ``03:10``, ``1:02:03``, 3分10秒."""
    seconds = None if is_too_long(text) else _offset(narrow(text).removesuffix("から"))
    if seconds is None:
        raise WrongUsage("{text} is no place in a recording: write 03:10", text=on_one_line(text))
    return seconds


def clock(seconds: float) -> str:
    """Returns a length for people: ``3:05`` or ``1:02:03``."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _days_of_months(months: int) -> int:
    return math.ceil(months // 12 * 365.25) + _DAYS_OF_MONTHS[months % 12]


def _offset(text: str) -> float | None:
    """Returns the seconds of ``3:10`` or 3分10秒; None where it is neither."""
    plain = text.strip()
    words = re.fullmatch(_IN_WORDS, plain)
    if plain and words:
        return sum(float(part or 0) * unit for part, unit in zip(words.groups(), (3600, 60, 1), strict=True))
    if not re.fullmatch(_POSITION, plain):
        return None
    seconds = 0.0
    for part in plain.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds
