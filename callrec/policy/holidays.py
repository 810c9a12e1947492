"""Japanese public holidays, with their substitutes, from 1949 to 2099 (decision 10).

They come from the library `holidays`. The days on which an office is closed besides are hours of a rule.
"""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

_LANGUAGES = {"ja": "ja", "en": "en_US"}


@lru_cache(maxsize=4096)
def is_holiday(day: date) -> bool:
    """Tells whether a day is a public holiday in Japan; False where that is not known."""
    return day in _calendar("ja")


def name(day: date, language: str) -> str | None:
    """Returns what the holiday is called in `language` (ja or en); None for no holiday."""
    found: str | None = _calendar(language).get(day)
    return found


@cache
def _calendar(language: str) -> HolidayBase:
    # Made when it is first asked for: most commands have nothing to do with holidays.
    import holidays

    return holidays.country_holidays("JP", language=_LANGUAGES[language])
