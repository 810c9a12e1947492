"""The moments of calls are true, whichever clock is set, and whenever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callrec.controller.steady_time import SteadyTime
from callrec.pbx.events import Dialled, PlaybackStarted
from tests.unit.channels import OUTSIDE, PHONE
from tests.unit.samples import START

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HOUR, NONE = timedelta(hours=1), timedelta(0)
YEARS = timedelta(days=56 * 365)


class _Clocks:
    """Ours and the PBX's, by how much they are wrong, and the time of calls that is made of them."""

    def __init__(self, ours: timedelta = NONE, pbx: timedelta = NONE) -> None:
        self.passed, self.ours, self.pbx = 0.0, ours, pbx
        self.time = SteadyTime(lambda: self.now + self.ours, lambda: self.passed)

    @property
    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed)

    def compared(self) -> None:
        """As when the S3 server and the database are right."""
        self.time.compared(NOW + self.pbx, self.ours)

    def linked(self) -> None:
        self.compared()
        self.time.connected()

    def begun(self, after: float) -> datetime:
        """The first event of a call, while there is no other."""
        self.time.settle()
        return self.event(after)

    def event(self, after: float) -> datetime:
        self.passed += after
        return self.time.take(PlaybackStarted(self.now + self.pbx, "a")).at


@pytest.mark.parametrize("wrong", [-YEARS, YEARS, HOUR, -HOUR])
@pytest.mark.parametrize("pbx_too", [False, True])
def test_a_call_that_begins_after_our_clock_was_set_is_dated_right(wrong: timedelta, pbx_too: bool) -> None:
    """As on a machine that starts in 1970, and is set by NTP between two comparisons; or is set wrong then,
    of which nobody knows yet where it is the PBX's machine, too."""
    for before, after in ((wrong, NONE), *([] if pbx_too else [(NONE, wrong)])):
        clocks = _Clocks(before, before if pbx_too else NONE)
        clocks.linked()
        clocks.passed, clocks.ours = 5, after
        clocks.pbx = after if pbx_too else NONE
        begun = clocks.begun(1)
        clocks.compared()
        assert begun == NOW + timedelta(seconds=6) and clocks.event(4) - begun == timedelta(seconds=4)


@pytest.mark.parametrize("wrong", [-YEARS, HOUR])
def test_a_pbx_whose_clock_is_wrong_is_not_believed(wrong: timedelta) -> None:
    clocks = _Clocks(pbx=wrong)
    clocks.linked()
    assert clocks.begun(1) == clocks.now
    clocks.compared()
    assert clocks.event(1) == clocks.now


def test_a_machine_that_slept_goes_by_its_clock() -> None:
    """The monotonic clock stood meanwhile."""
    clocks = _Clocks()
    clocks.linked()
    clocks.ours = clocks.pbx = HOUR  # by the monotonic clock
    assert clocks.begun(1) == clocks.now + HOUR


def test_an_event_whose_times_are_right_is_given_on_as_it_came() -> None:
    """Most are: to make each anew, with its channels, took a fifth of the time of the thread of events."""
    steady = SteadyTime(lambda: START, lambda: 0.0)
    told = Dialled(START, OUTSIDE, PHONE, "", "2101", None)
    assert steady.take(told) is told
    shifted = SteadyTime(lambda: START - timedelta(hours=1), lambda: 0.0).take(told)
    assert isinstance(shifted, Dialled) and shifted.caller
    hour_less = START - timedelta(hours=1)
    assert (shifted.at, shifted.caller.created_at, shifted.peer.created_at) == (hour_less,) * 3
