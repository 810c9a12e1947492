"""All calls of a PBX, and which channel belongs to which. Pure.

Channels of one call share a linked id, or talk with one another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from callrec.model.calls import CallRecord, FeatureCode
from callrec.model.captures import Checkpoint
from callrec.pbx import events as ev
from callrec.recording.actions import Action, DestroyBridge, HangUp, LetThrough, SaveCall
from callrec.recording.call import Call
from callrec.recording.environment import Environment
from callrec.recording.keys import is_outdated
from callrec.recording.legs import Leg
from callrec.recording.topology import LOCAL, BridgeTopology

CLOCKS_AGREE = timedelta(minutes=1)
REMEMBERED = 1000
"""How many key presses are remembered, against those that are told again after their calls became one."""


class CallTracker:
    """Takes events, keeps the calls, returns commands. One thread at a time."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.calls: dict[str, Call] = {}
        self._topology = BridgeTopology()
        self._pending: list[Action] = []
        self._pressed: deque[str] = deque(maxlen=REMEMBERED)
        self._went_into: dict[str, str] = {}

    def has_heard(self, press: str) -> bool:
        """Whether somebody was told of a key press here."""
        return press in self._pressed

    def handle(self, event: ev.Event) -> list[Action]:
        """What is to be done about an event. Unknown channels, names and ids mean nothing to do."""
        return self._with_pending(self._handle(event))

    def _handle(self, event: ev.Event) -> list[Action]:
        match event:
            case ev.OwnChannelStarted():
                return self._each(lambda call: call.snoop_ready(event.channel.id))
            case ev.Digit():
                return self._each(lambda call: call.assistance.digit(event.channel.id, event.digit))
            case ev.ChannelDestroyed() if event.channel.is_own:
                return self._each(lambda call: call.assistance.gone(event.channel.id))
            case ev.ChannelEvent() if event.channel.is_own:
                return []
            case ev.ChannelCreated():
                self._know(event.channel, event.at)
            case ev.ChannelDestroyed():
                leg = self._topology.legs.get(event.channel.id)
                return self._drop(leg, event.at) if leg else []
            case ev.EnteredBridge() | ev.LeftBridge():
                return self._bridged(event)
            case ev.TookPlace():
                call = self._know(event.channel, event.at)
                self._topology.takes_place(event.channel.id, event.place)
                return self._connected(event.channel.id, call, event.at)
            case ev.GateEntered():
                call = self._know(event.channel, event.at)
                return call.at_gate(event) if call else []
            case ev.DialplanSaid():
                return self._said(event)
            case ev.Dialled():
                self._dialled(event)
            case _:
                return self._about_media(event)
        return []

    def tick(self, at: datetime) -> list[Action]:
        """Time passes; calls that are settled are forgotten."""
        commands = self._each(lambda call: call.tick(at))
        self._forget()
        return commands

    def command_failed(self, command: Action, problem: str, at: datetime) -> list[Action]:
        call = self.calls.get(command.linkedid)
        return call.command_failed(command, problem, at) if call else []

    def restore(self, checkpoint: Checkpoint) -> None:
        """Takes up a call again that was being captured when the controller ended."""
        self.resume(checkpoint.call).recorder.restore(checkpoint.capture)

    def resume(self, record: CallRecord) -> Call:
        """Takes up a call again that was under way when the controller ended, and was not captured."""
        key = record.linkedid if record.linkedid not in self.calls else record.id
        call = self.calls[key] = Call(key, record, self.environment)
        call.saved_open = record.id
        call.note("the controller was away during this call")
        return call

    def compare(
        self,
        channels: Iterable[ev.Channel],
        bridges: dict[str, tuple[str, ...]],
        fallbacks: Mapping[str, datetime],
        gates: Iterable[ev.GateEntered],
        at: datetime,
        keys: Sequence[ev.RawKeyPress] | None = (),
    ) -> list[Action]:
        """Brings the board up to what the PBX says there is, after events may have been missed.

        Nothing is trusted but the lists: a channel that is not in them is gone, a snoop that is not
        has ended its recording. `fallbacks` are channels whose call the dialplan took over, and when;
        `gates` is what was asked at the gate about the channels that passed it. `keys` are those that
        may have been pressed meanwhile, the oldest first; None: they could not be read yet.
        """
        there, known = {each.id: each for each in channels}, set(self.calls)
        for each in there.values():
            if not each.is_own:
                self._know(each, at)
        for id_, since in fallbacks.items():
            if call := self.calls.get(there[id_].linkedid):
                self._pending += call.fallback_took_over(id_, since)
        for gate in gates:
            if call := self._know(gate.channel, at):
                call.gate_recalled(gate)
        self._topology.rebridge(bridges)
        self._meet_again(known, at)
        commands = self._strays(there, bridges)
        # Keys of calls that have ended count before their end, those of calls that go on after all is known.
        ended = self._ended(set(there), at, keys_known=keys is not None)
        commands += self._recall(keys or (), at, ended)
        commands += self._gone([leg for leg in self._topology.legs.values() if leg.id not in there], at)
        for call in list(self.calls.values()):
            commands += call.connected(self._topology.talking(call.legs.values()), at, seen=False)
            commands += [*call.compared(set(there), at), *call.assistance.compared(there.values())]
        return self._with_pending([*commands, *self._recall(keys or (), at)])

    def _meet_again(self, known: Collection[str], at: datetime) -> None:
        """Those who talk with one another are in one call; what was not known before gets no row for that."""
        for leg in list(self._topology.legs.values()):
            self._merge(self._topology.reach(leg), at)
        self._pending = [
            each for each in self._pending if each.linkedid in known or not isinstance(each, SaveCall)
        ]

    def let_through(self, event: ev.GateEntered) -> list[Action]:
        """When nothing better is known, a call at the gate goes on."""
        return [LetThrough(event.channel.linkedid, event.channel.id)]

    # --- events

    def _bridged(self, event: ev.EnteredBridge | ev.LeftBridge) -> list[Action]:
        call = self._know(event.channel, event.at)
        self._topology.bridged(event)
        return self._connected(event.channel.id, call, event.at)

    def _connected(self, channel: str, call: Call | None, at: datetime) -> list[Action]:
        """Others hear this channel than before."""
        heard = self._topology.reach(self._topology.legs[channel])
        call = self._merge(heard, at) or call
        return call.connected(self._topology.talking(call.legs.values()), at) if call else []

    def _said(self, event: ev.DialplanSaid) -> list[Action]:
        call, said = self._know(event.channel, event.at), event.fields
        if call is None:
            return []
        if since := ev.epoch(said.get("Fallback", "")):
            return call.fallback_took_over(event.channel.id, since)
        if said.get("Announce"):
            call.announced(said.get("Prompt", ""), event.at, event.channel.id, status=said.get("Status"))
        elif said.get("Key"):
            by = said.get("By") or event.channel.name
            id_ = said.get("Id") or f"{event.channel.id}-{event.at:%s.%f}"
            # The dialplan's own time, which stands in the PBX's database too: the alert is named by it.
            at = ev.epoch(id_.rpartition("-")[2])
            known = at if at and abs(at - event.at) < CLOCKS_AGREE else event.at
            noted = ev.RawKeyPress(id_, said["Key"], event.channel.linkedid, by, known)
            return self.key_pressed(noted, event.at)
        return []

    def key_pressed(self, key: ev.RawKeyPress, now: datetime | None = None) -> list[Action]:
        """A key of staff. From anybody else the same digits mean nothing.

        Who pressed is told by name: the channel that tells can be half of a Local pair. `now` is when
        it was heard of, where that is not when it was pressed.
        """
        leg, call = self._topology.named(key.by), self._session_of_key(key)
        endpoint = ev.endpoint_of(key.by)
        if not call or key.key not in set(FeatureCode) or not self.environment.office.is_staff(endpoint):
            return []
        if key.id in self._pressed:
            return []
        self._pressed.append(key.id)
        return call.pressed(
            FeatureCode(key.key), key.id, leg.id if leg else "", endpoint, key.at, now or key.at
        )

    def recall(self, keys: Iterable[ev.RawKeyPress], now: datetime) -> list[Action]:
        """Keys that may have been pressed while callrec was away, the oldest first: all there are."""
        commands = self._recall(keys, now)
        for call in self.calls.values():
            call.keys_unknown = False
        return commands

    def _recall(
        self, keys: Iterable[ev.RawKeyPress], now: datetime, among: set[str] | None = None
    ) -> list[Action]:
        """A pause is on or off, and who pressed heard nothing of it: that one comes too late."""
        found = [(key, self._session_of_key(key)) for key in keys if key.key != FeatureCode.PAUSE]
        return [
            command
            for key, call in found
            if call
            and (among is None or call.linkedid in among)
            and not is_outdated(key.key, key.at, call.record.key_presses)
            for command in self.key_pressed(key, now)
        ]

    def _session_of_key(self, key: ev.RawKeyPress) -> Call | None:
        leg = self._topology.named(key.by)
        found = self.calls.get(leg.linkedid if leg else key.linkedid)
        return found or next((each for each in self.calls.values() if each.had(key)), None)

    def _dialled(self, event: ev.Dialled) -> None:
        """Dial() tells of channels that may be gone already: only those that are known count."""
        leg = self._topology.legs.get((event.caller or event.peer).id)
        call = self.calls.get(leg.linkedid) if leg else None
        if call:
            call.dialled(event)

    def _about_media(self, event: ev.Event) -> list[Action]:
        def tell(call: Call) -> list[Action]:
            match event:
                case ev.RecordingStarted():
                    return call.recording_started(event.name, event.at)
                case ev.RecordingFinished():
                    return call.recording_ended(event.name, event.at)
                case ev.RecordingFailed():
                    return call.recording_ended(event.name, event.at, event.cause)
                case ev.PlaybackStarted():
                    call.playback_started(event.id, event.at)
                case ev.PlaybackFinished():
                    return call.playback_finished(event.id, event.at, failed=event.failed)
            return []

        return self._each(tell)

    # --- channels and calls

    def _know(self, channel: ev.Channel, at: datetime) -> Call | None:
        """Makes a channel known; returns its call. Local channels carry no voice and begin no call."""
        call = self._call_of(channel)
        leg = self._topology.legs.get(channel.id)
        if leg is None:
            leg = self._topology.legs[channel.id] = Leg(channel, self._extension(channel), channel.linkedid)
        if leg.channel.name != channel.name:  # a call that was picked up: another phone has the channel
            leg.extension = self._extension(channel)
        leg.channel = channel
        if call and channel.technology != LOCAL:
            self._move(leg, call, at)
        return call

    def _call_of(self, channel: ev.Channel) -> Call | None:
        """The call of its linked id, begun if need be; while that does not change, the call it is in."""
        leg = self._topology.legs.get(channel.id)
        now = self.calls.get(leg.linkedid) if leg else None
        if leg and now and leg.channel.linkedid == channel.linkedid:
            return now
        key = channel.linkedid
        while key in self._went_into:
            key = self._went_into[key]
        told = self.calls.get(key)
        if now:
            return self._one_of([now, told]) if told else now
        if not told and channel.technology != LOCAL:
            told = self.calls[key] = self._new_call(channel)
        return told

    def _one_of(self, calls: Collection[Call]) -> Call:
        """Calls that become one. That of somebody outside goes on, and its recording, else the oldest."""
        first = min(calls, key=_precedence)
        self._went_into.pop(first.linkedid, None)
        lost = {each.linkedid for each in calls if each is not first}
        self._went_into = {
            key: first.linkedid if into in lost else into for key, into in self._went_into.items()
        }
        self._went_into |= dict.fromkeys(lost, first.linkedid)
        return first

    def _move(self, leg: Leg, call: Call, at: datetime) -> None:
        """A channel belongs to the call its linked id says, also when that changes (transfers)."""
        before, leg.linkedid = self.calls.get(leg.linkedid), call.linkedid
        if before and before is not call:
            self._pending += before.abandoned(leg, call.record, at)
        call.joined(leg)

    def _merge(self, members: Iterable[str], at: datetime) -> Call | None:
        """The one call of those who talk with one another, when that is told of one of them.

        Asterisk gives them all the linked id of the oldest, but tells it with their next events only, and
        not at all in a conference.
        """
        legs = [self._topology.legs[id_] for id_ in members if id_ in self._topology.legs]
        calls = {leg.linkedid: self.calls[leg.linkedid] for leg in legs if leg.linkedid in self.calls}
        if len(calls) < 2:
            return None
        one = self._one_of(calls.values())
        for leg in legs:
            self._move(leg, one, at)
        return one

    def _new_call(self, channel: ev.Channel) -> Call:
        call = CallRecord(
            id=self.environment.new_id(),
            pbx=self.environment.pbx,
            linkedid=channel.linkedid,
            direction=None,
            facility=None,
            extension=None,
            number=None,
            dialled=channel.exten or None,
            started_at=channel.created_at,
        )
        return Call(channel.linkedid, call, self.environment)

    def _extension(self, channel: ev.Channel) -> str | None:
        return channel.endpoint if self.environment.office.is_staff(channel.endpoint) else None

    def _drop(self, leg: Leg, at: datetime) -> list[Action]:
        self._topology.drop(leg)
        call = self.calls.get(leg.linkedid)
        return call.left(leg, at) if call and leg.id in call.legs else []

    def _gone(self, legs: list[Leg], at: datetime) -> list[Action]:
        """Channels that went while nobody watched."""
        return [command for leg in legs for command in self._drop(leg, at)]

    def _ended(self, there: set[str], at: datetime, *, keys_known: bool) -> set[str]:
        """The calls of which no channel is left, nor was seen to go."""
        ended = {
            key: each for key, each in self.calls.items() if not each.is_over and not each.legs.keys() & there
        }
        for call in ended.values():
            call.missed_the_end(there, at, keys_known=keys_known)
        return set(ended)

    def _strays(self, there: Iterable[str], bridges: Iterable[str]) -> list[Action]:
        """Channels and bridges of ours that no call knows of: left behind, they would listen for ever."""
        known = {snoop for call in self.calls.values() for snoop in call.snoops}
        used = {call.assistance.bridge for call in self.calls.values()}
        strays = [id_ for id_ in there if ev.is_snoop(id_) and id_ not in known]
        unused = [id_ for id_ in bridges if ev.is_snoop(id_) and id_ not in used]
        return [*(HangUp(id_, id_) for id_ in strays), *(DestroyBridge(id_, id_) for id_ in unused)]

    def _each(self, tell: Callable[[Call], list[Action]]) -> list[Action]:
        return [command for call in list(self.calls.values()) for command in tell(call)]

    def _with_pending(self, commands: list[Action]) -> list[Action]:
        """Adds what ended calls still want done while another call's event was looked at."""
        pending, self._pending = self._pending, []
        return commands + pending

    def _forget(self) -> None:
        for key in [key for key, call in self.calls.items() if call.is_settled]:
            del self.calls[key]
        self._went_into = {key: into for key, into in self._went_into.items() if into in self.calls}


def _precedence(call: Call) -> tuple[bool, bool, datetime]:
    """The least goes on, when calls become one."""
    somebody_outside = any(not leg.extension for leg in call.legs.values())
    return not somebody_outside, call.record.answered_at is None, call.record.started_at
