"""A capture that breaks begins again; it never asks twice, and never leaves a snoop behind."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from callrec.model.captures import Silence, SilenceReason
from callrec.recording.actions import AwaitHangup, HangUp, RecordSnoop, StartSnoop
from callrec.recording.capture import LiveCapture
from callrec.recording.segment import SIDES
from callrec.recording.silences import Silences
from tests.unit.channels import on_pbx
from tests.unit.recording.captures import NOW, asked_capture, new_capture, renew


def _started() -> LiveCapture:
    capture = asked_capture()
    for side in SIDES:
        capture.recording_started(f"callrec/rec-1-{side}", NOW)
    return capture


def _numbers(capture: LiveCapture) -> list[int]:
    return [each.segment.number for each in capture.tracks.segments]


def test_two_snoops_each_recorded_once() -> None:
    capture = new_capture()
    snoops = capture.start_segment("1.0", NOW)
    assert [(c.snoop, c.spy) for c in snoops if isinstance(c, StartSnoop)] == [
        ("callrec.rec-1-external", "in"),
        ("callrec.rec-1-staff", "out"),
    ]
    assert capture.channel_started("callrec.rec-1-external") == [
        RecordSnoop("call", "callrec.rec-1-external", "callrec/rec-1-external", owner=capture)
    ]
    assert capture.channel_started("callrec.rec-1-external") == []


def test_the_start_is_told_once_both_tracks_run() -> None:
    capture = new_capture()
    capture.start_segment("1.0", NOW)
    assert not capture.tracks.is_recording
    capture.recording_started("callrec/rec-1-external", NOW)
    assert not capture.tracks.is_recording
    capture.recording_started("callrec/rec-1-staff", NOW)
    assert capture.tracks.is_recording
    assert capture.recording_started("callrec/rec-1-staff", NOW) == [], "told twice it is the same"


def test_a_refused_command_is_tried_again_as_a_new_segment_with_a_gap() -> None:
    capture = new_capture()
    first, second = capture.start_segment("1.0", NOW)
    capture.refused(on_pbx(first), "500 Internal Server Error", NOW)
    assert capture.retry(NOW) == [], "not at once: the call may just be ending"
    later = NOW + timedelta(seconds=1)
    commands = capture.retry(later)
    assert isinstance(second, StartSnoop) and HangUp("call", second.snoop) in commands, (
        "no snoop is left behind"
    )
    assert [c.snoop for c in commands if isinstance(c, StartSnoop)] == [
        "callrec.rec-2-external",
        "callrec.rec-2-staff",
    ]
    (gap,) = capture.frozen().gaps
    assert (gap.started_at, gap.finished_at, gap.reason) == (NOW, later, "500 Internal Server Error")


def test_a_recording_that_never_begins_is_given_up() -> None:
    capture = new_capture()
    capture.start_segment("1.0", NOW)
    assert capture.retry(NOW + timedelta(seconds=2)) == []
    capture.retry(NOW + timedelta(seconds=4))
    assert _numbers(capture) == [1], "it is looked at once more first"
    capture.retry(NOW + timedelta(seconds=5))
    assert _numbers(capture) == [2], "of the first, for which nothing was recorded, only the gap is left"


def test_a_pbx_that_refuses_for_long_is_asked_less_and_less_often() -> None:
    capture, now, asked = new_capture(), NOW, []
    commands = capture.start_segment("1.0", now)
    while now < NOW + timedelta(minutes=10):
        for command in commands:
            asked.append(now)
            capture.refused(on_pbx(command), "503", now)
        now += timedelta(seconds=0.5)
        commands = [each for each in capture.retry(now) if isinstance(each, StartSnoop)]
    assert len(asked) < 50
    assert asked[-1] - asked[-3] == timedelta(seconds=60)
    assert len(capture.tracks.segments) == 1
    (gap,) = capture.frozen().gaps
    assert (gap.started_at, gap.finished_at) == (NOW, capture.tracks.segments[0].segment.requested_at)


def test_a_part_whose_recording_was_asked_for_is_kept_even_when_it_never_began() -> None:
    """The PBX may have written something although it did not say so."""
    capture = new_capture()
    capture.start_segment("1.0", NOW)
    capture.channel_started("callrec.rec-1-external")
    for seconds in (4, 5):
        capture.retry(NOW + timedelta(seconds=seconds))
    assert _numbers(capture) == [1, 2]


def test_a_part_that_was_renewed_before_its_snoops_came_is_none() -> None:
    capture = new_capture()
    unasked = [each.snoop for each in capture.start_segment("1.0", NOW) if isinstance(each, StartSnoop)]
    actions = renew(capture, NOW + timedelta(milliseconds=40))
    assert {each.channel for each in actions if isinstance(each, HangUp)} == set(unasked)
    assert [each.number for each in capture.frozen().segments] == [2]
    assert not any(capture.channel_started(each) for each in unasked), "too late"


def test_a_snoop_that_comes_too_late_is_not_recorded() -> None:
    capture = new_capture()
    first, _ = capture.start_segment("1.0", NOW)
    capture.refused(on_pbx(first), "timeout", NOW)
    capture.retry(NOW + timedelta(seconds=1))
    assert capture.channel_started("callrec.rec-1-external") == []


def test_both_snoops_of_a_broken_part_are_hung_up_also_when_both_recordings_ended() -> None:
    """The PBX's disk was full: the recordings failed, and the snoops listen on."""
    capture = _started()
    for side in SIDES:
        capture.recording_ended(f"callrec/rec-1-{side}", NOW, "disk full")
    commands = capture.retry(NOW + timedelta(seconds=1))
    assert commands[:2] == [HangUp("call", "callrec.rec-1-external"), HangUp("call", "callrec.rec-1-staff")]


def test_a_party_that_leaves_is_followed_by_a_part_on_another_channel() -> None:
    capture = _started()
    capture.left("1.0", NOW + timedelta(seconds=3))
    commands = capture.move("1.1", NOW + timedelta(seconds=5))
    assert [each.channel for each in commands if isinstance(each, StartSnoop)] == ["1.1", "1.1"]
    assert capture.channel == "1.1" and not capture.is_finished
    (gap,) = capture.gaps.noted
    assert gap.finished_at and gap.finished_at - gap.started_at == timedelta(seconds=2)
    assert capture.tracks.segments[0].segment.external.finished_at == NOW + timedelta(seconds=3)


def test_two_joints_in_quick_succession_are_one_gap() -> None:
    capture = _started()
    renew(capture, NOW)
    renew(capture, NOW + timedelta(seconds=0.9))
    end = NOW + timedelta(seconds=0.94)
    for side in SIDES:
        capture.recording_started(f"callrec/rec-3-{side}", end)
    (gap,) = capture.gaps.noted
    assert (gap.started_at, gap.finished_at) == (NOW, end)


def test_a_party_that_left_while_its_snoops_were_renewed_makes_no_gap_within_another() -> None:
    """The new tracks are told of when the party is gone already."""
    capture, later = _started(), NOW + timedelta(seconds=0.1)
    renew(capture, NOW)
    capture.left("1.0", NOW)
    for side in SIDES:
        capture.recording_started(f"callrec/rec-2-{side}", later)
    capture.recording_ended("callrec/rec-1-external", later, None)
    capture.move("2.0", later + timedelta(seconds=1))
    assert [(gap.started_at, gap.finished_at) for gap in capture.gaps.noted] == [
        (NOW, later),
        (later, later + timedelta(seconds=1)),
    ]


def test_a_part_that_was_broken_before_a_restart_is_repaired_after_it() -> None:
    capture = _started()
    capture.recording_ended("callrec/rec-1-external", NOW, "disk full")
    restored = LiveCapture.restored("call", capture.frozen())
    restored.compared({"1.0", "callrec.rec-1-staff"}, NOW)
    assert [c for c in restored.retry(NOW + timedelta(seconds=1)) if isinstance(c, StartSnoop)]


def test_renewed_snoops_are_a_new_part_and_a_slow_joint_is_a_gap() -> None:
    for milliseconds, gaps in ((35, 0), (500, 1)):
        capture, later = _started(), NOW + timedelta(milliseconds=milliseconds)
        commands = renew(capture, NOW)
        for each in SIDES:
            own = [command for command in commands if command.side == each]
            hung_up = [command.channel for command in own if isinstance(command, HangUp)]
            assert sorted(hung_up) == ["callrec.rec-1-external", "callrec.rec-1-staff"], (
                "it depends on no other lane"
            )
        assert [type(each) for each in commands] == [*4 * [HangUp], *2 * [AwaitHangup], *2 * [StartSnoop]]
        for side in SIDES:
            capture.recording_ended(f"callrec/rec-1-{side}", later, None)
            capture.recording_started(f"callrec/rec-2-{side}", later)
        assert _numbers(capture) == [1, 2] and len(capture.gaps.noted) == gaps
        assert capture.retry(NOW + timedelta(seconds=9)) == [], "nothing is broken"


def test_a_channel_that_goes_on_in_another_call_ends_thenew_capture() -> None:
    capture = _started()
    assert capture.abandon(NOW) == [HangUp("call", f"callrec.rec-1-{side}") for side in SIDES]
    for side in SIDES:
        capture.recording_ended(f"callrec/rec-1-{side}", NOW, None)
    assert capture.is_finished


def test_a_track_that_had_not_begun_before_a_restart_is_given_up() -> None:
    capture = new_capture()
    capture.start_segment("1.0", NOW)
    restored = LiveCapture.restored("call", capture.frozen())
    for seconds in (4, 5):
        restored.retry(NOW + timedelta(seconds=seconds))
    assert _numbers(restored) == [1, 2]


def test_an_end_with_the_channel_is_the_end() -> None:
    capture = _started()
    for side in SIDES:
        capture.recording_ended(f"callrec/rec-1-{side}", NOW, None)
    assert not capture.is_finished
    capture.left("1.0", NOW)
    assert capture.is_finished
    assert capture.retry(NOW + timedelta(seconds=9)) == [] and len(capture.tracks.segments) == 1


def test_an_end_without_the_channel_begins_a_new_segment() -> None:
    capture = _started()
    capture.recording_ended("callrec/rec-1-external", NOW, None)
    commands = capture.retry(NOW + timedelta(seconds=1))
    assert HangUp("call", "callrec.rec-1-staff") in commands
    assert _numbers(capture) == [1, 2]


def test_a_finish_that_is_never_told_is_not_waited_for() -> None:
    capture = _started()
    capture.left("1.0", NOW)
    capture.retry(NOW + timedelta(seconds=4))
    assert not capture.is_finished
    capture.retry(NOW + timedelta(seconds=6))
    assert capture.is_finished
    (segment,) = capture.frozen().segments
    assert segment.staff.finished_at == NOW, "with its channel: later nothing can have been recorded"


def test_it_comes_back_from_what_was_written_down() -> None:
    capture = _started()
    capture.recording_ended("callrec/rec-1-external", NOW, None)
    restored = LiveCapture.restored("call", capture.frozen())
    assert restored.frozen() == capture.frozen()
    restored.compared({"1.0"}, NOW)
    assert not restored.is_finished, "the channel is there"
    restored.compared(set(), NOW)
    assert restored.is_finished and restored.frozen().ended_at == NOW


@given(st.lists(st.sampled_from(["callrec/rec-1-external", "callrec/rec-1-staff"]), max_size=6))
def test_ends_that_come_twice_count_once(names: list[str]) -> None:
    capture = _started()
    for name in names:
        capture.recording_ended(name, NOW, None)
    ended = [side for side in SIDES if f"callrec/rec-1-{side}" in names]
    assert [side for side in SIDES if not capture.tracks.segments[0].is_open(side)] == ended


def test_a_capture_ends_when_its_channel_goes_elsewhere_not_when_the_snoops_are_gone() -> None:
    """The hang-up can come late, and what is said until then is of another call."""
    capture, later = _started(), NOW + timedelta(seconds=4)
    capture.abandon(later)
    for side in SIDES:
        capture.recording_ended(f"callrec/rec-1-{side}", later + timedelta(seconds=3), None)
    segment = capture.frozen().segments[0]
    assert {segment.external.finished_at, segment.staff.finished_at} == {later} and capture.is_finished


def test_a_silence_that_lasts_can_turn_out_to_have_begun_before() -> None:
    silences, before = Silences(), NOW - timedelta(seconds=3)
    assert silences.begin(SilenceReason.NEVER, NOW)
    assert not silences.begin(SilenceReason.NEVER, before) and not silences.begin(SilenceReason.NEVER, NOW)
    assert silences.spans == [Silence(before, None, SilenceReason.NEVER)]
