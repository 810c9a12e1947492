"""Tracks whose beginning or end nobody saw: what is known of their times, and what is waited for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callrec.recording.actions import HangUp
from callrec.recording.capture import LiveCapture
from callrec.recording.segment import SIDES
from tests.unit.recording.captures import NOW, asked_capture, new_capture


def test_the_end_of_a_track_whose_beginning_was_lost_in_a_restart_is_written_down() -> None:
    """It tells when the track began. callrec has it ended when it is back, though the PBX may be late."""
    capture, back, late = asked_capture(), NOW + timedelta(seconds=60), NOW + timedelta(seconds=64)
    restored = LiveCapture.restored("call", capture.frozen())
    restored.compared({"1.0", "callrec.rec-1-staff"}, back)
    for side in SIDES:
        restored.recording_ended(f"callrec/rec-1-{side}", late, None)
    segment = restored.frozen().segments[0]
    assert (segment.staff.finished_at, segment.staff.closed_at) == (back, late)
    assert segment.external.finished_at is None, "it ended while nobody saw"


@pytest.mark.parametrize("told", ["its end", "its snoop is gone", "nothing"])
def test_a_capture_is_not_over_before_the_pbx_has_told_of_a_track_that_was_given_up(told: str) -> None:
    """When it began and ended must be known, as long as there is a chance."""
    capture = asked_capture()
    capture.recording_started("callrec/rec-1-external", NOW)
    capture.retry(NOW + timedelta(seconds=3.2))
    gone = NOW + timedelta(seconds=3.3)
    capture.left("1.0", gone)
    capture.recording_ended("callrec/rec-1-external", gone, None)
    assert not capture.is_finished
    if told == "its end":
        capture.recording_ended("callrec/rec-1-staff", gone, None)
    elif told == "its snoop is gone":
        capture.channel_gone("callrec.rec-1-staff")
    else:
        capture.retry(gone + timedelta(seconds=5.5))
    assert capture.is_finished
    assert capture.frozen().segments[0].staff.closed_at == (gone if told == "its end" else None)


@pytest.mark.parametrize("ticks", [(), (3.2,)])
def test_what_was_recorded_while_the_link_was_away_may_be_of_any_time_since(ticks: tuple[float, ...]) -> None:
    """All have hung up before it is back: nothing will tell of it. Time passes without a link, too."""
    capture, back = asked_capture(), NOW + timedelta(minutes=10)
    for seconds in ticks:
        capture.retry(NOW + timedelta(seconds=seconds))
    capture.compared(set(), back)
    capture.retry(back)
    assert capture.is_finished
    assert all(capture.tracks.segments[0].track(side).unwatched for side in SIDES)


@pytest.mark.parametrize("killed", [False, True])
def test_what_ended_because_its_party_went_on_in_another_call_has_its_end_whatever_happens(
    killed: bool,
) -> None:
    """What the PBX has recorded meanwhile is of that call."""
    capture, gone = asked_capture(), NOW + timedelta(seconds=0.2)
    capture.abandon(gone)
    again = LiveCapture.restored("call", capture.frozen()) if killed else capture
    again.compared(set(), NOW + timedelta(seconds=2))
    for side in SIDES:
        track = again.tracks.segments[0].track(side)
        assert (track.finished_at, track.unwatched, track.failed) == (gone, False, "given up")


def test_it_may_also_where_callrec_ended_it_once_it_was_back() -> None:
    """The link goes again, before the PBX tells of that end."""
    restored = LiveCapture.restored("call", asked_capture().frozen())
    snoops = restored.tracks.snoops
    restored.compared({"1.0", *snoops}, NOW + timedelta(minutes=10))
    restored.compared(set(), NOW + timedelta(minutes=11))
    assert all(restored.tracks.segments[0].track(side).unwatched for side in SIDES)


def test_the_end_alone_tells_when_a_track_began() -> None:
    capture, gone = asked_capture(), NOW + timedelta(seconds=2)
    capture.left("1.0", gone)
    for side in SIDES:
        capture.recording_ended(f"callrec/rec-1-{side}", gone, None)
    assert capture.is_finished
    assert all(capture.tracks.segments[0].track(side).closed_at == gone for side in SIDES)


def test_a_track_that_was_given_up_before_a_restart_is_waited_for_after_it() -> None:
    capture, gone = asked_capture(), NOW + timedelta(seconds=5)
    capture.retry(NOW + timedelta(seconds=3.2))
    restored = LiveCapture.restored("call", capture.frozen())
    restored.compared({"1.0", *restored.tracks.snoops}, NOW + timedelta(seconds=4))
    restored.left("1.0", gone)
    assert not restored.is_finished
    for side in SIDES:
        restored.recording_ended(f"callrec/rec-1-{side}", gone, None)
    assert restored.is_finished and restored.frozen().segments[0].staff.closed_at == gone


def test_no_snoop_is_recorded_once_its_channel_is_in_another_call() -> None:
    capture = new_capture()
    capture.start_segment("1.0", NOW)
    capture.channel_started("callrec.rec-1-staff")
    capture.abandon(NOW)
    assert capture.channel_started("callrec.rec-1-external") == []
    assert not capture.is_finished, "the other one was asked for"
    capture.recording_started("callrec/rec-1-staff", NOW + timedelta(seconds=1))
    capture.recording_ended("callrec/rec-1-staff", NOW + timedelta(seconds=2), None)
    staff = capture.frozen().segments[0].staff
    assert capture.is_finished and staff.started_at and staff.finished_at == NOW < staff.started_at


def test_a_track_that_begins_after_it_was_given_up_is_ended() -> None:
    """Nobody would mute it in a pause. When it began is noted: so its sound stands at its time."""
    capture, later = new_capture(), NOW + timedelta(seconds=3.5)
    capture.start_segment("1.0", NOW)
    capture.retry(later)
    assert capture.recording_started("callrec/rec-1-staff", later) == [HangUp("call", "callrec.rec-1-staff")]
    assert capture.frozen().segments[0].staff.started_at == later
