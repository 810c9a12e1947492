"""Clocks of PBX and machine that are set, in 1970, or in 2106, while anything else happens to a call.

What is written of it is true: each track has the times at which it was recorded, so that no silence is made
of a clock; a call that is over has its end, and one that goes on has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from callrec.moments import FARTHEST
from tests.unit.channels import OUTSIDE
from tests.unit.pbx_model import ModelPbx
from tests.unit.recording.any_order import AnyOrder
from tests.unit.recording.by_mode import by_mode, end
from tests.unit.samples import START

NONE, HOUR, DAY = timedelta(0), timedelta(hours=1), timedelta(days=1)
BOOTED_IN_1970 = datetime(1970, 1, 1, tzinfo=UTC) - START
IN_2106 = datetime(2106, 2, 7, tzinfo=UTC) - START
WRONG = [timedelta(seconds=30), HOUR, -HOUR, DAY, -DAY, BOOTED_IN_1970, IN_2106]
NEAR = FARTHEST + timedelta(seconds=5)


def moments(found: object, place: str = "") -> Iterator[tuple[str, datetime]]:
    """Every moment in what is written of a call, and where it stands."""
    if isinstance(found, datetime):
        yield place, found
    elif isinstance(found, tuple):
        for each in found:
            yield from moments(each, place)
    elif is_dataclass(found):
        for field in fields(found):
            yield from moments(getattr(found, field.name), f"{place}.{field.name}")


def check_true(pbx: ModelPbx) -> None:
    """All that was written is of the time in which it was, and each track of the time it ran."""
    captured = [*pbx.kept.values(), *pbx.discarded.values()]
    for each in (*captured, *(saved.call for saved in pbx.calls)):
        wrong = {place: at for place, at in moments(each) if not START - NEAR <= at <= pbx.now + NEAR}
        assert not wrong
    for segment in (segment for each in captured for segment in each.capture.segments):
        for track in (segment.external, segment.staff):
            if track.name in pbx.truth and track.started_at:
                began, ended = pbx.truth[track.name]
                assert abs(track.started_at - began) < NEAR
                if track.finished_at and ended and not track.failed:
                    ran = track.finished_at - track.started_at
                    assert abs(ran - (ended - began)) < NEAR


class AnyClock(AnyOrder):
    """A call in any order of anything, on machines whose clocks are set meanwhile, one at a time."""

    @rule(ahead=st.sampled_from([*WRONG, NONE]))
    def the_pbx_is_set(self, ahead: timedelta) -> None:
        """As if it were compared just then: in what comes within half a minute, a clock that was set cannot
        be told from an event that was late."""
        self.pbx.set_clocks(ahead, NONE)
        self.pbx.compare_clocks()

    @rule(ahead=st.sampled_from(WRONG))
    def the_machine_is_set(self, ahead: timedelta) -> None:
        self.pbx.set_clocks(NONE, ahead)
        self.pbx.compare_clocks()

    @rule()
    def clocks_are_compared(self) -> None:
        self.pbx.compare_clocks()

    @rule()
    def restart(self) -> None:
        """The first thing a controller does is to compare the clocks."""
        self.pbx.kill()
        self.pbx.compare_clocks()
        self.pbx.reconnect(self.noted)

    @precondition(AnyOrder._alive)
    @rule(hours=st.sampled_from([1, 30]))
    def long_talk(self, hours: int) -> None:
        self.pbx.compare_clocks()
        self.pbx.pass_time(hours * 3600)

    def _check(self) -> None:
        super()._check()
        check_true(self.pbx)


def test_what_is_written_is_true_whatever_clocks_are_set() -> None:
    often = settings(max_examples=50, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(AnyClock, settings=often)


@pytest.mark.parametrize("ahead", WRONG)
@pytest.mark.parametrize("set_back", [False, True])
def test_a_clock_that_is_set_during_a_call_changes_no_length(ahead: timedelta, set_back: bool) -> None:
    pbx = by_mode("automatic")
    pbx.pass_time(40)
    pbx.set_clocks(ahead, NONE)
    for snoop in list(pbx.snoops)[:1]:
        pbx._end_snoop(snoop)  # another segment begins, by the clock that was set
    pbx.pass_time(1)
    pbx.pass_time(39)
    if set_back:
        pbx.set_clocks(NONE, NONE)
    pbx.pass_time(40)
    end(pbx)
    check_true(pbx)
    (kept,) = pbx.kept.values()
    first, second = kept.capture.segments
    assert first.began_at and second.began_at and second.external.finished_at
    assert second.began_at - first.began_at < timedelta(seconds=45) + FARTHEST
    assert pbx.now - NEAR < second.external.finished_at < pbx.now + NEAR


@pytest.mark.parametrize("ahead", [BOOTED_IN_1970, IN_2106, HOUR, -DAY])
def test_a_pbx_whose_clock_is_wrong_has_calls_of_today(ahead: timedelta) -> None:
    """Rules hold, prefixes are by day, and retention begins by the right date."""
    pbx = by_mode("never")
    end(pbx)
    pbx.set_clocks(ahead, NONE)
    pbx.create(OUTSIDE)
    assert abs(pbx.tracker.calls["1.0"].record.started_at - pbx.now) < NEAR
    end(pbx)
    assert all(abs(at - pbx.now) < NEAR for saved in pbx.calls for _, at in moments(saved.call))


def test_a_machine_that_boots_in_1970_has_calls_of_today() -> None:
    """As the PBX and the S3 server say; also where it is the PBX alone."""
    pbx = by_mode("never")
    end(pbx)
    pbx.set_clocks(NONE, BOOTED_IN_1970)
    pbx.kill()
    pbx.compare_clocks()
    pbx.reconnect([])
    pbx.create(OUTSIDE)
    assert abs(pbx.tracker.calls["1.0"].record.started_at - pbx.now) < NEAR
