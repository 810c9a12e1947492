"""Whose a channel, recording, playback or bridge is: told by its id, and forgotten with its call."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from callrec.model.flaws import Flaw
from callrec.pbx import events as ev
from callrec.recording.actions import (
    Action,
    HangUp,
    Making,
    PlayMedia,
    StartSnoop,
    TellFlaw,
    about,
)
from callrec.recording.capture import LiveCapture
from callrec.recording.owners import NOBODY, Owner, Owners
from callrec.recording.tracker import CallTracker
from tests.scenarios.replay import RULES, ids_of, office, tracker, transcript
from tests.unit.channels import (
    BRIDGE,
    LATER,
    OUTSIDE,
    PHONE,
    SECOND,
    channel,
    open_checkpoint,
    quiet_tracker,
    snoop_started,
    start_tracks,
    talks,
)


class Told(Owner):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.channels: list[str] = []

    def channel_started(self, channel: str) -> list[Any]:
        self.channels.append(channel)
        return []


def test_what_nobody_made_is_nobodys_and_means_nothing_to_do() -> None:
    owned = Owners().of("callrec.x")
    assert owned.owner is NOBODY and owned.owner.channel_started("callrec.x") == []


def test_what_a_call_made_is_nobodys_once_the_call_is_forgotten() -> None:
    owners, one, other = Owners(), Told(), Told()
    owners.add("1.0", one, ["a", "b"])
    owners.add("2.0", other, ["c"])
    owners.forget("1.0")
    owners.forget("1.0")
    assert [owners.of(id_).owner for id_ in "abc"] == [NOBODY, NOBODY, other]
    assert len(owners) == 1


@pytest.mark.parametrize("name", RULES)
def test_everything_that_is_made_has_an_owner_as_soon_as_it_is_asked_for(name: str) -> None:
    played = tracker(office(*RULES[name]), ids_of(name))
    for event in transcript(name):
        for action in played.handle(event):
            if isinstance(action, Making):
                assert played._owners.of(about(action)) == (action.linkedid, action.owner)


def test_after_a_restart_what_was_made_before_has_its_owner_again() -> None:
    played = quiet_tracker()
    checkpoint = open_checkpoint()
    played.restore(checkpoint)
    capture = played.calls[checkpoint.call.linkedid].capture
    assert isinstance(capture, LiveCapture)
    for name in (checkpoint.capture.segments[0].external.name, *capture.tracks.snoops):
        assert played._owners.of(name).owner is capture


def test_an_event_about_one_call_is_told_to_no_other() -> None:
    """The part that made a channel is told of it once, however many calls there are."""
    played = quiet_tracker()
    told = {number: Told() for number in range(3)}
    for number, owner in told.items():
        played._owners.add(f"{number}.0", owner, [f"callrec.x-{number}"])
    ours = channel("callrec.x-1", "Snoop/x", linkedid="callrec.x-1")
    assert played.handle(ev.OwnChannelStarted(LATER, ours)) == []
    assert [owner.channels for owner in told.values()] == [[], ["callrec.x-1"], []]


GONE = channel("callrec.y", "Snoop/x", linkedid="callrec.y")


def test_what_is_gone_has_its_owner_still_for_what_is_told_late() -> None:
    """The PBX can refuse to make a channel after it has told that it is gone."""
    played, told = quiet_tracker(), Told()
    made = StartSnoop("1.0", OUTSIDE.id, GONE.id, owner=told)
    played._owned([made])
    played.handle(ev.ChannelDestroyed(LATER, GONE))
    assert played._owners.of(GONE.id).owner is told


def test_a_side_whose_snoop_goes_before_it_is_refused_fails_with_the_reason_of_the_pbx() -> None:
    played = quiet_tracker()
    asked = [each for each in talks(played, "b", OUTSIDE, PHONE) if isinstance(each, StartSnoop)]
    played.handle(ev.ChannelDestroyed(LATER, channel(asked[0].snoop, "Snoop/x", linkedid=asked[0].snoop)))
    played.refused(asked[0], "out of channels", LATER)
    capture = played.calls["1.0"].capture
    assert capture and "out of channels" in str(capture.frozen().segments[0])


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
