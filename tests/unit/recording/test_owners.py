"""Whose a channel, recording, playback or bridge is: told by its id, and forgotten with its call."""

from __future__ import annotations

from typing import Any

import pytest

from callrec.pbx import events as ev
from callrec.recording.actions import Making, StartSnoop, about
from callrec.recording.capture import LiveCapture
from callrec.recording.owners import NOBODY, Owner, Owners
from tests.scenarios.replay import RULES, ids_of, office, tracker, transcript
from tests.unit.channels import (
    LATER,
    OUTSIDE,
    PHONE,
    channel,
    open_checkpoint,
    quiet_tracker,
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
