"""Announcements during the call: heard to their end, broken off, put off, and made again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from callrec.model.flaws import Flaw
from callrec.pbx import events as ev
from callrec.recording.actions import Action, HangUp, PlayMedia, SaveCheckpoint, StartSnoop, TellFlaw
from callrec.recording.tracker import CallTracker
from tests.scenarios.replay import office, tracker
from tests.unit.channels import (
    BRIDGE,
    LATER,
    OUTSIDE,
    PHONE,
    SECOND,
    channel,
    snoop_started,
    start_tracks,
    talks,
)


def _announced() -> tuple[CallTracker, StartSnoop]:
    """A call whose recording has begun, and the snoop that is to announce it."""
    played = tracker(office(("automatic", "everywhere", None, "on-start")), ("call", "recording"))
    _, asked = start_tracks(played, talks(played, "b", OUTSIDE, PHONE))
    (snoop,) = [each for each in asked if isinstance(each, StartSnoop)]
    return played, snoop


def test_an_announcement_broken_off_by_a_lost_link_is_made_again_whatever_is_told_late() -> None:
    played, first = _announced()
    capture = played.calls["1.0"].capture
    assert capture
    tracks = [channel(id_, "Snoop/x", linkedid="s") for id_ in capture.tracks.snoops]
    whisper = channel(first.snoop, "Snoop/x", linkedid="s")
    again = played.compare([OUTSIDE, PHONE, *tracks, whisper], BRIDGE, {}, [], LATER)
    (second,) = [each for each in again if isinstance(each, StartSnoop)]
    assert second.snoop != first.snoop, "the PBX may have the first one still"
    played.handle(ev.ChannelDestroyed(LATER, whisper))
    (play,) = played.handle(snoop_started(second))
    assert isinstance(play, PlayMedia)
    played.handle(ev.PlaybackStarted(LATER, play.playback))
    played.handle(ev.PlaybackFinished(LATER, play.playback, failed=False))
    (made,) = played.calls["1.0"].record.announcements
    assert made.complete


def test_an_announcement_whose_snoop_goes_before_it_is_refused_is_noted() -> None:
    played, snoop = _announced()
    played.handle(ev.ChannelDestroyed(LATER, channel(snoop.snoop, "Snoop/x", linkedid="s")))
    played.refused(snoop, "out of channels", LATER)
    assert "out of channels" in str(played.calls["1.0"].record.notes)


def _announcing() -> tuple[CallTracker, PlayMedia]:
    """A call in which the announcement is heard, and its playback."""
    played, snoop = _announced()
    (play,) = played.handle(snoop_started(snoop))
    assert isinstance(play, PlayMedia)
    played.handle(ev.PlaybackStarted(LATER, play.playback))
    return played, play


def _leaves(played: CallTracker, who: ev.Channel, bridge: str, alone: ev.Channel) -> list[Action]:
    return played.handle(ev.LeftBridge(LATER, who, bridge, (alone.id,)))


@pytest.mark.parametrize("first", [OUTSIDE, PHONE])
def test_an_announcement_that_a_hangup_cuts_short_at_once_is_no_fault_of_the_pbx(first: ev.Channel) -> None:
    played, play = _announcing()
    left = _leaves(played, first, "b", PHONE if first is OUTSIDE else OUTSIDE)
    assert HangUp("1.0", play.snoop) in left
    told = played.handle(ev.PlaybackFinished(LATER + timedelta(seconds=0.05), play.playback, failed=True))
    record = played.calls["1.0"].record
    assert not told and not record.notes and not record.announcements[0].complete


def _whispers(actions: list[Action]) -> list[StartSnoop]:
    return [each for each in actions if isinstance(each, StartSnoop) and each.whisper == "both"]


def test_an_announcement_is_made_again_for_who_was_left_waiting_during_it() -> None:
    """Staff ask somebody else by code, who would hear the rest, and come back."""
    played, play = _announcing()
    colleague = replace(SECOND, linkedid="1.0")
    assert HangUp("1.0", play.snoop) in _leaves(played, PHONE, "b", OUTSIDE)
    talks(played, "consultation", PHONE, colleague)
    assert not played.tick(LATER)
    _leaves(played, PHONE, "consultation", colleague)
    back = played.handle(ev.EnteredBridge(LATER, PHONE, "b", (OUTSIDE.id, PHONE.id)))
    _, asked = start_tracks(played, back)
    (again,) = _whispers([*asked, *played.tick(LATER)])
    assert again.snoop != play.snoop


def test_an_announcement_goes_on_by_another_phone_of_a_conference() -> None:
    played, play = _announcing()
    others = [replace(SECOND, id=id_, linkedid="1.0") for id_ in ("1.8", "1.9")]
    members = [OUTSIDE.id, PHONE.id]
    for each in others:
        members.append(each.id)
        played.handle(ev.EnteredBridge(LATER, each, "b", tuple(members)))
    left = played.handle(ev.LeftBridge(LATER, PHONE, "b", (OUTSIDE.id, "1.8", "1.9")))
    assert HangUp("1.0", play.snoop) in left
    (again,) = _whispers(played.tick(LATER))
    assert again.channel == "1.8" and not _whispers(played.tick(LATER)), "once"


@pytest.mark.parametrize(("seconds", "told"), [(0.01, True), (3.0, False)])
def test_an_announcement_that_the_pbx_cannot_play_is_told_at_once(seconds: float, told: bool) -> None:
    """One that a hang-up cuts short fails too, but later."""
    played, play = _announcing()
    ended_at = LATER + timedelta(seconds=seconds)
    actions = played.handle(ev.PlaybackFinished(ended_at, play.playback, failed=True))
    record = played.calls["1.0"].record
    assert [each for each in actions if isinstance(each, TellFlaw)] == (
        [TellFlaw("1.0", record.id, Flaw.ANNOUNCEMENT_FAILED)] if told else []
    )
    assert ("could not be played by the PBX" in str(record.notes)) is told
    assert not record.announcements[0].complete


@pytest.mark.parametrize("who", [OUTSIDE, PHONE])
def test_an_announcement_is_made_again_after_a_hold(who: ev.Channel) -> None:
    """Nobody on hold hears it; of a phone that sends nothing it is not even mixed into the call."""
    played, play = _announcing()
    held = played.handle(ev.Hold(LATER, who, on=True))
    assert HangUp("1.0", play.snoop) in held and any(isinstance(each, SaveCheckpoint) for each in held)
    assert not played.tick(LATER)
    assert not played.handle(ev.Hold(LATER, who, on=False))
    (again,) = _whispers(played.tick(LATER))
    assert again.snoop != play.snoop and not _whispers(played.tick(LATER)), "once"


def test_an_announcement_that_is_due_during_a_hold_is_made_after_it() -> None:
    played = tracker(office(("automatic", "everywhere", None, "on-start")), ("call", "recording"))
    asked = talks(played, "b", OUTSIDE, PHONE)
    assert not played.handle(ev.Hold(LATER, PHONE, on=True))
    _, begun = start_tracks(played, asked)
    assert not _whispers([*begun, *played.tick(LATER)])
    played.handle(ev.Hold(LATER, PHONE, on=False))
    assert len(_whispers(played.tick(LATER))) == 1


def test_a_hold_moves_no_channel_and_begins_no_call() -> None:
    """In an attended transfer it is told of a channel with the linked id of the call that it comes from."""
    played, _ = _announcing()
    played.handle(ev.Hold(LATER, replace(PHONE, linkedid="9.0"), on=False))
    played.handle(ev.Hold(LATER, replace(SECOND, linkedid="9.1"), on=False))
    assert set(played.calls) == {"1.0"} and PHONE.id in played.calls["1.0"].legs


def test_the_hold_of_a_phone_that_does_not_hear_the_announcement_changes_nothing() -> None:
    played, _ = _announcing()
    third = replace(SECOND, linkedid="1.0")
    played.handle(ev.EnteredBridge(LATER, third, "b", (OUTSIDE.id, PHONE.id, third.id)))
    assert not played.handle(ev.Hold(LATER, third, on=True))


def test_an_announcement_that_the_pbx_refuses_after_a_hold_is_not_asked_for_for_ever() -> None:
    played, _ = _announcing()
    for on in (True, False):
        played.handle(ev.Hold(LATER, PHONE, on=on))
    (again,) = _whispers(played.tick(LATER))
    played.refused(again, "out of channels", LATER)
    assert not _whispers(played.tick(LATER))


def test_a_hold_that_ended_while_the_link_was_away_does_not_last() -> None:
    played, _ = _announcing()
    played.handle(ev.Hold(LATER, PHONE, on=True))
    capture = played.calls["1.0"].capture
    assert capture
    tracks = [channel(id_, "Snoop/x", linkedid="s") for id_ in capture.tracks.snoops]
    assert len(_whispers(played.compare([OUTSIDE, PHONE, *tracks], BRIDGE, {}, [], LATER))) == 1


def test_another_phone_of_a_conference_announces_during_a_hold() -> None:
    played, play = _announcing()
    third = replace(SECOND, linkedid="1.0")
    played.handle(ev.EnteredBridge(LATER, third, "b", (OUTSIDE.id, PHONE.id, third.id)))
    assert HangUp("1.0", play.snoop) in played.handle(ev.Hold(LATER, PHONE, on=True))
    (again,) = _whispers(played.tick(LATER))
    assert again.channel == third.id
