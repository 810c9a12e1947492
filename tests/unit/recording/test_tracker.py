"""What the tracker does when events were missed: only what the PBX has is believed."""

from __future__ import annotations

from datetime import timedelta

from callrec.model.calls import Outcome
from callrec.pbx import events as ev
from callrec.recording.actions import (
    HandOver,
    ReadJournal,
    SaveCall,
    StartSnoop,
    StopFallback,
    Unmute,
)
from tests.scenarios.replay import ids_of, office, tracker, transcript
from tests.unit.channels import (
    BRIDGE,
    LATER,
    OUTSIDE,
    PHONE,
    RULE,
    SNOOPS,
    channel,
    open_checkpoint,
    quiet_tracker,
    talks,
)
from tests.unit.samples import START


def test_a_call_that_goes_on_is_not_captured_a_second_time() -> None:
    played = quiet_tracker()
    played.restore(open_checkpoint())
    commands = played.compare([OUTSIDE, PHONE, *SNOOPS], BRIDGE, {}, [], LATER)
    assert [type(each) for each in commands] == [Unmute, Unmute], "for all that is known of it"
    assert played.tick(LATER) == []


def test_a_call_that_ended_meanwhile_is_handed_over_with_its_end_open() -> None:
    played = quiet_tracker()
    played.restore(open_checkpoint())
    commands = played.compare([], {}, {}, [], LATER)
    (handed,) = commands
    assert isinstance(handed, HandOver)
    assert handed.captured.capture.ended_at is None and handed.captured.call.ended_at is None
    assert handed.captured.call.outcome is Outcome.ANSWERED
    assert "the end of the call was not seen" in [note.text for note in handed.captured.call.notes]


def test_a_capture_whose_snoops_are_gone_goes_on_in_a_new_part() -> None:
    played = quiet_tracker()
    played.restore(open_checkpoint())
    assert played.compare([OUTSIDE, PHONE], BRIDGE, {}, [], LATER) == []
    commands = played.tick(LATER + timedelta(seconds=1))
    assert [c.channel for c in commands if isinstance(c, StartSnoop)] == ["1.0", "1.0"]


def test_a_call_that_began_meanwhile_is_captured_from_now_on() -> None:
    commands = quiet_tracker().compare([OUTSIDE, PHONE], BRIDGE, {}, [], LATER)
    assert [c.channel for c in commands if isinstance(c, StartSnoop)] == ["1.0", "1.0"]


def test_a_call_the_dialplan_records_is_left_to_it() -> None:
    played = quiet_tracker()
    told = ev.FallbackCall(START, "callrec/fallback-1.0")
    asked = played.compare([OUTSIDE, PHONE], BRIDGE, {"1.0": told}, [], LATER)
    assert asked == [StopFallback("1.0", "1.0", told.file)], "until it has ended"
    ended = [played.handle(ev.ChannelDestroyed(LATER, each)) for each in (PHONE, OUTSIDE)]
    assert ended == [[], [ReadJournal("1.0", "")]]


def test_parties_behind_local_channels_talk_with_each_other() -> None:
    """A queue or a ring group may put Local channels between the caller and the phone."""
    first = channel("1.2", "Local/2101@ring-00000001;1")
    second = channel("1.3", "Local/2101@ring-00000001;2")
    bridges: dict[str, tuple[str, ...]] = {"a": ("1.0", "1.2"), "b": ("1.3", "1.1")}
    commands = quiet_tracker().compare([OUTSIDE, first, second, PHONE], bridges, {}, [], LATER)
    assert [c.channel for c in commands if isinstance(c, StartSnoop)] == ["1.0", "1.0"]
    alone = quiet_tracker().compare([OUTSIDE, first, second, PHONE], {"a": ("1.0", "1.2")}, {}, [], LATER)
    assert alone == [], "nobody has answered yet"


def test_local_channels_alone_are_no_call() -> None:
    played = quiet_tracker()
    local = channel("9.0", "Local/s@somewhere-00000001;1", linkedid="9.0")
    assert played.handle(ev.ChannelCreated(START, local)) == []
    assert played.handle(ev.ChannelDestroyed(START, local)) == []
    assert not played.calls


def test_late_events_of_a_call_that_is_over_make_no_new_one() -> None:
    played = tracker(office(RULE), ids_of("busy"))
    events = transcript("busy")
    for event in events:
        played.handle(event)
    played.tick(events[-1].at)
    dialled = next(event for event in events if isinstance(event, ev.Dialled))
    assert played.handle(dialled) == [] and not played.calls


def test_a_restart_between_two_calls_finds_nothing_to_do() -> None:
    played = quiet_tracker()
    assert played.compare([], {}, {}, [], LATER) == [] and played.tick(LATER) == []


def test_the_link_lost_over_the_end_of_a_call() -> None:
    """Everything up to the hang-up is seen, then nothing: the call is over when the link is back."""
    events = transcript("inbound_announced")
    played = tracker(office(RULE), ids_of("inbound_announced"))
    cut = next(i for i, event in enumerate(events) if isinstance(event, ev.LeftBridge))
    for event in events[:cut]:
        played.handle(event)
    commands = played.compare([], {}, {}, [], events[-1].at)
    assert [type(c) for c in commands] == [HandOver]
    assert not [c for c in commands if isinstance(c, SaveCall)], "its row comes with the recording"


def test_while_nothing_changes_the_record_of_a_call_is_the_same() -> None:
    """It is looked at twice a second, beside hundreds of others."""
    played = quiet_tracker()
    talks(played, "b", OUTSIDE, PHONE)
    (call,) = played.calls.values()
    before = call.record
    played.tick(LATER + timedelta(seconds=1))
    assert call.record is before
