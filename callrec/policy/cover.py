"""Whether one rule's conditions hold whenever another's do. Pure; for finding rules that can never win."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from callrec.model import Holidays, Hours, Rule

_DAY = 24 * 60
_WEEK = 7 * _DAY
_ALL_WEEK = (1 << _WEEK) - 1


def covers(one: Rule, other: Rule, now: datetime) -> bool:
    """Whether from `now` on every moment and direction of `other` is one of `one`. Scopes are not compared.

    Where it cannot be told (holidays mean different things to both) the answer is no.
    """
    return (
        one.direction in (None, other.direction)
        and _begins_no_later(one, other, now)
        and _ends_no_earlier(one, other)
        and _covers_time(one, other)
    )


def _begins_no_later(one: Rule, other: Rule, now: datetime) -> bool:
    begins = max(other.effective_from or now, now)
    return one.effective_from is None or one.effective_from <= begins


def _ends_no_earlier(one: Rule, other: Rule) -> bool:
    if one.effective_until is None:
        return True
    return other.effective_until is not None and other.effective_until <= one.effective_until


def _covers_time(one: Rule, other: Rule) -> bool:
    if one.holidays is Holidays.INCLUDE:
        return not _minutes(other.hours) & ~_minutes(one.hours)
    if one.holidays is not other.holidays:
        return False
    # Whether a minute is a holiday's depends on the day on which its span began.
    return not _minutes_by_day(other.hours) & ~_minutes_by_day(one.hours)


@lru_cache(maxsize=1024)
def _minutes(hours: tuple[Hours, ...]) -> int:
    """The minutes of a week as the bits of a number, the first minute of Monday the lowest."""
    found = 0
    for span in hours:
        for day in span.days:
            bits = _bits(span) << (day * _DAY)
            found |= (bits & _ALL_WEEK) | (bits >> _WEEK)  # Sunday's night goes on in Monday
    return found if hours else _ALL_WEEK


@lru_cache(maxsize=1024)
def _minutes_by_day(hours: tuple[Hours, ...]) -> int:
    """The same, with two days of bits for each day on which a span begins."""
    whole = (Hours(tuple(range(7)), 0, _DAY),)
    found = 0
    for span in hours or whole:
        for day in span.days:
            found |= _bits(span) << (day * 2 * _DAY)
    return found


def _bits(span: Hours) -> int:
    length = span.end - span.begin + (_DAY if span.end <= span.begin else 0)
    return ((1 << length) - 1) << span.begin
