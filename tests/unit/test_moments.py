"""What can be true of clocks: one that is wrong never counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.moments import EARLIEST, FARTHEST, error_of, is_apart, is_possible, lasted

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
NONE, HOUR, YEARS = timedelta(0), timedelta(hours=1), timedelta(days=365 * 57)
SECONDS = st.integers(-25, 25).map(lambda seconds: timedelta(seconds=seconds))
WRONG = st.timedeltas(-YEARS, YEARS).filter(lambda each: abs(each) > 2 * FARTHEST)


@given(by=WRONG, near=st.lists(SECONDS, min_size=1, max_size=2), whose=st.integers(0, 3))
def test_one_wrong_clock_of_three_never_counts(by: timedelta, near: list[timedelta], whose: int) -> None:
    """Whichever it is: when ours is, the error is found, and when another is, there is none."""
    others = [*near, NONE][: 2 + len(near) // 2]
    if whose == 0:
        found = error_of(NOW + by, [each + by for each in others])
        assert abs(found - by) <= FARTHEST
    else:
        others[whose % len(others)] = -by
        assert error_of(NOW, others) == NONE


@pytest.mark.parametrize(
    ("now", "ahead", "error"),
    [
        (NOW, [], NONE),
        (NOW, [HOUR], NONE),  # who is right is not known
        (NOW, [HOUR, -HOUR], NONE),
        (NOW, [HOUR, HOUR + timedelta(seconds=9), -HOUR], HOUR),
        (NOW - YEARS, [-YEARS], -YEARS),  # ours was never set
        (NOW - YEARS, [NONE], NONE),  # nor was the other
        (NOW - YEARS, [], NONE),
    ],
)
def test_whose_clock_is_wrong(now: datetime, ahead: list[timedelta], error: timedelta) -> None:
    assert error_of(now, ahead) == error


def test_clocks_that_are_apart() -> None:
    assert not is_apart(FARTHEST) and not is_apart(-FARTHEST)
    assert is_apart(FARTHEST + timedelta(seconds=1)) and is_apart(-HOUR)


@pytest.mark.parametrize(
    ("seconds", "most", "is_true"),
    [(0, HOUR, True), (3600, HOUR, True), (3601, HOUR, False), (-0.001, HOUR, False)],
)
def test_how_long_something_can_have_lasted(seconds: float, most: timedelta, is_true: bool) -> None:
    length = timedelta(seconds=seconds)
    assert lasted(NOW, NOW + length, most) == (length if is_true else None)


def test_when_something_can_have_happened() -> None:
    assert is_possible(NOW, NOW) and is_possible(EARLIEST, NOW) and is_possible(NOW + FARTHEST, NOW)
    assert not is_possible(datetime(1970, 1, 2, tzinfo=UTC), NOW)
    assert not is_possible(NOW + HOUR, NOW)
