"""Knows which channel belongs to which call: those of one call share a linked id, or talk with one another.

Who talks with whom is asked of `topology`; only the tracker calls this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from callrec.model.calls import CallRecord
from callrec.numbers import normalise
from callrec.pbx.events import Channel
from callrec.recording.actions import Action
from callrec.recording.call import Call
from callrec.recording.environment import Environment
from callrec.recording.legs import Leg
from callrec.recording.topology import LOCAL, BridgeTopology

Tell = Callable[[Call], list[Action]]
NOT_CALLING = ("Down", "Rsrvd", "Dialing", "Ringing")
"""The states of a channel that the PBX calls, before it is up. One that calls the PBX is at `Ring`."""


class CallMembership:
    """The calls there are, by what they are known by, and which of them have become one with another."""

    def __init__(self, topology: BridgeTopology) -> None:
        self.calls: dict[str, Call] = {}
        self.pending: list[Action] = []
        """What calls that a channel has left still want done: the tracker takes it from here."""
        self._topology = topology
        self._went_into: dict[str, str] = {}
        self._resumed: dict[str, str] = {}
        """The calls that were taken up again, by the channels that were in them."""
        self._early: dict[str, list[tuple[str, Tell]]] = defaultdict(list)
        """What the dialplan said of Local channels before their call began, by its linked id."""
        self._early_at: dict[str, set[str]] = defaultdict(set)
        """Under which linked ids that is, by channel: one that meets others gets another."""

    def resume(self, record: CallRecord, environment: Environment) -> Call:
        """Takes up a call again that was under way when the controller ended."""
        key = record.linkedid if record.linkedid not in self.calls else record.id
        call = self.calls[key] = Call.resumed(key, record, environment)
        self._resumed |= {each.channel: key for each in record.participants if each.left_at is None}
        return call

    def know(self, channel: Channel, at: datetime, environment: Environment) -> Call | None:
        """Makes a channel known, and returns its call.

        Returns None for a Local channel of which no call is known: these carry no voice and begin no call.
        """
        call = self._call_of(channel, environment)
        staff = environment.office.extension_of(channel.name)
        leg = self._topology.legs.get(channel.id)
        if leg is None:
            # Who calls begins a linked id; a channel that has another's was dialled.
            dialled = channel.state in NOT_CALLING
            called = dialled or channel.id != channel.linkedid
            comparable = environment.office.dialled if called else normalise
            leg = Leg(channel, staff, channel.linkedid, dialled=dialled, comparable=comparable)
            self._topology.add(leg)
        if leg.channel.name != channel.name:  # a call that was picked up: another phone has the channel
            leg.extension = staff
        self._topology.update(leg, channel)
        if call and channel.technology != LOCAL:
            self._move(leg, call, at)
        return call

    def tell_later(self, channel: str, tell: Tell) -> None:
        """Keeps what the dialplan says of a Local channel of which no call is known: for the call to come."""
        if leg := self._topology.legs.get(channel):
            self._early[leg.linkedid].append((channel, tell))
            self._early_at[channel].add(leg.linkedid)

    def drop(self, leg: Leg) -> None:
        """Forgets a channel that is gone."""
        self._topology.drop(leg)
        for linkedid in self._early_at.pop(leg.id, ()):
            if left := [each for each in self._early.pop(linkedid) if each[0] != leg.id]:
                self._early[linkedid] = left

    def merge(self, members: Iterable[str], at: datetime, *, seen: bool = True) -> Call | None:
        """Makes one call of those who talk with one another; returns it, or None where they are in one.

        Asterisk gives them all the linked id of the oldest, but tells it with their next events only, and
        not at all in a conference. A call of which others go on talking elsewhere is left to them. Not
        `seen`: they may have met while the link to the PBX was away.
        """
        members = set(members)
        legs, calls = self._legs_and_calls(members)
        if len(calls) < 2:
            return None
        staying = {key for key, call in calls.items() if self._goes_on_without(call, members)}
        joining = [call for key, call in calls.items() if key not in staying]
        # where all go on elsewhere none of them has gone into another
        one = self._one_of(joining, members) if joining else _first(calls.values(), members)
        for leg in legs:
            self._move(leg, one, at, met=() if seen else legs)
        return one

    def all_apart(
        self, heard: set[str], call: Call | None, at: datetime, environment: Environment
    ) -> list[Call]:
        """Returns the calls of their own that `part` makes of those who hear one another now, and of others
        who talk in their call: that goes with the captured one, and they may talk apart from it."""
        made, seen = [self.part(heard, at, environment)], set(heard)
        for leg in self._topology.talking(list(call.legs.values())) if call else ():
            if leg.id not in seen:
                seen |= (others := self._topology.reach(leg))
                made.append(self.part(others, at, environment))
        return [each for each in made if each]

    def part(
        self, members: Iterable[str], at: datetime, environment: Environment, *, seen: bool = True
    ) -> Call | None:
        """Makes a call of their own of those who talk with one another, where others have their call.

        Returns it; None: they have their call for themselves, or it is theirs. A channel that left others (a
        conference) or moved while nobody watched (not `seen`) has the linked id of the call in which they
        talk, and so has whom it calls.
        """
        members = set(members)
        legs, calls = self._legs_and_calls(members)
        if len(calls) != 1 or len(legs) < 2:
            return None
        call = next(iter(calls.values()))
        if not self._goes_on_without(call, members) or call.is_of(members):
            return None
        record = _new_record(min(legs, key=lambda leg: leg.channel.created_at).channel, environment)
        own = self.calls[record.id] = Call(record.id, record, environment)
        for leg in legs:
            self._move(leg, own, at, met=() if seen else legs)
        return own

    def forget_settled(self) -> dict[str, Call]:
        """Forgets the calls of which nothing more will come; returns them, by what they were known by."""
        settled = {key: call for key, call in self.calls.items() if call.is_settled}
        for key in settled:
            del self.calls[key]
        if settled:
            self._went_into = {key: into for key, into in self._went_into.items() if into in self.calls}
        return settled

    # --- inside

    def _legs_and_calls(self, members: Iterable[str]) -> tuple[list[Leg], dict[str, Call]]:
        """Returns those of some channels that are known, and the calls they are in."""
        legs = [self._topology.legs[id_] for id_ in sorted(members) if id_ in self._topology.legs]
        return legs, {leg.linkedid: self.calls[leg.linkedid] for leg in legs if leg.linkedid in self.calls}

    def _goes_on_without(self, call: Call, members: Collection[str]) -> bool:
        talking = self._topology.talking(call.legs.values())
        return any(leg.id not in members for leg in talking)

    def _call_of(self, channel: Channel, environment: Environment) -> Call | None:
        """Returns the call of a channel's linked id, begun if need be; while that stays, the one it is in.

        So does the call of who talks: `merge` has asked all who hear one another. Nor does anybody go where
        others talk: who talked with one of these since has the linked id of their call.
        """
        leg = self._topology.legs.get(channel.id)
        now = self.calls.get(leg.linkedid if leg else self._resumed.pop(channel.id, ""))
        now = None if now and now.is_over else now
        if leg and now and (leg.channel.linkedid == channel.linkedid or self._talks_in(leg, now)):
            return now
        told = self._under_way(channel.linkedid)
        if now and (told is None or (leg is None and told.saved_open)):
            return now  # where both were under way before a restart, `merge` asks who hear one another
        if leg and now and told and self._goes_on_without(told, self._topology.reach(leg)):
            return now
        if now and told:
            return self._one_of([now, told])
        return told if told or channel.technology == LOCAL else self._begin(channel, environment)

    def _talks_in(self, leg: Leg, call: Call) -> bool:
        return any(id_ in call.legs for id_ in self._topology.reach(leg) - {leg.id})

    def _under_way(self, linkedid: str) -> Call | None:
        """Returns the call of a linked id that goes on; one that is over takes nobody in any more."""
        key = linkedid
        while key in self._went_into:
            key = self._went_into[key]
        found = self.calls.get(key)
        return found if found and not found.is_over else None

    def _begin(self, channel: Channel, environment: Environment) -> Call:
        """Begins a call, known by its own id where one that is over has the linked id still."""
        record, key = _new_record(channel, environment), channel.linkedid
        self._went_into.pop(key, None)
        if key in self.calls:
            key = record.id
            self._went_into[channel.linkedid] = key
        call = self.calls[key] = Call(key, record, environment)
        for _, tell in self._early.get(channel.linkedid, ()):
            self.pending += tell(call)
        return call

    def _one_of(self, calls: Collection[Call], members: Collection[str] = ()) -> Call:
        """Returns the call that goes on where several become one, and remembers it for the others' ids.

        `members` are those who talk with one another; empty where that is not known.
        """
        first = _first(calls, members)
        self._went_into.pop(first.linkedid, None)
        lost = {each.linkedid for each in calls if each is not first}
        for key, into in self._went_into.items():
            if into in lost:
                self._went_into[key] = first.linkedid
        self._went_into |= dict.fromkeys(lost, first.linkedid)
        return first

    def _move(self, leg: Leg, call: Call, at: datetime, met: Iterable[Leg] = ()) -> None:
        """Puts a channel into a call, out of the one it was in before (a transfer)."""
        before, leg.linkedid = self.calls.get(leg.linkedid), call.linkedid
        if before and before is not call:
            if told := before.gives_away(leg.id):
                call.takes_in(leg.id, told)
            # one that was taken up again has no channels yet: it has not lost this one
            if leg.id in before.legs:
                self.pending += before.abandoned(leg, call.record, at, met=met)
            else:
                before.name(leg)
        call.joined(leg)


def _new_record(channel: Channel, environment: Environment) -> CallRecord:
    return CallRecord(
        id=environment.new_id(),  # decision 6
        pbx=environment.pbx,
        linkedid=channel.linkedid,
        direction=None,
        facility=None,
        extension=None,
        number=None,
        dialled=None if channel.state in NOT_CALLING else channel.exten or None,
        started_at=channel.created_at,
    )


def _first(calls: Iterable[Call], members: Collection[str]) -> Call:
    return min(calls, key=lambda call: _precedence(call, members))


def _precedence(call: Call, members: Collection[str]) -> tuple[bool, bool, datetime, str]:
    """Returns the order in which one of several calls goes on, the least first.

    That of somebody outside who is among the `members`, with its recording; then one that was answered; then
    the oldest; of two that are as old the one that was known first.
    """
    legs = [leg for leg in call.legs.values() if not members or leg.id in members]
    somebody_outside = any(not leg.extension for leg in legs)
    record = call.record
    return not somebody_outside, record.answered_at is None, record.started_at, record.id
