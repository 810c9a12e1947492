"""Reads and writes dates and durations as people do, in the time zone of the office.

``2026-11-22``, ``2026/11/22``, ``令和8年11月22日``, ``R8.11.22``, ``today``, ``yesterday``, ``tomorrow``,
ranges ``A..B`` (both days included), and moments: a day with a time after it, such as
``2026-11-22 10:30``. What cannot be read raises WrongUsage with examples.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from callrec.errors import WrongUsage

# First day and name of each era, the newest first (Meiji adopted this calendar in its sixth year).
_ERAS = (
    ("R", "令和", date(2019, 5, 1)),
    ("H", "平成", date(1989, 1, 8)),
    ("S", "昭和", date(1926, 12, 25)),
    ("T", "大正", date(1912, 7, 30)),
    ("M", "明治", date(1873, 1, 1)),
)
_NAMED_DAYS = {"today": 0, "今日": 0, "本日": 0, "yesterday": -1, "昨日": -1, "tomorrow": 1, "明日": 1}
# From 1000 to 2999: at both ends of the calendar a day in another zone, or the next one, does not exist.
_WESTERN = re.compile(r"([12]\d{3})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_JAPANESE = re.compile(
    r"(令和|平成|昭和|大正|明治|[RHSTM])(元|\d{1,2})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", re.I
)
_DURATION = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)(s|m|h|d|w|y)")
_TIME = re.compile(r"(.*?)[T ]?(\d{1,2}):(\d{2})(?::(\d{2}))?")
_CLOCK = re.compile(r"(?:\d+:)?(?:\d{1,2}:)?\d{1,2}(?:\.\d+)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365.25 * 86400}


def parse_date(text: str, today: date) -> date:
    """Returns the day `text` means. Raises WrongUsage with examples when it means none."""
    plain = unicodedata.normalize("NFKC", text).strip().replace(" ", "")
    named = _NAMED_DAYS.get(plain.lower())
    if named is not None:
        return today + timedelta(days=named)
    try:
        return _western(plain) or _japanese(plain) or _fail(text)
    except ValueError:
        return _fail(text)


def parse_range(text: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Returns the half-open span of time in UTC of a day or of a range ``A..B`` of days, both included."""
    today = now.astimezone(zone).date()
    first, dots, last = unicodedata.normalize("NFKC", text).partition("..")
    if dots and not (first.strip() and last.strip()):
        raise WrongUsage("the range {text} lacks a day: write both, A..B", text=text)
    start = parse_date(first, today)
    end = parse_date(last, today) if dots else start
    if end < start:
        raise WrongUsage("the range {text} ends before it begins: write the earlier day first", text=text)
    return midnight(start, zone), midnight(end + timedelta(days=1), zone)


def parse_moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Returns the moment in UTC of a day (its beginning), of ``2026-11-22 10:30``, of a time of today, or of
    ``now``.

    ISO 8601 with an offset is taken as it stands.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain.lower() in ("now", "今"):
        return now.astimezone(UTC)
    exact = _with_offset(plain)
    if exact:
        return exact
    match = _TIME.fullmatch(plain)
    today = now.astimezone(zone).date()
    if not match:
        return midnight(parse_date(text, today), zone)
    day = parse_date(match[1], today) if match[1].strip() else today
    try:
        clock_time = time(int(match[2]), int(match[3]), int(match[4] or 0))
    except ValueError as error:
        raise WrongUsage("{text} is not a time: write 2026-11-22 10:30", text=text) from error
    return datetime.combine(day, clock_time, zone).astimezone(UTC)


def parse_end(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Returns the end, in UTC, of what holds until a day, which is included, or until a moment."""
    try:
        day = parse_date(text, now.astimezone(zone).date())
    except WrongUsage:
        return parse_moment(text, zone, now)
    return midnight(day + timedelta(days=1), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Returns the beginning of `day` in `zone`, as UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def parse_duration(text: str) -> float:
    """Returns the seconds of ``30s``, ``5m``, ``1h``, ``90d``, ``2w`` or ``5y`` (a year is 365.25 days)."""
    match = _DURATION.fullmatch(unicodedata.normalize("NFKC", text).strip().lower())
    if not match:
        raise WrongUsage("{text} is not a duration: write 30s, 5m, 1h, 90d, 2w or 5y", text=text)
    return float(match[1]) * _SECONDS[match[2]]


def parse_seconds(text: str) -> int:
    """Returns the seconds of a duration. Raises WrongUsage where they are no whole number."""
    seconds = parse_duration(text)
    if seconds != int(seconds):
        raise WrongUsage("{text} is not a whole number of seconds: write 15s or 1m", text=text)
    return int(seconds)


def written_seconds(seconds: int) -> str:
    """Returns seconds as `parse_seconds` reads them: ``15s``."""
    return f"{seconds}s"


def parse_days(text: str) -> int:
    """Returns the days of a duration, rounded up: a retention is never shorter than it was written.

    Raises WrongUsage for less than a day.
    """
    days = -int(-parse_duration(text) // 86400)
    if days < 1:
        raise WrongUsage("{text} is less than a day: write 90d, 12w or 5y", text=text)
    return days


def parse_clip(text: str) -> tuple[float, float]:
    """Returns the seconds of both ends of ``03:10..05:00`` or ``1:02:03..1:03:00``."""
    first, dots, last = unicodedata.normalize("NFKC", text).partition("..")
    begin, end = _offset(first), _offset(last)
    if not dots or begin is None or end is None or end <= begin:
        raise WrongUsage("{text} is not a part of a recording: write 03:10..05:00", text=text)
    return begin, end


def _offset(text: str) -> float | None:
    if not _CLOCK.fullmatch(text.strip()):
        return None
    seconds = 0.0
    for part in text.strip().split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def spoken(moment: datetime, zone: ZoneInfo) -> str:
    """Returns a moment for people: ``2026-11-22 14:03:05``, in the zone."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def clock(seconds: float) -> str:
    """Returns a length for people: ``3:05`` or ``1:02:03``."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _with_offset(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo and 1000 <= found.year < 3000 else None


def _western(text: str) -> date | None:
    match = _WESTERN.fullmatch(text)
    return date(int(match[1]), int(match[2]), int(match[3])) if match else None


def _japanese(text: str) -> date | None:
    match = _JAPANESE.fullmatch(text)
    if not match:
        return None
    name, year = match[1].upper(), 1 if match[2] == "元" else int(match[2])
    index = next(i for i, (letter, era, _) in enumerate(_ERAS) if name in (letter, era))
    # A year after an era's end is refused rather than counted on: 平成32年 was never written.
    begins = _ERAS[index][2]
    ends = _ERAS[index - 1][2] if index else date.max
    origin = 1868 if index == len(_ERAS) - 1 else begins.year
    day = date(origin + year - 1, int(match[3]), int(match[4]))
    if year < 1 or not begins <= day < ends:
        raise ValueError(text)
    return day


def _fail(text: str) -> date:
    raise WrongUsage(
        "{text} is not a date: write 2026-11-22, 2026/11/22, 令和8年11月22日, R8.11.22, "
        "today, yesterday, tomorrow or a range A..B",
        text=text,
    )
