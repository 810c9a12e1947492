"""Calls that move: from phone to phone, into one another, and through the gate more than once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from callrec.model.calls import Outcome
from callrec.model.captures import Track
from callrec.pbx import event_messages
from callrec.pbx import events as ev
from callrec.recording.actions import (
    Action,
    AwaitHangup,
    HandOver,
    HangUp,
    LetThrough,
    SaveCall,
    SaveCheckpoint,
    StartSnoop,
)
from tests.scenarios.replay import office, tracker
from tests.unit.channels import (
    BRIDGE,
    LATER,
    OTHER,
    OUTSIDE,
    PHONE,
    SECOND,
    SNOOPS,
    begin_recording,
    channel,
    open_checkpoint,
    quiet_tracker,
    talks,
)
from tests.unit.recording.by_mode import COLLEAGUE, by_mode, end, segments, talking, transfer
from tests.unit.samples import START, captured_call


def test_a_consultation_ends_when_its_party_is_transferred_into_the_first_call() -> None:
    """Attended transfer: staff called somebody outside, and connects them with the caller."""
    played = quiet_tracker()
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE))
    tracks = begin_recording(played, talks(played, "b", SECOND, OTHER))
    moved = replace(OTHER, linkedid="1.0")
    commands = played.handle(ev.EnteredBridge(LATER, moved, "a", ("1.0", "1.1", "2.1")))
    hung_up = {each.channel for each in commands if isinstance(each, HangUp)}
    assert hung_up == {f"callrec.{name.removeprefix('callrec/')}" for name in tracks}
    for name in tracks:
        played.handle(ev.RecordingFinished(LATER, name))
    handed = played.handle(ev.ChannelDestroyed(LATER, SECOND))[-1]
    assert isinstance(handed, HandOver) and handed.captured.call.linkedid == "2.0"
    assert handed.captured.call.outcome is Outcome.ANSWERED
    played.tick(LATER)
    assert list(played.calls) == ["1.0"], "the first call goes on, with its recording"


def test_an_internal_caller_who_transfers_and_leaves_does_not_end_the_recording() -> None:
    first = replace(PHONE, id="1.0", name="PJSIP/2101-00000001")
    second = channel("1.1", "PJSIP/2102-00000002", "2102")
    third = channel("1.2", "PJSIP/2201-00000003", "2201")
    played = quiet_tracker()
    tracks = begin_recording(played, talks(played, "a", first, second))
    played.handle(ev.LeftBridge(LATER, first, "a", ("1.1",)))
    for name in tracks:
        played.handle(ev.RecordingFinished(LATER, name))
    assert not [c for c in played.handle(ev.ChannelDestroyed(LATER, first)) if isinstance(c, HandOver)]
    commands = talks(played, "c", second, third, at=LATER + timedelta(seconds=3))
    assert {c.channel for c in commands if isinstance(c, StartSnoop)} <= {"1.1", "1.2"}
    for name in begin_recording(played, commands):
        played.handle(ev.RecordingFinished(LATER, name))
    ended = [c for channel in (second, third) for c in played.handle(ev.ChannelDestroyed(LATER, channel))]
    (handed,) = [c for c in ended if isinstance(c, HandOver)]
    assert [segment.number for segment in handed.captured.capture.segments] == [1, 2]
    assert len(handed.captured.capture.gaps) == 1
    assert handed.captured.call.outcome is Outcome.ANSWERED, "handed over when the call was over, not before"


def test_only_a_call_of_which_all_is_gone_has_an_unseen_end() -> None:
    """One of two staff left while the link was away: the call itself goes on."""
    third = channel("1.2", "PJSIP/2102-00000003", "2102")
    played = quiet_tracker()
    begin_recording(played, talks(played, "b", OUTSIDE, PHONE, third))
    played.compare([OUTSIDE, PHONE], BRIDGE, {}, [], LATER)
    assert not played.calls["1.0"].end_unseen
    played.compare([], {}, {}, [], LATER)
    assert played.calls["1.0"].end_unseen


@pytest.mark.parametrize("kind", [ev.RecordingStarted, ev.RecordingFinished])
def test_when_a_track_was_written_whose_beginning_was_lost_survives_a_crash(
    kind: type[ev.RecordingStarted | ev.RecordingFinished],
) -> None:
    """It was given up at the restart, and nothing else will tell of it."""
    known = open_checkpoint()
    unseen = replace(known.capture.segments[0], staff=Track("callrec/unseen"))
    played = quiet_tracker()
    played.restore(replace(known, capture=replace(known.capture, segments=(unseen,))))
    (saved,) = [
        each for each in played.handle(kind(LATER, "callrec/unseen")) if isinstance(each, SaveCheckpoint)
    ]
    track = saved.checkpoint.capture.segments[0].staff
    assert LATER in (track.started_at, track.closed_at)


def test_snoops_that_no_call_knows_are_hung_up() -> None:
    stray = channel(f"callrec.{captured_call().capture.recording_id}-say0", "Snoop/1.0-0", linkedid="s")
    probe = channel("callrec.doctor-1", "Local/s@callrec-gate-0001;1", linkedid="d")
    played = quiet_tracker()
    played.restore(open_checkpoint())
    commands = played.compare([OUTSIDE, PHONE, *SNOOPS, stray, probe], BRIDGE, {}, [], LATER)
    assert [c.channel for c in commands if isinstance(c, HangUp)] == [stray.id]


def test_a_gate_that_a_transferred_call_passes_decides_nothing_anew() -> None:
    """The caller's channel runs the dialplan again, on its way from one phone to the next."""
    played = quiet_tracker()
    begin_recording(played, talks(played, "b", OUTSIDE, PHONE))
    before = played.calls["1.0"].record
    commands = played.handle(ev.GateEntered(LATER, OUTSIDE, "internal", "2102", "0312345678"))
    assert commands == [LetThrough("1.0", "1.0")]
    assert played.calls["1.0"].record == before


def test_who_is_bridged_with_another_call_is_in_that_call_at_once() -> None:
    """Asterisk tells the new linked id of who was there before with its next event only."""
    played = quiet_tracker()
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE))
    tracks = begin_recording(played, talks(played, "b", SECOND, OTHER))
    played.handle(ev.LeftBridge(LATER, OUTSIDE, "a", ("1.1",)))
    played.handle(ev.LeftBridge(LATER, SECOND, "b", ("2.1",)))
    commands = played.handle(ev.EnteredBridge(LATER, OUTSIDE, "b", ("2.1", "1.0")))
    hung_up = [each.channel for each in commands if isinstance(each, HangUp) and each.linkedid == "2.0"]
    assert len(hung_up) == len(tracks) == 2
    talking = [each.number for each in played.calls["1.0"].record.participants if not each.left_at]
    assert sorted(talking) == ["+81312345678", "+81398765432"]
    late = played.handle(ev.Dialled(LATER, None, OTHER, "ANSWER"))
    assert late == [] and OTHER.id in played.calls["1.0"].legs, "an event from before changes nothing"


def test_callers_who_wait_in_one_place_do_not_talk_with_one_another() -> None:
    """A parking lot is one bridge, in which nobody hears anybody."""
    waiting = {"id": "p", "bridge_type": "holding", "channels": ["1.0", "2.1"]}
    assert event_messages.talkers(waiting) == ()
    assert event_messages.talkers({**waiting, "bridge_type": "mixing"}) == ("1.0", "2.1")


def _renewed(commands: list[Action]) -> bool:
    """Whether both snoops were hung up first, then made anew."""
    kinds = [type(each) for each in commands]
    return kinds[:8] == [*4 * [HangUp], *2 * [AwaitHangup], *2 * [StartSnoop]]


def test_another_voice_gets_new_snoops_and_the_same_one_does_not() -> None:
    played = quiet_tracker()
    colleague = channel("1.2", "PJSIP/2102-00000003", "2102")
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE))
    played.handle(ev.LeftBridge(LATER, PHONE, "a", ("1.0",)))
    assert not _renewed(talks(played, "a", OUTSIDE, PHONE)), "back from parking: the packets go on"
    played.handle(ev.LeftBridge(LATER, PHONE, "a", ("1.0",)))
    commands = talks(played, "a", OUTSIDE, colleague)
    assert _renewed(commands)
    begin_recording(played, commands)
    played.handle(ev.LeftBridge(LATER, colleague, "a", ("1.0",)))
    assert _renewed(talks(played, "a", OUTSIDE, PHONE)), "also when the first one is back"


def test_a_service_number_is_decided_at_the_gate_and_again_by_who_answers() -> None:
    """Announced for the number that was dialled; recorded, or not, as the extension's rule says."""
    queue = replace(OUTSIDE, exten="6000")
    for mode, recorded in (("automatic", True), ("never", False)):
        rules = (("automatic", "extension", "6000", "before-connect"), (mode, "extension", "2101", "none"))
        played = tracker(office(*rules), (f"new-{number}" for number in range(9)))
        through, _ = played.handle(ev.GateEntered(START, queue, "inbound", "6000", "0312345678"))
        assert isinstance(through, LetThrough) and through.sounds
        commands = talks(played, "b", queue, PHONE)
        assert any(isinstance(each, StartSnoop) for each in commands) is recorded
        decision = played.calls["1.0"].record.decision
        assert decision is not None and (decision.rule, decision.mode) == (2, mode)
        assert decision.announce == ("before-connect" if recorded else "none")


# --- the gate, more than once

NEVER_DIALLED = (("never", "extension", "6000", None), ("automatic", "everywhere", None, None))


def _at_gate(number: str) -> ev.GateEntered:
    return ev.GateEntered(START, OUTSIDE, "inbound", number, "0312345678")


def _begun(commands: list[Action]) -> list[StartSnoop]:
    return [each for each in commands if isinstance(each, StartSnoop)]


def _ids() -> Iterator[str]:
    return (f"new-{number}" for number in range(9))


def test_never_for_the_number_dialled_holds_over_a_restart() -> None:
    """Nothing was written down of the call but by the dialplan."""
    played = tracker(office(*NEVER_DIALLED), _ids())
    assert not _begun(played.compare([OUTSIDE, PHONE], BRIDGE, {}, [_at_gate("6000")], LATER))
    ringing = tracker(office(*NEVER_DIALLED), _ids())
    ringing.compare([OUTSIDE, PHONE], {}, {}, [_at_gate("6000")], LATER)
    assert not _begun(talks(ringing, "b", OUTSIDE, PHONE))


def test_what_was_asked_at_the_gate_does_not_change_a_call_that_is_recorded() -> None:
    played = quiet_tracker()
    played.restore(open_checkpoint())
    before = played.calls["1.0"].record
    played.compare([OUTSIDE, PHONE, *SNOOPS], BRIDGE, {}, [_at_gate("6000")], LATER)
    after = played.calls["1.0"].record
    assert (after.decision, after.extension, after.number) == (
        before.decision,
        before.extension,
        before.number,
    )


def test_never_for_the_number_dialled_holds_when_the_call_overflows_to_another() -> None:
    played = tracker(office(*NEVER_DIALLED), _ids())
    for number in ("6000", "2101"):
        played.handle(_at_gate(number))
    assert not _begun(talks(played, "b", OUTSIDE, PHONE))


def test_a_call_that_overflows_is_not_announced_twice() -> None:
    played = tracker(office(("automatic", "everywhere", None, None)), _ids())
    first, _ = played.handle(_at_gate("6000"))
    assert isinstance(first, LetThrough)
    (sound,) = first.sounds
    for fields in ({"Announce": "started"}, {"Announce": "finished", "Status": "SUCCESS"}):
        played.handle(ev.DialplanSaid(START, OUTSIDE, {"Prompt": sound, **fields}))
    assert played.handle(_at_gate("2101"))[0] == LetThrough("1.0", "1.0", ())


def test_a_caller_who_goes_on_in_another_call_was_not_left_unanswered() -> None:
    """Two callers meet in a conference room."""
    played = quiet_tracker()
    second = replace(OTHER, id="2.0", caller="0398765432")
    talks(played, "phone", OUTSIDE)
    commands = talks(played, "phone", OUTSIDE, second)
    (saved,) = [each for each in commands if isinstance(each, SaveCall)]
    assert (saved.call.number, saved.call.outcome) == ("+81398765432", Outcome.ANSWERED)
    assert [note.text for note in saved.call.notes] == [
        f"the call went on in call {played.calls['1.0'].record.id}"
    ]


@pytest.mark.parametrize("how", ["seen", "the link was away"])
def test_who_talks_under_the_linked_id_of_a_call_that_is_over_is_in_a_new_call(how: str) -> None:
    """A follow-me can leave a Local channel that outlives the call and dials with its linked id."""
    played = quiet_tracker()
    tracks = begin_recording(played, talks(played, "a", OUTSIDE, PHONE))
    for gone in (OUTSIDE, PHONE):
        played.handle(ev.ChannelDestroyed(LATER, gone))
    ended = [each for name in tracks for each in played.handle(ev.RecordingFinished(LATER, name))]
    (first,) = [each for each in ended if isinstance(each, HandOver)]
    caller, phone = replace(OUTSIDE, id="1.2"), replace(PHONE, id="1.3")
    if how == "seen":
        commands = talks(played, "b", caller, phone)
    else:
        commands = played.compare([caller, phone], {"b": (caller.id, phone.id)}, {}, [], LATER)
    new_tracks = begin_recording(played, commands)
    played.tick(LATER)
    assert len(new_tracks) == 2 and len(played.calls) == 1, "the first call is forgotten, the second goes on"
    for each in (caller, phone):
        played.handle(ev.ChannelDestroyed(LATER, each))
    ended = [each for name in new_tracks for each in played.handle(ev.RecordingFinished(LATER, name))]
    (second,) = [each for each in ended if isinstance(each, HandOver)]
    assert second.captured.call.id != first.captured.call.id
    assert second.captured.call.linkedid == first.captured.call.linkedid == "1.0"
    played.tick(LATER)
    assert not played.calls and not played._owners


def test_what_the_pbx_itself_says_is_another_voice() -> None:
    """The captured party is in no bridge any more, but in a mailbox or a menu; and then talks again."""
    pbx = by_mode("automatic")
    pbx.leave(OUTSIDE.id)
    assert len(pbx.ever_recorded) == 2, "on the way from bridge to bridge nothing is renewed"
    pbx.pass_time(0.5)
    pbx.pass_time(0.5)
    assert len(pbx.ever_recorded) == 4 and len(pbx.audible()) == 2
    pbx.enter(OUTSIDE.id)
    end(pbx)
    assert segments(pbx) == [1, 2, 3]


def test_a_party_that_is_about_to_hang_up_hears_no_application() -> None:
    """It is in no bridge for a moment, in which time may pass."""
    pbx = by_mode("automatic")
    pbx.leave(OUTSIDE.id)
    pbx.pass_time(0.1)
    assert len(pbx.ever_recorded) == 2
    end(pbx)
    assert segments(pbx) == [1]


def test_a_decision_that_asks_the_pbx_for_nothing_survives_a_restart() -> None:
    """Who was captured has hung up, and who is left is never recorded: nobody of them is captured then."""
    pbx = talking(("automatic", "everywhere", None, "none"), ("never", "extension", "2102", None))
    third = channel("1.4", "PJSIP/2103-00000009", "2103")
    for each in (COLLEAGUE, third):
        pbx.create(each)
        pbx.enter(each.id, bridge="c")
    pbx.leave(PHONE.id)
    pbx.enter(PHONE.id, bridge="c")
    pbx.hang_up(OUTSIDE.id)
    (call,) = [each for each in pbx.tracker.calls.values() if not each.is_over]
    (saved,) = [each.call for each in pbx.checkpoints.values()]
    assert saved.decision_changes == call.record.decision_changes
    assert call.record.decision_changes[-1].decision.mode == "never"
    pbx.kill()
    pbx.reconnect([])
    assert not pbx.audible()
    end(pbx)


def test_a_transfer_and_a_restart_in_one_moment() -> None:
    """That of the answer, too: who is left there is not who talked."""
    pbx = talking(("standby", "extension", "2101", None), ("never", "extension", "2102", None))
    pbx.cut()
    transfer(pbx, COLLEAGUE)
    pbx.kill()
    pbx.reconnect([])
    assert not pbx.audible()
    end(pbx)
