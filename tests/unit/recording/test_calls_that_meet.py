"""Calls that become one, in a conference, by Local channels or by staff who connect them; and who is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from callrec.model.calls import CallRecord, FeatureCode, Participant
from callrec.model.captures import Checkpoint, Track
from callrec.model.rules import Direction
from callrec.pbx import events as ev
from callrec.policy.office import Office
from callrec.recording.actions import Action, Mute, SaveCall, StartSnoop, Unmute
from callrec.recording.call import Call
from callrec.recording.legs import Leg
from callrec.recording.tracker import CallTracker
from tests.scenarios.replay import office, tracker
from tests.unit.channels import (
    LATER,
    OTHER,
    OUTSIDE,
    PHONE,
    SECOND,
    begin_recording,
    channel,
    open_checkpoint,
    talks,
)
from tests.unit.pbx_model import ModelPbx
from tests.unit.samples import START

EARLIER = START - timedelta(minutes=5)
WAITING = replace(channel("0.1", "PJSIP/2102-00000000", "2102", "7000", linkedid="0.1"), created_at=EARLIER)
"""One of staff who is alone in the conference since before the call."""
ASKING = replace(channel("2.0", "PJSIP/2101-00000003", "2101", "7000", linkedid="2.0"), created_at=LATER)
"""The second channel of who talks to the caller: it asks in the conference."""
EVERYBODY = ("automatic", "everywhere", None, "none")
NEVER = ("never", "extension", "2102", None)


def _played(*rules: tuple[str, str, str | None, str | None]) -> CallTracker:
    """The caller talks to 2101, and 2102 waits in the conference."""
    played = tracker(office(*rules), (f"new-{number}" for number in range(9)))
    talks(played, "phone", WAITING)
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE))
    return played


def _only_inbound(mode: str = "automatic") -> Office:
    every = office((mode, "everywhere", None, "none"))
    rules = [replace(each, direction=Direction.INBOUND) for each in every.rules]
    return Office(every.facilities.values(), every.extensions.values(), rules)


def _session(played: CallTracker) -> Call:
    return played.calls["1.0"]


def _transferred_into_the_phone(played: CallTracker, order: Sequence[int] = range(3)) -> list[Action]:
    """As Asterisk tells it: the caller leaves its bridge, and is told to enter none."""
    talks(played, "phone", WAITING, ASKING)
    told = (
        ev.TookPlace(LATER, OUTSIDE, ASKING.id),
        ev.LeftBridge(LATER, PHONE, "a", (OUTSIDE.id,)),
        ev.LeftBridge(LATER, OUTSIDE, "a", ()),
    )
    return [command for number in order for command in played.handle(told[number])]


def _present(played: CallTracker) -> set[str | None]:
    return {each.extension for each in _session(played).record.participants if not each.left_at}


def test_who_is_transferred_into_a_conference_talks_to_everybody_there() -> None:
    played = _played(EVERYBODY)
    recording = _session(played).capture
    _transferred_into_the_phone(played)
    assert _present(played) == {None, "2102"}
    assert _session(played).capture is recording and recording and not recording.gone_at
    played.key_pressed(ev.RawKeyPress("p1", FeatureCode.KEEP, WAITING.linkedid, WAITING.name, LATER))
    assert [(each.extension, each.result) for each in _session(played).record.key_presses] == [
        ("2102", "marked")
    ]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
def test_who_is_never_recorded_is_not_by_a_transfer_into_a_conference(order: Sequence[int]) -> None:
    """In whatever order it is told: there is no fixed one."""
    commands = _transferred_into_the_phone(_played(EVERYBODY, NEVER), order)
    assert len([each for each in commands if isinstance(each, Mute)]) == 2


def test_who_is_met_behind_a_local_channel_counts_too() -> None:
    """Attended transfer by code: the caller and the conference are connected by a Local channel."""
    ends = [channel(f"3.{half}", f"Local/7000@from-phones-0001;{half}") for half in "12"]
    played = _played(EVERYBODY, NEVER)
    for end in ends:
        played.handle(ev.ChannelCreated(LATER, end))
    played.handle(ev.EnteredBridge(LATER, ends[1], "phone", (WAITING.id, ends[1].id)))
    played.handle(ev.LeftBridge(LATER, PHONE, "a", (OUTSIDE.id,)))
    commands = played.handle(ev.EnteredBridge(LATER, ends[0], "a", (OUTSIDE.id, ends[0].id)))
    assert _present(played) == {None, "2102"}
    assert [each for each in commands if isinstance(each, Mute)]


def test_what_nobody_saw_is_seen_when_the_link_is_back() -> None:
    played = _played(EVERYBODY, NEVER)
    snoops = [channel(each, "Snoop/x", linkedid=each) for each in _session(played).snoops]
    there = [OUTSIDE, WAITING, *snoops]
    commands = played.compare(there, {"phone": (OUTSIDE.id, WAITING.id)}, {}, [], LATER)
    assert _present(played) == {None, "2102"}
    assert [each for each in commands if isinstance(each, Mute)]


def test_a_restart_makes_no_call_of_its_own_of_who_is_in_a_conference() -> None:
    """Each of them has a linked id of its own; the row of their own calls was written when they came in."""
    before = _session(_played(EVERYBODY))
    again = tracker(office(EVERYBODY), iter("abcdef"))
    assert before.capture
    again.restore(Checkpoint(before.record, before.capture.frozen()))
    commands = again.compare([OUTSIDE, WAITING], {"phone": (OUTSIDE.id, WAITING.id)}, {}, [], LATER)
    assert not [each for each in commands if isinstance(each, SaveCall)]
    assert _present(again) == {None, "2102"}


def test_a_call_goes_on_after_a_restart_whose_first_channel_is_in_another_by_then() -> None:
    """That one has the linked id of the call that it has left, and is known before those who are in it."""
    one, other = open_checkpoint(), open_checkpoint()
    staying = replace(one.capture.segments[0], channel="1.8")
    moved, partner = replace(OUTSIDE, linkedid="1.0"), channel("2.2", "PJSIP/2201-00000007", linkedid="2.0")
    one = replace(
        one,
        call=replace(one.call, participants=_open(one.call, "1.8", "1.9")),
        capture=replace(one.capture, segments=(staying,)),
    )
    second = replace(other.call, id="other", linkedid="2.0", participants=_open(other.call, moved.id, "2.2"))
    again = tracker(office(EVERYBODY), iter("abcdef"))
    again.restore(one)
    again.resume(second)
    names = {"1.8": "PJSIP/outside-1", "1.9": "PJSIP/2102-1"}
    a, b = (channel(id_, name, linkedid="1.0") for id_, name in names.items())
    there = [moved, partner, a, b, *(channel(each, "Snoop/x", linkedid=each) for each in _snoops(again))]
    again.compare(there, {"x": (moved.id, partner.id), "y": (a.id, b.id)}, {}, [], LATER)
    going_on = again.calls["1.0"]
    assert set(going_on.legs) == {"1.8", "1.9"} and not going_on.is_over
    assert going_on.capture and not going_on.capture.gone_at and not going_on.capture.is_silent


def _open(call: CallRecord, *channels: str) -> tuple[Participant, ...]:
    first = call.participants[0]
    return tuple(replace(first, channel=each, left_at=None) for each in channels)


def _snoops(of: CallTracker) -> set[str]:
    return {snoop for call in of.calls.values() for snoop in call.snoops}


def test_a_recording_that_had_ended_before_a_restart_is_not_silenced_by_whom_its_party_met_then() -> None:
    known = open_checkpoint()
    over = [replace(track, finished_at=LATER) for track in (known.capture.segments[0].external,) * 2]
    ended = replace(known.capture.segments[0], external=over[0], staff=over[1])
    again = tracker(office(EVERYBODY, NEVER), iter("abcdef"))
    refused = Track("callrec/refused", failed="the PBX refuses")
    first = replace(ended, number=1, external=refused)
    second = replace(ended, number=2, external=replace(over[0], name="a"), staff=replace(over[1], name="b"))
    again.restore(replace(known, capture=replace(known.capture, segments=(first, second))))
    call = again.calls[known.call.linkedid]
    forbidden = Leg(WAITING, "2102", bridge="b")
    assert call.met_unseen(ended.channel, [forbidden], LATER) == []
    assert call.capture and not call.capture.is_silent


def test_the_recording_of_somebody_outside_goes_on_where_staff_talked_before() -> None:
    """2101 and 2102 talk; a caller comes in on another line, and is connected with 2102."""
    played = tracker(_only_inbound(), iter("abcdef"))
    colleague = replace(WAITING, linkedid="0.0")
    first = replace(ASKING, id="0.0", linkedid="0.0", created_at=EARLIER)
    talks(played, "old", first, colleague)
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE))
    recording = _session(played).capture
    played.handle(ev.LeftBridge(LATER, PHONE, "a", (OUTSIDE.id,)))
    played.handle(ev.LeftBridge(LATER, first, "old", (colleague.id,)))
    moved = replace(OUTSIDE, linkedid="0.0")
    commands = played.handle(ev.EnteredBridge(LATER, moved, "old", (colleague.id, OUTSIDE.id)))
    assert _session(played).capture is recording and recording and not recording.gone_at
    assert _present(played) == {None, "2102"}
    assert {each.channel for each in commands if isinstance(each, StartSnoop)} == {OUTSIDE.id}
    new = channel("1.9", "PJSIP/2201-00000009", "2201", linkedid="0.0")
    played.handle(ev.ChannelCreated(LATER, new))
    assert new.id in _session(played).legs, "the linked id means this call now"
    for each in (first, PHONE, colleague, OUTSIDE, new):
        played.handle(ev.ChannelDestroyed(LATER, each))
    played.tick(LATER + timedelta(seconds=10))
    assert not played.calls


COLLEAGUE = channel("1.2", "PJSIP/2102-00000003", "2102")


def _caller_hangs_up(rules: Office, how: str) -> ModelPbx:
    """Two of staff are left, with whom the caller was in a conference, or who talk while the caller waits."""
    pbx = ModelPbx(rules)
    for each in (OUTSIDE, PHONE, COLLEAGUE):
        pbx.create(each)
    pbx.enter(PHONE.id, OUTSIDE.id)
    if how == "conference":
        pbx.enter(COLLEAGUE.id)
    else:
        pbx.leave(PHONE.id)
        pbx.enter(COLLEAGUE.id, PHONE.id, bridge="consultation")
    pbx.pass_time(1)
    pbx.hang_up(OUTSIDE.id)
    return pbx


@pytest.mark.parametrize("how", ["conference", "consultation"])
def test_staff_who_are_left_alone_are_recorded_only_if_their_internal_calls_are(how: str) -> None:
    pbx = _caller_hangs_up(_only_inbound(), how)
    assert not pbx.audible()
    pbx.press(PHONE.id, "keep", "p1")
    pbx.pass_time(5)
    assert not pbx.audible()
    assert [each.result for each in pbx.tracker.calls["1.0"].record.key_presses] == ["marked"]
    for id_ in (PHONE.id, COLLEAGUE.id):
        pbx.hang_up(id_)
    pbx.pass_time(10)
    (kept,) = pbx.kept.values()
    assert [segment.number for segment in kept.capture.segments] == [1] and not pbx.snoops
    assert kept.call.decision_changes[-1].decision.mode == "never" and kept.capture.kept_because == "key"


@pytest.mark.parametrize(
    ("mode", "key", "effect"),
    [("standby", "keep", "kept"), ("standby", "help", "help-sent"), ("manual", "keep", "refused")],
)
def test_staff_who_are_left_alone_can_still_keep_what_was_captured(mode: str, key: str, effect: str) -> None:
    pbx = _caller_hangs_up(_only_inbound(mode), "conference")
    pbx.press(PHONE.id, "pause", "p0")
    pbx.press(PHONE.id, key, "p1")
    assert [each.result for each in pbx.tracker.calls["1.0"].record.key_presses] == ["refused", effect]
    pbx.pass_time(5)
    assert not pbx.audible()
    for id_ in (PHONE.id, COLLEAGUE.id):
        pbx.hang_up(id_)
    pbx.pass_time(10)
    assert len(pbx.kept) == (1 if mode == "standby" else 0) and not pbx.discarded


@pytest.mark.parametrize("how", ["conference", "consultation"])
def test_a_recording_goes_on_with_staff_whose_internal_calls_are_recorded(how: str) -> None:
    pbx = _caller_hangs_up(office(EVERYBODY), how)
    assert len(pbx.audible()) == 2 and set(pbx.snoops.values()) <= {PHONE.id, COLLEAGUE.id}


def test_a_caller_who_is_never_recorded_is_not_in_a_conference_with_another() -> None:
    """Nor when that one, in whose call they have met, is gone."""
    other = replace(channel("2.0", "PJSIP/outside-00000004", "0398765432", linkedid="2.0"), created_at=LATER)
    theirs = replace(channel("2.1", "PJSIP/2102-00000005", "2102", linkedid="2.0"), created_at=LATER)
    played = tracker(office(EVERYBODY, ("never", "caller", "+81398765432", "none")), map(str, range(9)))
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE))
    talks(played, "b", other, theirs)
    commands = talks(played, "phone", OUTSIDE, PHONE, theirs, other)
    assert len([each for each in commands if isinstance(each, Mute)]) == 2
    there = (PHONE.id, theirs.id, other.id)
    left = played.handle(ev.LeftBridge(LATER, OUTSIDE, "phone", there))
    left += played.handle(ev.ChannelDestroyed(LATER, OUTSIDE))
    assert not [each for each in left if isinstance(each, (StartSnoop, Unmute))]


@pytest.mark.parametrize("stays", [True, False])
def test_who_is_moved_to_others_leaves_each_call_its_recording(stays: bool) -> None:
    """Also where the older call has somebody outside, who talks on or waits alone."""
    played = tracker(office(EVERYBODY), (f"new-{number}" for number in range(9)))
    third = replace(WAITING, linkedid="1.0")
    first = [OUTSIDE, PHONE, third] if stays else [OUTSIDE, PHONE]
    begin_recording(played, talks(played, "a", *first))
    begin_recording(played, talks(played, "b", SECOND, OTHER))
    played.handle(ev.LeftBridge(LATER, PHONE, "a", tuple(each.id for each in first if each is not PHONE)))
    played.handle(ev.EnteredBridge(LATER, PHONE, "b", (SECOND.id, OTHER.id, PHONE.id)))
    assert set(played.calls["2.0"].legs) == {SECOND.id, OTHER.id, PHONE.id}
    captured = [played.calls[key].capture for key in ("1.0", "2.0")]
    assert [each and not each.gone_at and each.channel for each in captured] == [OUTSIDE.id, OTHER.id]


def test_a_channel_of_a_call_that_went_into_another_twice_is_in_the_last() -> None:
    played = tracker(office(EVERYBODY), map(str, range(9)))
    first = replace(channel("3.0", "PJSIP/2101-00000003", "2101", linkedid="3.0"), created_at=LATER)
    second = replace(channel("2.0", "PJSIP/2102-00000002", "2102", linkedid="2.0"), created_at=START)
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE))
    talks(played, "b", second, first)
    talks(played, "phone", OUTSIDE, PHONE, second)
    played.handle(ev.ChannelDestroyed(LATER, first))
    played.tick(LATER + timedelta(seconds=10))
    assert set(played.calls) == {"1.0"}
    played.handle(ev.ChannelCreated(LATER, replace(first, id="3.9")))
    assert set(played.calls) == {"1.0"}


def test_a_line_of_the_fallback_that_comes_into_a_call_does_not_take_it_along() -> None:
    """The journal will tell of the call that line began, and of no other."""
    played = tracker(office(), (f"new-{number}" for number in range(9)))
    talks(played, "a", OUTSIDE, PHONE)
    there = [OUTSIDE, PHONE, SECOND]
    bridges = {"a": tuple(each.id for each in there)}
    for _ in range(2):
        played.compare(there, bridges, {SECOND.id: ev.FallbackCall(LATER)}, [], LATER)
    assert not _session(played).fallback
    ended = [each for channel in there for each in played.handle(ev.ChannelDestroyed(LATER, channel))]
    assert [each.call.id for each in ended if isinstance(each, SaveCall)] == ["new-0"]
