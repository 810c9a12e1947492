"""Reads and writes dates and moments as people do, in the time zone of the office.

``2026-11-22``, ``2026/11/22``, ``20261122``, ``令和8年11月22日(日)``, ``R8.11.22``, ``today``, ``yesterday``,
``tomorrow``, ranges ``A..B`` (both days included), and moments: a day with a time after it, such as
``2026-11-22 10:30`` or ``2026年11月22日午前10時半``. Raises WrongUsage with examples for what cannot be read,
and with what was written for more than one date where one belongs.

The patterns are texts, which `re` compiles when they are used first: most commands use one, if any.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from callrec.errors import WrongUsage
from callrec.language import translated
from callrec.texts import is_too_long, narrow, on_one_line, with_digits, with_hyphens
from callrec.times_of_day import TIME, seconds_of

# First day and name of each era, the newest first (Meiji adopted this calendar in its sixth year).
_ERAS = (
    ("r", "令和", date(2019, 5, 1)),
    ("h", "平成", date(1989, 1, 8)),
    ("s", "昭和", date(1926, 12, 25)),
    ("t", "大正", date(1912, 7, 30)),
    ("m", "明治", date(1873, 1, 1)),
)
_NAMED_DAYS = {"today": 0, "今日": 0, "本日": 0, "yesterday": -1, "昨日": -1, "tomorrow": 1, "明日": 1}
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_JAPANESE_WEEKDAYS = "月火水木金土日"
_WEEKDAY = (
    "[月火水木金土日](?:曜日?)?|mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?"
    "|sat(?:urday)?|sun(?:day)?"
)
# From 1000 to 2999: at both ends of the calendar a day in another zone, or the next one, does not exist.
_YEAR = "(?:[12][0-9]{3}|(?:令和|平成|昭和|大正|明治|[rhstm])(?:元|[0-9]{1,2}))"
_DATE = (
    rf"(?:(?P<year>{_YEAR})(?:年(?P<month>[0-9]{{1,2}})月(?P<day>[0-9]{{1,2}})日?"
    r"|(?P<sign>[-/.])(?P<month_>[0-9]{1,2})[-/.](?P<day_>[0-9]{1,2}))"
    r"|(?P<compact>[12][0-9]{7}))"
    rf"(?:\((?P<weekday>{_WEEKDAY})\)|[\s,]?(?P<weekday_>{_WEEKDAY}))?"
)
_REST_OF_DATE = (
    rf"(?:(?P<month>[0-9]{{1,2}})[-/.月])?(?P<day>[0-9]{{1,2}})日?(?:\(?(?P<weekday>{_WEEKDAY})\)?)?"
)
_ANY_DATE = r"(?:[0-9]{1,4}|元)[-/.年]\s*[0-9]{1,2}\s*[-/.月]\s*[0-9]{1,2}|\b[0-9]{8}\b"
_TO = r"\.{2,}|[~\u02dc\u2053\u223c\u223e\u301c\u3030→]|->|から|より|\bto\b"
_MOMENT = rf"(?s)(?P<day>.*?)(?:[t\s,]*)(?P<time>{TIME})"


def parse_date(text: str, today: date) -> date:
    """Returns the day `text` means. Raises WrongUsage with examples when it means none."""
    found = _day(_plain(text), today)
    if found is None:
        raise _no_date(text)
    return found


def parse_range(text: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Returns the half-open span of time in UTC of a day or of a range ``A..B`` of days, both included."""
    start, end = _days(text, now.astimezone(zone).date())
    if end < start:
        raise WrongUsage(
            "the range {text} ends before it begins: write the earlier day first", text=on_one_line(text)
        )
    return midnight(start, zone), midnight(end + timedelta(days=1), zone)


def parse_moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Returns the moment in UTC of a day (its beginning), of ``2026-11-22 10:30``, of a time of today, or of
    ``now``.

    ISO 8601 with an offset is taken as it stands.
    """
    plain = _plain(text)
    if plain in ("now", "今"):
        return now.astimezone(UTC)
    exact = _with_offset(with_hyphens(narrow(text)))
    if exact:
        return exact
    today = now.astimezone(zone).date()
    match = re.fullmatch(_MOMENT, plain)
    if not match:
        return midnight(parse_date(text, today), zone)
    day = _day(match["day"], today) if match["day"].strip() else today
    if day is None:
        raise _no_date(text)
    seconds = seconds_of(match["time"])
    if seconds is None:
        raise WrongUsage("{text} is not a time: write 2026-11-22 10:30", text=on_one_line(text))
    days, rest = divmod(seconds, 86400)  # 24:00 is the beginning of the next day
    clock_time = time(rest // 3600, rest // 60 % 60, rest % 60)
    return datetime.combine(day + timedelta(days=days), clock_time, zone).astimezone(UTC)


def parse_end(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Returns the end, in UTC, of what holds until a day, which is included, or until a moment."""
    day = _day(_plain(text), now.astimezone(zone).date())
    return parse_moment(text, zone, now) if day is None else midnight(day + timedelta(days=1), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Returns the beginning of `day` in `zone`, as UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def spoken(moment: datetime, zone: ZoneInfo) -> str:
    """Returns a moment for people: ``2026-11-22 14:03:05``, in the zone."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def in_era(day: date) -> str:
    """Returns a day as offices write it: ``令和8年11月28日``; the first year of an era is 元年."""
    index, name = next((i, name) for i, (_, name, begins) in enumerate(_ERAS) if begins <= day)
    year = day.year - _origin(index) + 1
    return f"{name}{'元' if year == 1 else year}年{day.month}月{day.day}日"


def _plain(text: str) -> str:
    """Returns a text with narrow signs, small letters, digits for numerals, and blanks only between digits or
    letters."""
    if is_too_long(text):
        return ""
    plain = with_digits(with_hyphens(narrow(text)).lower())
    return re.sub(r"(?<![0-9a-z])\s+|\s+(?![0-9a-z])", "", plain)


def _days(text: str, today: date) -> tuple[date, date]:
    """Returns the first and the last day of a range, or of one day. Raises WrongUsage."""
    whole = _plain(text)
    plain = whole.removesuffix("まで")
    parts = [part.strip() for part in re.split(_TO, plain)]
    if len(parts) == 2 and all(parts):
        start = parse_date(parts[0], today)
        end = _rest(parts[1], start) or _day(parts[1], today)
        if end is None:
            raise _no_date(text if re.fullmatch(_REST_OF_DATE, parts[1]) else parts[1])
        return start, end
    if len(parts) == 1 and plain == whole:
        found = _day(plain, today) or _around_hyphen(plain, today)
        if found is None:
            raise _no_date(text)
        return found if isinstance(found, tuple) else (found, found)
    if len(parts) > 2 and all(parts):
        raise _several(text)
    raise WrongUsage("the range {text} lacks a day: write both, A..B", text=on_one_line(text))


def _around_hyphen(plain: str, today: date) -> tuple[date, date] | None:
    """Returns the days of 2026/11/20-2026/11/22; None where no hyphen stands between two days."""
    for place in (found.start() for found in re.finditer("-", plain)):
        first = _day(plain[:place].strip(), today)
        last = _day(plain[place + 1 :].strip(), today) if first else None
        if first and last:
            return first, last
    return None


def _day(plain: str, today: date) -> date | None:
    """Returns the day that a plain text means; None where it is none. Raises WrongUsage for a weekday that is
    another."""
    named = _NAMED_DAYS.get(plain)
    if named is not None:
        return today + timedelta(days=named)
    match = re.fullmatch(_DATE, plain)
    if not match:
        return None
    compact = match["compact"]
    parts = (
        (compact[:4], compact[4:6], compact[6:])
        if compact
        else (match["year"], match["month"] or match["month_"], match["day"] or match["day_"])
    )
    day = _of_year(parts[0], int(parts[1]), int(parts[2]))
    return day and _checked(day, match["weekday"] or match["weekday_"], plain)


def _rest(plain: str, start: date) -> date | None:
    """Returns the day of 11/25, 25日 or 25, as it ends a range that names its year before; None where it is
    none."""
    match = re.fullmatch(_REST_OF_DATE, plain)
    if not match:
        return None
    try:
        day = start.replace(month=int(match["month"] or start.month), day=int(match["day"]))
    except ValueError:
        return None
    return _checked(day, match["weekday"], plain)


def _checked(day: date, weekday: str | None, plain: str) -> date:
    """Returns the day. Raises WrongUsage where the weekday that is written with it is another's."""
    if weekday:
        right = _WEEKDAYS[day.weekday()]
        wrong = (
            _WEEKDAYS[_JAPANESE_WEEKDAYS.index(weekday[0])]
            if weekday[0] in _JAPANESE_WEEKDAYS
            else weekday[:3].capitalize()
        )
        if wrong != right:
            raise WrongUsage(
                "{text} cannot be: {day} is {right}, not {wrong}",
                text=plain,
                day=day,
                right=translated(right),
                wrong=translated(wrong),
            )
    return day


def _of_year(year: str, month: int, day: int) -> date | None:
    """Returns a day of 2026, 令和8 or r8; None where it does not exist.

    A year after an era's end is none rather than counted on: 平成32年 was never written.
    """
    try:
        if year.isdigit():
            return date(int(year), month, day)
        index = next(i for i, names in enumerate(_ERAS) if year.startswith(names[:2]))
        letter, name, begins = _ERAS[index]
        number = year.removeprefix(name).removeprefix(letter).replace("元", "1")
        found = date(_origin(index) + int(number) - 1, month, day)
    except ValueError:
        return None
    ends = _ERAS[index - 1][2] if index else date.max
    return found if int(number) and begins <= found < ends else None


def _origin(index: int) -> int:
    """Returns the year that is the first of an era."""
    return 1868 if index == len(_ERAS) - 1 else _ERAS[index][2].year


def check_moment(moment: datetime) -> None:
    """Raises WrongUsage for a moment that nobody can have written as a date: without a zone, or so far away
    that other zones have no such year."""
    if moment.tzinfo is None or not 999 <= moment.year <= 3000:
        raise _no_date(f"{moment:%Y-%m-%d}")


def _with_offset(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    is_span = "T" not in text.upper() and "-" in text[10:]  # 2026-11-22 10:30-11:30
    usable = found.tzinfo and 1000 <= found.year < 3000 and not is_span
    return found.astimezone(UTC) if usable else None


def _no_date(text: str) -> WrongUsage:
    if len(re.findall(_ANY_DATE, _plain(text))) > 1:
        return _several(text)
    plain = _plain(text)
    if len(re.findall(TIME, plain)) > 1 and not re.search("[0-9]t[0-9]", plain):  # of ISO, one is an offset
        return WrongUsage(
            "{text} is more than one time: write one, such as 2026-11-22 10:30", text=on_one_line(text)
        )
    return WrongUsage(
        "{text} is not a date: write 2026-11-22, 2026/11/22, 令和8年11月22日, R8.11.22, "
        "today, yesterday, tomorrow or a range A..B",
        text=on_one_line(text),
    )


def _several(text: str) -> WrongUsage:
    return WrongUsage(
        "{text} is more than one date: write one, or a range A..B where days are searched",
        text=on_one_line(text),
    )
