"""Writes moments as the page of a package has them, in the language that is spoken."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from callrec.dates import in_era
from callrec.language import choose
from callrec.language import translated as _
from callrec.wording import WEEKDAYS


def day_and_time(at: datetime, zone: ZoneInfo) -> str:
    """Returns ``2026-11-22 (Sun) 10:00:02``, or 令和8年11月22日（日）10時00分02秒."""
    here = at.astimezone(zone)
    weekday = _(WEEKDAYS[here.weekday()])
    if choose() == "ja":
        return f"{in_era(here.date())}（{weekday}）{here.hour}時{here.minute:02}分{here.second:02}秒"
    return f"{here:%Y-%m-%d} ({weekday}) {here:%H:%M:%S}"


def time_only(at: datetime, zone: ZoneInfo) -> str:
    """Returns a time of a day that is named elsewhere, to the tenth of a second."""
    here = at.astimezone(zone)
    return f"{here:%H:%M:%S}.{here.microsecond // 100_000}"


def offset(seconds: float) -> str:
    """Returns a place in a recording to the tenth of a second: ``3:05.2``."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    begin = f"{hours}:{minutes:02}" if hours else str(minutes)
    return f"{begin}:{rest // 10:02}.{rest % 10}"
