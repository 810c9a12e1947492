"""Reads and writes weekdays and hours as people write them: ``mon-fri 08:30-17:15, sat 09:00-12:00``,
``平日8時半～17時15分``, ``月・水・金 8:30-17:15``.

A span is half-open (at 17:15 sharp it is over) and may go over midnight; then its weekday is the one on
which it began. Weekdays alone mean the whole day, hours alone every day. Weekdays come before their hours:
what ``08:30-17:15 sat`` means cannot be told (Saturday's hours, or every day's and all Saturday), nor what
午後1時～5時 and 9時～5時 do. Whether a span holds at a moment is told in `conditions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from callrec.errors import WrongUsage
from callrec.model.rules import Hours
from callrec.texts import HYPHENS, WAVES, is_too_long, narrow, on_one_line, with_digits
from callrec.times_of_day import TIME, has_half, seconds_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_JAPANESE_DAYS = "月火水木金土日"
_EVERY_DAY = tuple(range(7))
_MIDNIGHT = 24 * 60
_SEVERAL_DAYS = {
    "平日": (0, 1, 2, 3, 4),
    "weekdays": (0, 1, 2, 3, 4),
    "週末": (5, 6),
    "weekends": (5, 6),
    "毎日": _EVERY_DAY,
    "daily": _EVERY_DAY,
}
_DAY = (
    "[月火水木金土日](?:曜日?)?|mon(?:days?)?|tue(?:s(?:days?)?)?|wed(?:nesdays?)?|thu(?:rs?(?:days?)?)?"
    "|fri(?:days?)?|sat(?:urdays?)?|sun(?:days?)?"
)
_TO = rf"\s*(?:[{HYPHENS}{WAVES}]|から|より|\bto\b)\s*"
_TOKEN = re.compile(
    rf"(?P<days>{'|'.join(_SEVERAL_DAYS)})|(?P<begin>{TIME}){_TO}(?P<next>翌日?)?(?P<end>{TIME})(?:まで)?"
    rf"|(?P<day>{_DAY})(?:{_TO}(?P<last>{_DAY})(?:まで)?)?"
)
_GOES_ON = re.compile(rf"\s*[{HYPHENS}{WAVES}:]|(?<=[a-z])[a-z]|(?<=[0-9])[0-9]")
_SEPARATORS = re.compile(r"[\s,;/&・()\[\]\u3001]*(?:(?:と|の|及び|および)\s*)?")


def parse_hours(text: str) -> tuple[Hours, ...]:
    """Returns the spans that `text` means. Raises WrongUsage with an example when it means none."""
    spans: list[Hours] = []
    days: list[int] = []
    used = False
    for token in _tokens(text):
        if token["begin"] is None:
            if used and not days:
                raise WrongUsage(
                    "in {text} weekdays come after hours: write them before, such as mon-fri 08:30-17:15",
                    text=on_one_line(text),
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
    """Yields the weekdays and spans of a text one after another. Raises WrongUsage for anything else."""
    plain = "" if is_too_long(text) else with_digits(narrow(text).lower())
    place = _after_separators(plain, 0)
    if place == len(plain):
        raise _wrong(text)
    while place < len(plain):
        match = _TOKEN.match(plain, place)
        if match is None or _goes_on(plain, match.end()):
            raise _wrong(text)
        yield match
        place = _after_separators(plain, match.end())


def _after_separators(plain: str, place: int) -> int:
    found = _SEPARATORS.match(plain, place)
    return found.end() if found else place


def _goes_on(plain: str, end: int) -> bool:
    """Tells whether a word or a number that was read goes on: 08:30-17:155, monk, mon-fri-sun."""
    return bool(_GOES_ON.match(plain, end))


def _days(token: re.Match[str]) -> list[int]:
    if token["days"]:
        return list(_SEVERAL_DAYS[token["days"]])
    first = _number(token["day"])
    last = _number(token["last"] or token["day"])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _number(day: str) -> int:
    return _JAPANESE_DAYS.index(day[0]) if day[0] in _JAPANESE_DAYS else DAYS.index(day[:3])


def _span(token: re.Match[str], text: str) -> tuple[int, int]:
    begin, end = _minutes(token["begin"]), _minutes(token["end"])
    if begin is None or end is None or begin == _MIDNIGHT or _is_half_said(token["begin"], token["end"]):
        raise _wrong(text)
    if end < begin and _may_end_in_the_afternoon(token):
        raise WrongUsage(
            "it cannot be told when {text} ends: write 17:00 for the afternoon, 05:00 for the next morning",
            text=on_one_line(text),
        )
    if begin == end:
        raise WrongUsage(
            "the hours {text} begin and end at once: for the whole day write 00:00-24:00",
            text=on_one_line(text),
        )
    return begin, end


def _minutes(time: str) -> int | None:
    """Returns the minutes after midnight; None where there is no such time, or it has seconds."""
    seconds = seconds_of(time)
    return None if seconds is None or seconds % 60 else seconds // 60


def _is_half_said(begin: str, end: str) -> bool:
    """Tells whether one end says morning or afternoon and the other could be either: 午後1時～5時."""
    said = [bool(re.search("[ap]\\.?m|午", time)) for time in (begin, end)]
    return any(said) and not all(has_half(time) for time in (begin, end))


def _may_end_in_the_afternoon(token: re.Match[str]) -> bool:
    """Tells whether a span that seems to go over midnight was rather meant as that of a day: 8:30-5:15."""
    said = token["next"] or has_half(token["begin"]) or has_half(token["end"])
    return not said and bool(re.match("[1-9][:時]", token["end"]))


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
    return WrongUsage(
        "{text} are no hours: write for instance mon-fri 08:30-17:15, or sat,sun", text=on_one_line(text)
    )
