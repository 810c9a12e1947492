"""Finds the calls of a facility that no rule is about, as the rules are now: by direction and hours.

`review` calls it. Rules about callers' numbers are not looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import reduce

from callrec.language import translated as _
from callrec.model.rules import Direction, Rule
from callrec.rulebook.cover import ALWAYS, NEVER, Week, first_minute, in_force, minus, plus, weeks
from callrec.wording import WEEKDAYS

Gap = tuple[str, dict[str, object]]
"""A code of review.FINDINGS, and its values: of how many extensions, and the first such minute of a week."""


def gaps(shared: Collection[Rule], own: Sequence[Collection[Rule]], now: datetime) -> Iterator[Gap]:
    """Yields what is left by rules that all extensions of a facility share, with the `own` rules of each.

    A facility without extensions has the gaps that its first one would have.
    """
    covered = {way: weeks(in_force(shared, now, way)) for way in Direction}
    found = [_of_extension(covered, rules, now) for rules in own or [()]]
    for code in dict.fromkeys(code for each in found for code in each):
        moments = [each[code] for each in found if code in each]
        yield code, {"count": len(moments) if own else 0, "moment": moments[0]}


def _of_extension(
    shared: Mapping[Direction, Week], own: Collection[Rule], now: datetime
) -> dict[str, str | None]:
    """Returns the gaps of one extension by their codes, each with its first minute of a week, or None."""
    left = {way: minus(minus(ALWAYS, shared[way]), weeks(in_force(own, now, way))) for way in Direction}
    silent = [way for way in Direction if left[way] == ALWAYS]
    if len(silent) == len(Direction):
        return {"no-rule": None}
    found: dict[str, str | None] = {f"no-{way}": None for way in silent}
    at_times = reduce(plus, (left[way] for way in Direction if way not in silent), NEVER)
    if any(at_times):
        minute, only_on_holidays = first_minute(at_times)
        found["no-holidays" if only_on_holidays else "no-hours"] = _in_words(minute)
    return found


def _in_words(minute: int) -> str:
    """Returns a minute of the week as people say it: Mon 08:30."""
    hours, rest = divmod(minute, 60)
    return f"{_(WEEKDAYS[hours // 24])} {hours % 24:02}:{rest:02}"
