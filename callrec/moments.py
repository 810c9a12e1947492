"""What can be true of moments that clocks tell: any clock may be wrong, or be set meanwhile (decision 22).

The one place where lengths are made of two moments of different clocks, or of one that may have been set
between them. Waiting goes by `time.monotonic`, which nobody sets; what a call's own moments are made of is
the matter of `callrec.controller.steady_time`. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

FARTHEST = timedelta(seconds=60)
"""Clocks that are no farther apart agree."""
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this there was no callrec: a clock that says so was not set since its machine started."""
LONGEST_CALL = timedelta(days=7)
"""Longer than any call."""

_ZERO = timedelta(0)


def lasted(begin: datetime, end: datetime, most: timedelta = LONGEST_CALL) -> timedelta | None:
    """Returns how long it was from one moment to another; None where that cannot be.

    It cannot where the end is before the beginning, or more than `most` after it: a clock was set between
    them.
    """
    length = end - begin
    return length if _ZERO <= length <= most else None


def is_apart(by: timedelta) -> bool:
    """Tells whether clocks that differ by so much do not agree."""
    return abs(by) > FARTHEST


def is_possible(moment: datetime, now: datetime) -> bool:
    """Tells whether something of callrec's can have happened at a moment: not before there was callrec, and
    not later than now."""
    return EARLIEST <= moment <= now + FARTHEST


def error_of(now: datetime, ahead: Sequence[timedelta]) -> timedelta:
    """Returns by how much our clock, which tells `now`, is wrong, as far as others tell; `ahead`: by how much
    it is ahead of each.

    It is right unless two others agree with one another against it and none agrees with it: one clock that is
    wrong never counts, whichever it is. One that was never set does not count at all.
    """
    told = sorted(each for each in ahead if now - each >= EARLIEST)
    if any(not is_apart(each) for each in told):
        return _ZERO
    pairs = (each for each, other in pairwise(told) if not is_apart(other - each))
    return next(pairs, _ZERO if now >= EARLIEST or not told else told[0])
