"""Tracks all calls of a PBX: gives every event to the call, and the owner in it, that it concerns.

What an event means for a call is decided in `call`; what follows from a time without events, in `tracker`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from callrec.pbx import events as ev
from callrec.policy.office import Office
from callrec.recording.actions import (
    Action,
    DestroyBridge,
    HangUp,
    LetThrough,
    Making,
    PbxAction,
    Silencing,
    StopFallback,
    StopMonitor,
    about,
    made_by,
)
from callrec.recording.call import Call
from callrec.recording.environment import Environment
from callrec.recording.key_presses import KeyPresses
from callrec.recording.legs import Leg
from callrec.recording.membership import CallMembership
from callrec.recording.owners import NOBODY, Owners
from callrec.recording.topology import LOCAL, BridgeTopology

_AboutOurs = (
    ev.RecordingStarted | ev.RecordingFinished | ev.RecordingFailed | ev.PlaybackStarted | ev.PlaybackFinished
)


REMEMBERED = 10_000
"""How many calls that are over are remembered of which the dialplan has written a line."""


class EventTracker:
    """Takes events, tracks calls, returns actions. Times are the PBX's."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._topology = BridgeTopology()
        self._membership = CallMembership(self._topology)
        self._owners = Owners()
        self._left: list[Action] = []
        """What of no call is left on the PBX, which refused to remove it: it is asked again."""
        self._keys = KeyPresses(self._topology, self._membership)
        self._over: deque[str] = deque(maxlen=REMEMBERED)

    @property
    def calls(self) -> dict[str, Call]:
        """The calls there are, by what they are known by: mostly their linked ids."""
        return self._membership.calls

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of any call, channel or bridge."""
        return not self.calls and not self._owners and self._topology.is_empty

    def monitored(self) -> tuple[set[str], set[str]]:
        """Returns the channels that the dialplan was asked to record: of the calls there are, and of those of
        which all that can be told was told here, as far back as is remembered."""
        live = {call.monitor.channel for call in self.calls.values() if call.monitor}
        return live, set(self._over) - live

    def has_heard(self, press: str) -> bool:
        """Tells whether a key press was given to its call here, among the last thousand."""
        return self._keys.has_heard(press)

    def take_rules(self, office: Office) -> None:
        """Decides calls to come by these rules; those under way keep the rules they began with."""
        self.environment = replace(self.environment, office=office)

    def handle(self, event: ev.Event) -> list[Action]:
        """Returns what is to be done about an event. Names and ids that nobody here knows mean nothing."""
        return self._owned(self._handle(event))

    def tick(self, at: datetime) -> list[Action]:
        """Lets time pass for every call, about twice a second, and forgets calls that are settled."""
        left, self._left = self._left, []
        actions = self._owned([*left, *self._each(lambda call: call.tick(at))])
        for linkedid, call in self._membership.forget_settled().items():
            self._owners.forget(linkedid)
            if call.monitor:
                self._over.append(call.monitor.channel)
        return actions

    def refused(self, action: PbxAction, problem: str, at: datetime) -> list[Action]:
        """Tells the owner of what an action was about that the PBX refused it; `problem` is for people."""
        owned, call = self._owners.of(about(action)), self.calls.get(action.linkedid)
        if not call and isinstance(action, HangUp | DestroyBridge | StopMonitor):
            self._left.append(action)
        return self._owned(call.refused(owned.owner, action, problem, at) if call else [])

    def performed(self, action: Silencing) -> list[Action]:
        """Tells the owner of what an action silences that the PBX has carried it out."""
        owned, call = self._owners.of(about(action)), self.calls.get(action.linkedid)
        return self._owned(call.performed(owned.owner, about(action)) if call else [])

    def look_again(self, linkedid: str, at: datetime) -> list[Action]:
        """Lets a call look whether its captured channel has left its bridge for more than a moment."""
        call = self.calls.get(linkedid)
        return self._owned(call.look_again(at) if call else [])

    def took_over(self, action: StopFallback, heard: timedelta, at: datetime) -> list[Action]:
        """Goes on where the dialplan's fallback has ended, which has recorded for so long."""
        call = self.calls.get(action.linkedid)
        return self._owned(call.take_over(action.channel, heard, at) if call else [])

    def let_through(self, event: ev.GateEntered) -> list[Action]:
        """Returns what lets a call at the gate go on, for a controller that could not handle the event."""
        return [LetThrough(event.channel.linkedid, event.channel.id)]

    # --- keys

    def key_pressed(self, key: ev.RawKeyPress, now: datetime | None = None) -> list[Action]:
        """Acts on a key of staff. From anybody else the same digits mean nothing.

        Who pressed is told by name: the channel that tells can be half of a Local pair. `now` is when it was
        heard of, where that is not when it was pressed.
        """
        return self._owned(self._keys.press(key, self.environment.office, now or key.at))

    # --- events

    def _handle(self, event: ev.Event) -> list[Action]:
        match event:
            case ev.OwnChannelStarted(channel=channel):
                return self._own_started(channel.id)
            case ev.Digit(channel=channel, digit=digit):
                return self._owners.of(channel.id).owner.digit(channel.id, digit)
            case ev.ChannelDestroyed(channel=channel) if channel.is_own:
                return self._owners.of(channel.id).owner.channel_gone(channel.id)
            case ev.ChannelEvent(channel=channel) if channel.is_own:
                return []
            case ev.ChannelCreated():
                self._know(event.channel, event.at)
                return []
            case ev.ChannelDestroyed():
                leg = self._topology.legs.get(event.channel.id)
                return self._drop(leg, event.at) if leg else []
            case ev.EnteredBridge() | ev.LeftBridge():
                return self._bridged(event)
            case ev.TookPlace():
                call = self._know(event.channel, event.at)
                self._topology.takes_place(event.channel.id, event.place)
                if place := self._topology.legs.get(event.place):
                    self._topology.send(event.channel.id, place.asked_for or place.channel.exten)
                return self._connected(event.channel.id, call, event.at)
            case ev.GateEntered():
                return self._asked(event)
            case ev.SentOn():
                call = self._know(event.channel, event.at)
                self._topology.send(event.channel.id, event.number)
                return self._connected(event.channel.id, call, event.at)
            case ev.DialplanSaid():
                return self._said(event)
            case ev.Hold():
                return self._held(event)
            case ev.Dialled():
                return self._dialled(event)
            case ev.RecordingStarted() | ev.RecordingFinished() | ev.RecordingFailed():
                return self._about_ours(event.name, event)
            case ev.PlaybackStarted() | ev.PlaybackFinished():
                return self._about_ours(event.id, event)
            case ev.Replaced():
                return []
            case _:
                assert_never(event)  # decision 15

    def _own_started(self, id_: str) -> list[Action]:
        """Tells its owner that a channel of ours is there; without one nobody would ever end it."""
        owner = self._owners.of(id_).owner
        if owner is NOBODY and ev.is_snoop(id_):
            return [HangUp(id_, id_)]
        return owner.channel_started(id_)

    def _about_ours(self, id_: str, event: _AboutOurs) -> list[Action]:
        """Tells the call, and the owner in it, of a recording or playback that one of them has made."""
        owned = self._owners.of(id_)
        call, owner = self.calls.get(owned.linkedid), owned.owner
        if not call:
            return []
        match event:
            case ev.RecordingStarted():
                return call.recording_started(owner, id_, event.at)
            case ev.RecordingFinished():
                return call.recording_ended(owner, id_, event.at, None)
            case ev.RecordingFailed():
                return call.recording_ended(owner, id_, event.at, event.cause)
            case ev.PlaybackStarted():
                return call.playback_started(owner, id_, event.at)
            case ev.PlaybackFinished():
                return call.playback_ended(owner, id_, event.at, failed=event.failed)
            case _:
                assert_never(event)

    def _asked(self, event: ev.GateEntered) -> list[Action]:
        """Answers the dialplan, which asks at the gate: whatever channel it is, it goes on (decision 2).

        A Local channel can ask before there is a call; what it asks counts for the call to come. A call that
        was answered before is sent on.
        """
        call, channel = self._know(event.channel, event.at), event.channel
        self._topology.legs[channel.id].asked_for = event.dialled
        sent = channel.technology == LOCAL or bool(call and call.record.answered_at)
        if sent:
            self._topology.send(channel.id, event.dialled)
        if not call:
            self._at_gate_later(event)
            return self.let_through(event)
        before = call.monitor
        sounds, actions = call.at_gate(event)
        since = call.monitor.since if call.monitor and not before else None
        ends = bool(call.capture and call.capture.ended_at_gate(channel.id, event.at))
        actions = [LetThrough(call.linkedid, channel.id, sounds, since, ends), *actions]
        return [*actions, *(self._told(call, event.at) if sent else [])]

    def _at_gate_later(self, event: ev.GateEntered) -> None:
        self._membership.tell_later(event.channel.id, lambda call: call.at_gate(event)[1])

    def _fell_back(
        self, call: Call | None, channel: ev.Channel, told: ev.FallbackCall, known: Collection[str] = ()
    ) -> None:
        """Leaves the call that began with a channel to the fallback; one that it is part of now is not.

        Those `known` before a time without a link are the fallback's only where they began with it.
        """
        if call is None:
            self._membership.tell_later(channel.id, lambda call: call.falls_back(channel.id, told))
            return
        began_here = told.linkedid in ("", call.record.linkedid)
        if call.began_with(channel) if call.linkedid in known else began_here:
            self._membership.pending += call.falls_back(channel.id, told)
        else:
            call.takes_in(channel.id, told)

    def _bridged(self, event: ev.EnteredBridge | ev.LeftBridge) -> list[Action]:
        call = self._know(event.channel, event.at)
        self._topology.bridged(event)
        return self._connected(event.channel.id, call, event.at)

    def _connected(self, channel: str, call: Call | None, at: datetime) -> list[Action]:
        """Takes in that others hear this channel than before."""
        heard = self._topology.reach(self._topology.legs[channel])
        call = self._membership.merge(heard, at) or call
        own = self._membership.all_apart(heard, call, at, self.environment)
        return [action for each in (call, *own) if each for action in self._told(each, at)]

    def _told(self, call: Call, at: datetime, *, seen: bool = True) -> list[Action]:
        """Tells a call who is connected in it, and where it was sent."""
        legs = call.legs.values()
        return call.connected(self._topology.talking(legs), self._topology.sent_to(legs), at, seen=seen)

    def _said(self, event: ev.DialplanSaid) -> list[Action]:
        call, said = self._know(event.channel, event.at), event.fields
        if since := ev.epoch(said.get("Fallback", "")):
            told = ev.FallbackCall(
                since,
                said.get("File", ""),
                said.get("Parties", ""),
                linkedid=event.channel.linkedid,
                pbx_ahead=event.pbx_ahead,
            )
            self._fell_back(call, event.channel, told)
        elif call is None:
            return []
        elif said.get("Announce"):
            return call.announced(
                said.get("Prompt", ""), event.at, event.channel.id, status=said.get("Status")
            )
        elif said.get("Key"):
            return self._keys.press(event.key_press(), self.environment.office, event.at)
        return []

    def _held(self, event: ev.Hold) -> list[Action]:
        """Takes in a hold, and nothing else: it can be of a channel that is on its way elsewhere, or gone."""
        leg, call = self._topology.legs.get(event.channel.id), self._call_with(event.channel.id)
        if leg:
            leg.on_hold = event.on
        return call.held() if call else []

    def _dialled(self, event: ev.Dialled) -> list[Action]:
        """Gives a call what Dial() tells of it. Channels that are gone already do not count."""
        peer = self._topology.legs.get(event.peer.id)
        if peer:
            peer.dialled, peer.called = True, event.number or peer.called
            peer.comparable = self.environment.office.dialled
        if call := self._call_with((event.caller or event.peer).id):
            call.dialled(event, peer)
        return []

    # --- inside

    def _call_with(self, channel: str) -> Call | None:
        leg = self._topology.legs.get(channel)
        return self.calls.get(leg.linkedid) if leg else None

    def _know(self, channel: ev.Channel, at: datetime) -> Call | None:
        return self._membership.know(channel, at, self.environment)

    def _owned(self, actions: list[Action]) -> list[Action]:
        """Remembers an owner for everything that is made.

        Returns the actions, with what calls still want done that a channel has left meanwhile.
        """
        pending, self._membership.pending = self._membership.pending, []
        actions = [*actions, *pending]
        for action in actions:
            if isinstance(action, Making):
                # decision 15: known before the PBX can tell of it
                self._owners.add(action.linkedid, action.owner, made_by(action))
        return actions

    def _drop(self, leg: Leg, at: datetime) -> list[Action]:
        self._membership.drop(leg)
        call = self.calls.get(leg.linkedid)
        return call.left(leg, at) if call and leg.id in call.legs else []

    def _each(self, tell: Callable[[Call], list[Action]]) -> list[Action]:
        return [action for call in list(self.calls.values()) for action in tell(call)]
