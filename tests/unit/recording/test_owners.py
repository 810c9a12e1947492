"""Whose a channel, recording, playback or bridge is: told by its id, and forgotten with its call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from callrec.pbx import events as ev
from callrec.recording.actions import Making, StartSnoop, about
from callrec.recording.capture import LiveCapture
from callrec.recording.owners import NOBODY, Owner, Owners
from tests.scenarios.replay import RULES, ids_of, office, tracker, transcript
from tests.unit.channels import LATER, OUTSIDE, channel, open_checkpoint, quiet_tracker


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


def test_what_is_gone_or_of_a_call_that_is_forgotten_is_nobodys() -> None:
    owners, one, other = Owners(), Told(), Told()
    owners.add("1.0", one, ["a", "b"])
    owners.add("2.0", other, ["c"])
    owners.gone("a")
    assert [owners.of(id_).owner for id_ in "abc"] == [NOBODY, one, other]
    owners.forget("1.0")
    assert [owners.of(id_).owner for id_ in "abc"] == [NOBODY, NOBODY, other]
    owners.gone("a")
    owners.forget("1.0")
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


def test_a_snoop_that_is_gone_is_not_asked_for_again() -> None:
    played = quiet_tracker()
    made = StartSnoop("1.0", OUTSIDE.id, "callrec.y", owner=Told())
    played._owned([made])
    gone = replace(channel("callrec.y", "Snoop/x", linkedid="callrec.y"))
    played.handle(ev.ChannelDestroyed(LATER, gone))
    assert played._owners.of("callrec.y").owner is NOBODY
