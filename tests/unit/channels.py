"""Channels of a call as Asterisk tells of them, and what happens to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from callrec.model.captures import Checkpoint
from callrec.pbx import events as ev
from callrec.recording.actions import (
    Action,
    PbxAction,
    RecordSnoop,
    StartSnoop,
)
from callrec.recording.tracker import CallTracker
from tests.scenarios.replay import office, tracker
from tests.unit.samples import START, captured_call, checkpoint

RULE = ("automatic", "everywhere", None, "none")
LATER = START + timedelta(minutes=1)


def channel(id_: str, name: str, caller: str = "", exten: str = "s", linkedid: str = "1.0") -> ev.Channel:
    return ev.Channel(id_, name, "Up", caller, exten, linkedid, START)


OUTSIDE = channel("1.0", "PJSIP/outside-00000001", "0312345678", "2101")
PHONE = channel("1.1", "PJSIP/2101-00000002", "2101")
SNOOPS = [
    channel(f"callrec.{captured_call().capture.recording_id}-1-{side}", "Snoop/1.0-0", linkedid="s")
    for side in ("external", "staff")
]
BRIDGE: dict[str, tuple[str, ...]] = {"b": ("1.0", "1.1")}


def on_pbx(action: Action) -> PbxAction:
    """An action that the PBX performs, and may refuse."""
    assert isinstance(action, PbxAction)
    return action


def quiet_tracker() -> CallTracker:
    return tracker(office(RULE), (f"new-{number}" for number in count()))


def open_checkpoint() -> Checkpoint:
    talking = tuple(replace(each, left_at=None) for each in captured_call().call.participants)
    made = checkpoint(ended_at=None, call={"ended_at": None, "outcome": None, "participants": talking})
    segment = made.capture.segments[0]
    open_segment = replace(
        segment,
        external=replace(segment.external, finished_at=None),
        staff=replace(segment.staff, finished_at=None),
    )
    return replace(made, capture=replace(made.capture, segments=(open_segment,)))


SECOND = replace(
    channel("2.0", "PJSIP/2101-00000003", "2101", "0398765432", linkedid="2.0"), created_at=LATER
)
OTHER = replace(channel("2.1", "PJSIP/outside-00000004", "0398765432", linkedid="2.0"), created_at=LATER)


def talks(played: CallTracker, bridge: str, *channels: ev.Channel, at: datetime = LATER) -> list[Action]:
    """These channels enter a bridge, one after the other."""
    commands: list[Action] = []
    for number, channel in enumerate(channels, start=1):
        members = tuple(each.id for each in channels[:number])
        commands += played.handle(ev.ChannelCreated(at, channel))
        commands += played.handle(ev.EnteredBridge(at, channel, bridge, members))
    return commands


def snoop_started(snoop: StartSnoop) -> ev.OwnChannelStarted:
    return ev.OwnChannelStarted(LATER, channel(snoop.snoop, "Snoop/x", linkedid=snoop.snoop))


def begin_recording(played: CallTracker, commands: list[Action]) -> list[str]:
    """The PBX does what is asked: snoops start, recordings begin. The names of the tracks."""
    return start_tracks(played, commands)[0]


def start_tracks(played: CallTracker, commands: list[Action]) -> tuple[list[str], list[Action]]:
    """As `begin_recording`; the names of the tracks, and what is asked for once they have begun."""
    snoops = [each for each in commands if isinstance(each, StartSnoop)]
    started = [action for snoop in snoops for action in played.handle(snoop_started(snoop))]
    names = [each.name for each in started if isinstance(each, RecordSnoop)]
    return names, [action for name in names for action in played.handle(ev.RecordingStarted(LATER, name))]
