"""Tracks all calls of a PBX, also over a restart and over times without a link to it.

The door of the core: `callrec.controller` calls it, under one lock, and carries out the actions it returns.
As long as events come, `event_tracker` does it all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from callrec.model.calls import CallRecord
from callrec.model.captures import Checkpoint
from callrec.pbx import events as ev
from callrec.recording.actions import (
    Action,
    DestroyBridge,
    HangUp,
    SaveCall,
)
from callrec.recording.call import Call
from callrec.recording.event_tracker import EventTracker
from callrec.recording.legs import Leg


class CallTracker(EventTracker):
    """Takes events, tracks calls, returns actions. One thread at a time. Times are the PBX's."""

    def restore(self, checkpoint: Checkpoint) -> None:
        """Takes up a call again that was being captured when the controller ended."""
        call = self.resume(checkpoint.call)
        capture = call.restore(checkpoint.capture)
        self._owners.add(call.linkedid, capture, capture.tracks.ids)

    def resume(self, record: CallRecord) -> Call:
        """Takes up a call again that was under way when the controller ended, and was not captured."""
        return self._membership.resume(record, self.environment)

    def compare(
        self,
        channels: Iterable[ev.Channel],
        bridges: dict[str, tuple[str, ...]],
        fallbacks: Mapping[str, ev.FallbackCall],
        gates: Iterable[ev.GateEntered],
        at: datetime,
        keys: Sequence[ev.RawKeyPress] | None = (),
    ) -> list[Action]:
        """Brings the calls up to what the PBX says there is, after events may have been missed.

        Nothing is trusted but the lists: a channel that is not in them is gone, a snoop that is not has
        ended its recording. `fallbacks` are channels whose call the dialplan's fallback handles, and how;
        `gates` is what was asked at the gate about the channels that passed it. `keys` are those that
        may have been pressed meanwhile, the oldest first; None: they could not be read yet.
        """
        there, known = {each.id: each for each in channels}, set(self.calls)
        for capture in [each.capture for each in self.calls.values() if each.capture]:
            capture.unwatched = True
        for leg in self._topology.legs.values():
            leg.on_hold = False  # the lists do not tell of holds
        for each in there.values():
            if not each.is_own:
                self._know(each, at)
        for id_, told in fallbacks.items():
            self._fell_back(self._call_with(id_), there[id_], told, known)
        for gate in gates:
            call = self._know(gate.channel, at)
            if not call:
                self._at_gate_later(gate)
                continue
            call.gate_recalled(gate)
            self._sent_unseen(call, gate)
        self._topology.rebridge(bridges)
        moved = self._meet_again(known, at)
        actions = [*moved, *self._strays(there, bridges), *self._silence_left(at)]
        # Keys of calls that have ended count before their end, those of calls that go on after all is known.
        ended = self._ended(set(there), at, keys_known=keys is not None)
        actions += self._keys.recall(keys or (), self.environment.office, at, ended)
        # All who talk now are asked at once, before those who are gone leave one by one.
        actions += self._each(lambda call: self._told(call, at, seen=False))
        actions += self._gone([leg for leg in self._topology.legs.values() if leg.id not in there], at)
        for call in list(self.calls.values()):
            actions += self._told(call, at, seen=False)
            actions += [*call.compared(set(there), at), *call.assistance.compared(there.values())]
        return self._owned([*actions, *self._keys.recall(keys or (), self.environment.office, at)])

    def recall(self, keys: Iterable[ev.RawKeyPress], now: datetime) -> list[Action]:
        """Acts on all keys that may have been pressed while callrec was away, the oldest first."""
        actions = self._owned(self._keys.recall(keys, self.environment.office, now))
        for call in self.calls.values():
            call.keys_are_known()
        return actions

    # --- inside

    def _meet_again(self, known: Collection[str], at: datetime) -> list[Action]:
        """Makes one call of those who talk with one another; one that was not known gets no row for that."""
        for leg in list(self._topology.legs.values()):
            self._membership.merge(self._topology.reach(leg), at, seen=False)
        for leg in list(self._topology.legs.values()):
            self._membership.part(self._topology.reach(leg), at, self.environment, seen=False)
        pending, self._membership.pending = self._membership.pending, []
        return [each for each in pending if each.linkedid in known or not isinstance(each, SaveCall)]

    def _sent_unseen(self, call: Call, gate: ev.GateEntered) -> None:
        """Takes in that an answered call may have been sent to another number than at the gate before."""
        leg = self._topology.legs[gate.channel.id]
        before = leg.asked_for or call.record.dialled
        leg.asked_for = gate.dialled
        if call.record.answered_at and gate.dialled != before:
            self._topology.send(leg.id, gate.dialled)

    def _silence_left(self, at: datetime) -> list[Action]:
        """Silences captures of channels that have gone on in another call while callrec was away."""
        actions = []
        for call in self.calls.values():
            leg = self._topology.legs.get(call.capture.channel or "") if call.capture else None
            if leg and leg.id not in call.legs:
                heard = [self._topology.legs[id_] for id_ in self._topology.reach(leg)]
                actions += call.met_unseen(leg.id, heard, at)
        return actions

    def _gone(self, legs: list[Leg], at: datetime) -> list[Action]:
        """Channels that went while nobody watched."""
        return [action for leg in legs for action in self._drop(leg, at)]

    def _ended(self, there: set[str], at: datetime, *, keys_known: bool) -> set[str]:
        """Tells the calls of which no channel is left, nor was seen to go, that they ended; returns which."""
        ended = {
            key: each for key, each in self.calls.items() if not each.is_over and not each.legs.keys() & there
        }
        for call in ended.values():
            call.missed_the_end(there, at, keys_known=keys_known)
        return set(ended)

    def _strays(self, there: Iterable[str], bridges: Iterable[str]) -> list[Action]:
        """Removes channels and bridges of ours that no call knows of: they would listen for ever."""
        known = {snoop for call in self.calls.values() for snoop in call.snoops}
        used = {call.assistance.bridge for call in self.calls.values()}
        strays = [id_ for id_ in there if ev.is_snoop(id_) and id_ not in known]
        unused = [id_ for id_ in bridges if ev.is_snoop(id_) and id_ not in used]
        return [*(HangUp(id_, id_) for id_ in strays), *(DestroyBridge(id_, id_) for id_ in unused)]
