"""Calls of which some talk elsewhere: a linked id says who has met, not who talks with whom."""

from __future__ import annotations

from dataclasses import replace

from callrec.pbx import events as ev
from callrec.recording.actions import HandOver, StartSnoop
from callrec.recording.tracker import CallTracker
from tests.scenarios.replay import office, tracker
from tests.unit.channels import LATER, OTHER, OUTSIDE, PHONE, begin_recording, channel, talks

EVERYBODY = ("automatic", "everywhere", None, "none")
COLLEAGUE = channel("1.2", "PJSIP/2102-00000003", "2102")
CALLED = replace(channel("1.3", "PJSIP/2201-00000004", "2201"), created_at=LATER)


def _played() -> CallTracker:
    return tracker(office(EVERYBODY), (f"new-{number}" for number in range(9)))


def _captured(played: CallTracker) -> dict[str, str | None]:
    """Returns the channel that is captured in each call."""
    return {key: call.capture.channel for key, call in played.calls.items() if call.capture}


def _leaves_and_calls(played: CallTracker) -> list[str]:
    """2102 leaves the conference with the caller, and calls 2201; returns the tracks that begin."""
    played.handle(ev.LeftBridge(LATER, COLLEAGUE, "a", (OUTSIDE.id, PHONE.id)))
    commands = talks(played, "c", COLLEAGUE, CALLED)
    assert {each.channel for each in commands if isinstance(each, StartSnoop)} <= {COLLEAGUE.id, CALLED.id}
    return begin_recording(played, commands)


def test_who_leaves_a_conference_and_calls_another_is_recorded_beside_it() -> None:
    played = _played()
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE, COLLEAGUE))
    assert len(_leaves_and_calls(played)) == 2
    assert _captured(played) == {"1.0": OUTSIDE.id, "new-2": COLLEAGUE.id}
    assert {key: set(call.legs) for key, call in played.calls.items()} == {
        "1.0": {OUTSIDE.id, PHONE.id},
        "new-2": {COLLEAGUE.id, CALLED.id},
    }
    (own,) = [call.record for key, call in played.calls.items() if key != "1.0"]
    assert {each.extension for each in own.participants} == {"2102", "2201"} and own.answered_at


def test_those_from_whom_the_captured_one_goes_away_are_recorded_too() -> None:
    """The caller is put out of the conference, and on to somebody whom that call has called."""
    played = _played()
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE, COLLEAGUE))
    played.handle(ev.LeftBridge(LATER, OUTSIDE, "a", (PHONE.id, COLLEAGUE.id)))
    begin_recording(played, talks(played, "c", OUTSIDE, replace(CALLED, linkedid="1.0")))
    assert {key: set(call.legs) for key, call in played.calls.items()} == {
        "1.0": {OUTSIDE.id, CALLED.id},
        "new-2": {PHONE.id, COLLEAGUE.id},
    }
    assert _captured(played)["1.0"] == OUTSIDE.id
    assert _captured(played)["new-2"] in {PHONE.id, COLLEAGUE.id}


def test_of_two_conferences_whose_people_meet_each_keeps_whom_it_calls() -> None:
    played = _played()
    theirs = [channel(f"2.{n}", f"PJSIP/211{n}-2", f"211{n}", linkedid="2.0") for n in range(3)]
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE, COLLEAGUE))
    begin_recording(played, talks(played, "b", *theirs))
    played.handle(ev.LeftBridge(LATER, COLLEAGUE, "a", (OUTSIDE.id, PHONE.id)))
    played.handle(ev.LeftBridge(LATER, theirs[2], "b", (theirs[0].id, theirs[1].id)))
    begin_recording(played, talks(played, "c", COLLEAGUE, theirs[2]))
    played.handle(ev.ChannelCreated(LATER, replace(CALLED, linkedid="2.0")))
    assert sorted(sorted(call.legs) for call in played.calls.values()) == [
        [OUTSIDE.id, PHONE.id],
        [COLLEAGUE.id, theirs[2].id],
        [CALLED.id, theirs[0].id, theirs[1].id],
    ]


def test_who_comes_back_into_the_conference_ends_the_recording_beside_it() -> None:
    played = _played()
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE, COLLEAGUE))
    tracks = _leaves_and_calls(played)
    commands = played.handle(ev.LeftBridge(LATER, COLLEAGUE, "c", (CALLED.id,)))
    there = (OUTSIDE.id, PHONE.id, COLLEAGUE.id)
    commands += played.handle(ev.EnteredBridge(LATER, COLLEAGUE, "a", there))
    commands += played.handle(ev.ChannelDestroyed(LATER, CALLED))
    commands += [each for name in tracks for each in played.handle(ev.RecordingFinished(LATER, name))]
    (handed,) = [each for each in commands if isinstance(each, HandOver)]
    assert handed.captured.call.id == "new-2"
    assert _captured(played)["1.0"] == OUTSIDE.id and set(played.calls["1.0"].legs) == set(there)


def test_a_transfer_goes_on_in_its_own_call_whatever_linked_id_its_party_has() -> None:
    """2101 was put from a caller to 2102 and 2103, and left them with the linked id of that call.

    The caller goes on talking to somebody else outside; 2103 is transferred to 2201.
    """
    played = _played()
    outside = replace(OTHER, id="1.9", linkedid="1.0")
    first, second = (channel(f"5.{end}", f"PJSIP/210{end + 2}-5", f"210{end + 2}") for end in (0, 1))
    first, second = replace(first, linkedid="5.0"), replace(second, linkedid="5.0")
    begin_recording(played, talks(played, "a", OUTSIDE, PHONE, outside))
    begin_recording(played, talks(played, "b", first, second))
    played.handle(ev.LeftBridge(LATER, PHONE, "a", (OUTSIDE.id, outside.id)))
    played.handle(ev.EnteredBridge(LATER, PHONE, "b", (first.id, second.id, PHONE.id)))
    met = replace(second, linkedid="1.0")
    played.handle(ev.ChannelDestroyed(LATER, PHONE))
    played.handle(ev.LeftBridge(LATER, first, "b", (second.id,)))
    played.handle(ev.LeftBridge(LATER, met, "b", ()))
    played.handle(ev.ChannelDestroyed(LATER, first))
    commands = talks(played, "c", CALLED, met)
    assert {key: set(call.legs) for key, call in played.calls.items()} == {
        "1.0": {OUTSIDE.id, outside.id},
        "5.0": {met.id, CALLED.id},
    }
    assert {each.channel for each in commands if isinstance(each, StartSnoop)} <= {met.id, CALLED.id}
    assert _captured(played)["1.0"] == OUTSIDE.id
    assert not any("went on" in note.text for note in played.calls["5.0"].record.notes)
