"""Tells whether a rule's conditions are met by a call. Hours and holidays are those of the office's zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from callrec.model.rules import CallFacts, Holidays, Hours, Rule
from callrec.policy.holidays import is_holiday

_DAY = timedelta(days=1)


class Clock:
    """A moment on the office's clock. What many rules ask of it is worked out once."""

    def __init__(self, local: datetime) -> None:
        self.local = local
        self._asked: dict[int, tuple[bool, ...]] = {}

    def unmet(self, hours: tuple[Hours, ...], holidays: Holidays) -> str | None:
        """Returns the condition of hours and holidays that this moment does not meet, as `unmet` does."""
        free = self._free_days(hours)
        if not free:
            return "other-hours"
        if holidays is Holidays.EXCLUDE and all(free):
            return "on-holiday"
        if holidays is Holidays.ONLY and not any(free):
            return "no-holiday"
        return None

    def _free_days(self, hours: tuple[Hours, ...]) -> tuple[bool, ...]:
        """Returns, for each span that holds now, whether it began on a holiday."""
        known = self._asked.get(id(hours))  # the rules outlive the decision, and many share their hours
        if known is None:
            known = self._asked[id(hours)] = tuple(map(is_holiday, days_begun(hours, self.local)))
        return known


def unmet(rule: Rule, call: CallFacts, clock: Clock) -> str | None:
    """Returns the first condition the call does not meet, as a code of `wording.WHY`; None: it meets all."""
    if rule.direction is not None and rule.direction != call.direction:
        return "other-direction"
    if rule.effective_from and call.at < rule.effective_from:
        return "not-yet"
    if rule.effective_until and call.at >= rule.effective_until:
        return "over"
    if rule.hours or rule.holidays is not Holidays.INCLUDE:
        return clock.unmet(rule.hours, rule.holidays)
    return None


def days_begun(hours: tuple[Hours, ...], local: datetime) -> Iterator[date]:
    """Yields the days on which the spans began that hold at this moment; today, where no hours are given."""
    today = local.date()
    if not hours:
        yield today
        return
    weekday, minute = local.weekday(), local.hour * 60 + local.minute
    for span in hours:
        over_midnight = span.end <= span.begin
        if weekday in span.days and span.begin <= minute and (over_midnight or minute < span.end):
            yield today
        if over_midnight and minute < span.end and (weekday - 1) % 7 in span.days:
            yield today - _DAY
