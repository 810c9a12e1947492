"""When rules hold, as sets that can be compared: whether some leave any moment of another free.

`review` and `gaps` ask this. Whom a rule is about, and which of two wins, is not looked at here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from callrec.model.rules import Direction, Holidays, Hours, Rule
from callrec.policy.holidays import is_holiday

_DAY = 24 * 60
_WEEK = 7 * _DAY
_ALL_WEEK = (1 << _WEEK) - 1

Week = tuple[int, ...]
"""The minutes of a week as the bits of a number, the first minute of Monday the lowest, four times:
without holidays, where today is one, where yesterday was one (its nights go on today), where both are."""

_WHOLE_DAYS = Hours(tuple(range(7)), 0, _DAY)
_HOLIDAYS = ((False, False), (True, False), (False, True), (True, True))
NEVER: Week = (0,) * len(_HOLIDAYS)
ALWAYS: Week = (_ALL_WEEK,) * len(_HOLIDAYS)


def covered(rule: Rule, others: Collection[Rule], now: datetime) -> bool:
    """Tells whether from `now` on one of `others` holds whenever `rule` does. Scopes are not compared."""
    wanted = week(rule.hours, rule.holidays)
    if any(minus(wanted, weeks(others))):
        return False  # not even all of them, if all were for every date and direction
    directions = [rule.direction] if rule.direction else list(Direction)
    return not any(
        any(minus(wanted, weeks(in_force(others, moment, direction))))
        for moment in _turns(rule, others, now)
        for direction in directions
    )


def holds_at_all(rule: Rule, now: datetime, zone: ZoneInfo) -> bool:
    """Tells whether a rule has a moment from `now` on: its few days may lack its weekdays or holidays."""
    begin, end = max(rule.effective_from or now, now), rule.effective_until
    if end is None:
        return True
    spans = rule.hours or (_WHOLE_DAYS,)
    yesterday = begin.astimezone(zone).date() - timedelta(days=1)  # its night may go on
    days = (yesterday + timedelta(days=count) for count in range((end - begin).days + 3))
    return any(
        _begins(span, rule.holidays, day) and _overlaps(span, day, begin, end, zone)
        for day in days
        for span in spans
    )


def in_force(rules: Iterable[Rule], moment: datetime, direction: Direction) -> Iterator[Rule]:
    """Yields the rules for this direction between whose dates the moment lies; hours are not looked at."""
    return (each for each in rules if each.direction in (None, direction) and _is_valid(each, moment))


def weeks(rules: Iterable[Rule]) -> Week:
    """Returns when any of the rules holds, by hours and holidays."""
    found = NEVER
    for rule in rules:
        found = plus(found, week(rule.hours, rule.holidays))
    return found


def plus(one: Week, other: Week) -> Week:
    """Returns the minutes that are in one or the other."""
    return tuple(a | b for a, b in zip(one, other, strict=True))


def minus(one: Week, other: Week) -> Week:
    """Returns the minutes that are in one and not in the other."""
    return tuple(a & ~b for a, b in zip(one, other, strict=True))


def first_minute(found: Week) -> tuple[int, bool]:
    """Returns the earliest minute in it, and whether it is there on holidays only. It must have one."""
    kind = next(index for index, minutes in enumerate(found) if minutes)
    return (found[kind] & -found[kind]).bit_length() - 1, kind > 0


@lru_cache(maxsize=1024)
def week(hours: tuple[Hours, ...], holidays: Holidays) -> Week:
    """Returns when these conditions are met. What a span does on a holiday is told by the day it began on."""
    begun_today, begun_yesterday = _minutes(hours)
    return tuple(
        (begun_today if _fits(holidays, today) else 0) | (begun_yesterday if _fits(holidays, before) else 0)
        for today, before in _HOLIDAYS
    )


def _fits(holidays: Holidays, is_holiday: bool) -> bool:
    return holidays is Holidays.INCLUDE or is_holiday is (holidays is Holidays.ONLY)


def _begins(span: Hours, holidays: Holidays, day: date) -> bool:
    return day.weekday() in span.days and _fits(holidays, is_holiday(day))


def _overlaps(span: Hours, day: date, begin: datetime, end: datetime, zone: ZoneInfo) -> bool:
    """Tells whether the span that begins on this day has a moment between two others."""
    midnight = datetime.combine(day, time(), zone)
    over_midnight = _DAY if span.end <= span.begin else 0
    first, after = (midnight + timedelta(minutes=each) for each in (span.begin, span.end + over_midnight))
    return first < end and begin < after


def _minutes(hours: tuple[Hours, ...]) -> tuple[int, int]:
    """Returns the minutes of a week in spans that began on their day, and those begun the day before."""
    today = yesterday = 0
    for span in hours:
        over_midnight = span.end <= span.begin
        for day in span.days:
            today |= _bits(day, span.begin, _DAY if over_midnight else span.end)
            if over_midnight:
                yesterday |= _bits((day + 1) % 7, 0, span.end)
    return (today, yesterday) if hours else (_ALL_WEEK, 0)


def _bits(day: int, begin: int, end: int) -> int:
    return ((1 << (end - begin)) - 1) << (day * _DAY + begin)


def _is_valid(rule: Rule, moment: datetime) -> bool:
    begin, end = rule.effective_from, rule.effective_until
    return (begin is None or begin <= moment) and (end is None or moment < end)


def _turns(rule: Rule, others: Iterable[Rule], now: datetime) -> Iterator[datetime]:
    """Yields when it may change which rules are in force, from the rule's beginning to its end."""
    begin = max(rule.effective_from or now, now)
    dates = {at for each in others for at in (each.effective_from, each.effective_until) if at}
    yield begin
    for at in sorted(dates):
        if at > begin and (rule.effective_until is None or at < rule.effective_until):
            yield at
