"""Reads and writes weekdays and hours as people write them: ``mon-fri 08:30-17:15, sat 09:00-12:00``.

A span is half-open (at 17:15 sharp it is over) and may go over midnight; then its weekday is the one on
which it began. Weekdays alone mean the whole day, hours alone every day. Weekdays come before their hours:
what ``08:30-17:15 sat`` means cannot be told (Saturday's hours, or every day's and all Saturday). Whether a
span holds at a moment is told in `conditions`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from callrec.errors import WrongUsage
from callrec.model.rules import Hours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_JAPANESE_DAYS = "月火水木金土日"
_EVERY_DAY = tuple(range(7))
_MIDNIGHT = 24 * 60
_DAY = rf"(?:{'|'.join(DAYS)})"
_TOKEN = re.compile(
    rf"(?P<day>{_DAY})(?:-(?P<last>{_DAY}))?"
    r"|(?P<hour>\d{1,2}):(?P<minute>\d{2})-(?P<to_hour>\d{1,2}):(?P<to_minute>\d{2})"
)
_SEPARATORS = re.compile(r"[\s,;、]+")


def parse_hours(text: str) -> tuple[Hours, ...]:
    """Returns the spans that `text` means. Raises WrongUsage with an example when it means none."""
    spans: list[Hours] = []
    days: list[int] = []
    used = False
    for token in _tokens(text):
        if token["day"]:
            if used and not days:
                raise WrongUsage(
                    "in {text} weekdays come after hours: write them before, such as mon-fri 08:30-17:15",
                    text=text,
                )
            if used:  # weekdays after hours begin the next group
                days, used = [], False
            days += _days(token)
            continue
        spans.append(Hours(tuple(sorted(set(days))) or _EVERY_DAY, *_span(token, text)))
        used = True
    if days and not used:
        spans.append(Hours(tuple(sorted(set(days))), 0, _MIDNIGHT))
    return tuple(sorted(set(spans), key=lambda span: (span.days, span.begin, span.end)))


def written(hours: tuple[Hours, ...]) -> str:
    """Writes the spans as `parse_hours` reads them; nothing for no condition."""
    if len(hours) == 1 and hours[0].days == _EVERY_DAY:
        return _written_span(hours[0])
    return ", ".join(f"{_written_days(span.days)} {_written_span(span)}" for span in hours)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    parts = [part for part in _SEPARATORS.split(_plain(text)) if part]
    for part in parts:
        match = _TOKEN.fullmatch(part)
        if match is None:
            raise _wrong(text)
        yield match
    if not parts:
        raise _wrong(text)


def _plain(text: str) -> str:
    """Returns the text with narrow signs, weekdays in English and hyphens without spaces."""
    plain = unicodedata.normalize("NFKC", text).lower()
    plain = re.sub(r"曜日?", "", plain).replace("平日", "mon-fri").replace("毎日", "mon-sun")
    for name, sign in zip(DAYS, _JAPANESE_DAYS, strict=True):
        plain = plain.replace(sign, f" {name} ")
    return re.sub(r"\s*[-~〜–—−ー]\s*", "-", plain)


def _days(token: re.Match[str]) -> list[int]:
    first = DAYS.index(token["day"])
    last = DAYS.index(token["last"] or token["day"])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _span(token: re.Match[str], text: str) -> tuple[int, int]:
    begin = _minutes(token["hour"], token["minute"])
    end = _minutes(token["to_hour"], token["to_minute"])
    if begin is None or end is None or begin == _MIDNIGHT:
        raise _wrong(text)
    if begin == end:
        raise WrongUsage(
            "the hours {text} begin and end at once: for the whole day write 00:00-24:00", text=text
        )
    return begin, end


def _minutes(hour: str, minute: str) -> int | None:
    """Returns the minutes after midnight; None where there is no such time."""
    total = int(hour) * 60 + int(minute)
    return total if int(minute) < 60 and total <= _MIDNIGHT else None


def _written_days(days: tuple[int, ...]) -> str:
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(DAYS[run[0]] + (f"-{DAYS[run[-1]]}" if len(run) > 1 else "") for run in runs)


def _written_span(span: Hours) -> str:
    return f"{span.begin // 60:02}:{span.begin % 60:02}-{span.end // 60:02}:{span.end % 60:02}"


def _wrong(text: str) -> WrongUsage:
    return WrongUsage("{text} are no hours: write for instance mon-fri 08:30-17:15, or sat,sun", text=text)
