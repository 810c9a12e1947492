"""Japanese public holidays, with their substitutes. Known from 1949 to 2099."""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache

import holidays

_LANGUAGES = {"ja": "ja", "en": "en_US"}


@lru_cache(maxsize=4096)
def is_holiday(day: date) -> bool:
    return day in _calendar("ja")


def name(day: date, language: str) -> str | None:
    """What the holiday is called in `language` (ja or en); None for no holiday."""
    found: str | None = _calendar(language).get(day)
    return found


@cache
def _calendar(language: str) -> holidays.HolidayBase:
    # Made when it is first asked for: most commands have nothing to do with holidays.
    return holidays.country_holidays("JP", language=_LANGUAGES[language])
