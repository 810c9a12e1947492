"""Japanese public holidays, with their substitutes. Known from 1949 to 2099."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays

_NAMES = {
    "ja": holidays.country_holidays("JP", language="ja"),
    "en": holidays.country_holidays("JP", language="en_US"),
}


@lru_cache(maxsize=4096)
def is_holiday(day: date) -> bool:
    return day in _NAMES["ja"]


def name(day: date, language: str) -> str | None:
    """What the holiday is called in `language` (ja or en); None for no holiday."""
    found: str | None = _NAMES[language].get(day)
    return found
