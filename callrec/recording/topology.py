"""Knows which channels there are, and who hears whom.

Two channels talk when a path of bridges and Local channel pairs leads from one to the other. Which call they
belong to is the matter of `membership`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from callrec.pbx.events import Channel, EnteredBridge, LeftBridge
from callrec.recording.legs import Leg

LOCAL = "Local"
"""The technology of channels that carry no voice of their own."""


class BridgeTopology:
    """All channels of a PBX but ours, and the bridges they are in."""

    def __init__(self) -> None:
        self.legs: dict[str, Leg] = {}
        self._members: dict[str, set[str]] = {}
        self._places: dict[str, str] = {}
        self._by_name: dict[str, Leg] = {}
        self._sent_to: dict[str, str] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no channel and no bridge is known."""
        return not (self.legs or self._members or self._places)

    def add(self, leg: Leg) -> None:
        """Makes a channel known."""
        self.legs[leg.id] = self._by_name[leg.channel.name] = leg

    def update(self, leg: Leg, channel: Channel) -> None:
        """Takes a channel as it is now; its name can have changed (a call that was picked up)."""
        self._forget_name(leg)
        leg.channel = channel
        self._by_name[channel.name] = leg

    def named(self, name: str) -> Leg | None:
        """Returns the channel with this name; None where there is none."""
        return self._by_name.get(name)

    def reach(self, start: Leg) -> set[str]:
        """Returns the ids of the channels one can hear from `start`, itself included; no Local ones."""
        return set(self._voices([start.id]))

    def send(self, id_: str, number: str) -> None:
        """Takes in which number of the dialplan a channel was sent to last."""
        self._sent_to[id_] = number

    def sent_to(self, legs: Iterable[Leg]) -> dict[str, frozenset[str]]:
        """Returns, by channel, the numbers whose dialplan may be heard there: a mailbox, a menu, a queue."""
        if not self._sent_to:
            return {}
        found, in_bridge = {}, dict[str, frozenset[str]]()  # of a bridge it is asked once
        for leg in legs:
            bridge = leg.bridge or ""
            if bridge not in in_bridge:
                in_bridge[bridge] = self._numbers_at(self._members.get(bridge, ()))
            own = frozenset(self._sent_to[id_] for id_ in [leg.id] if id_ in self._sent_to)
            if numbers := in_bridge[bridge] | own | self._numbers_at(self._other_half(leg)):
                found[leg.id] = numbers
        return found

    def _numbers_at(self, start: Iterable[str]) -> frozenset[str]:
        return frozenset(self._sent_to[id_] for id_ in self._reach(start) if id_ in self._sent_to)

    def _reach(self, start: Iterable[str]) -> Iterator[str]:
        """Yields the channels one can hear from any of these, and these; each bridge is looked into once."""
        seen, bridges, todo = set[str](), set[str](), list(start)
        while todo:
            leg = self.legs.get(todo.pop())
            if leg is None or leg.id in seen:
                continue
            seen.add(leg.id)
            yield leg.id
            if leg.bridge and leg.bridge not in bridges:
                bridges.add(leg.bridge)
                todo += self._members.get(leg.bridge, ())
            todo += self._other_half(leg)

    def _voices(self, start: Iterable[str]) -> Iterator[str]:
        return (id_ for id_ in self._reach(start) if self.legs[id_].channel.technology != LOCAL)

    def talking(self, legs: Iterable[Leg]) -> list[Leg]:
        """Returns those that are connected with at least one other channel that carries a voice."""
        return [leg for leg in legs if leg.bridge and len(list(islice(self._voices([leg.id]), 2))) > 1]

    def takes_place(self, id_: str, of: str) -> None:
        """Gives a channel another's place, as soon as it leaves its own: that is told before or after."""
        self._places[id_] = of
        leg = self.legs.get(id_)
        if leg and not leg.bridge:
            self._take_place(leg)

    def bridged(self, event: EnteredBridge | LeftBridge) -> None:
        """Takes in that a channel has entered or left a bridge. It must be known."""
        leg = self.legs[event.channel.id]
        if leg.bridge in self._members:
            self._put(leg.bridge, self._members[leg.bridge] - {leg.id})
        leg.bridge = event.bridge if isinstance(event, EnteredBridge) else None
        if leg.bridge and not leg.was_bridged:
            leg.was_bridged, leg.bridged_at = True, event.at
        self._put(event.bridge, set(event.members))
        if isinstance(event, LeftBridge):
            self._take_place(leg)

    def rebridge(self, bridges: Mapping[str, tuple[str, ...]]) -> None:
        """Takes in all bridges there are now, and who is in them, in place of what was known before."""
        self._members.clear()
        for bridge, ids in bridges.items():
            self._put(bridge, self.legs.keys() & ids)  # of our own bridges no end would be taken in
        places = {id_: bridge for bridge, ids in bridges.items() for id_ in ids}
        for leg in self.legs.values():
            leg.bridge, leg.was_bridged, leg.bridged_at = places.get(leg.id), True, None

    def drop(self, leg: Leg) -> None:
        """Forgets a channel that is gone."""
        del self.legs[leg.id]
        self._places.pop(leg.id, None)
        self._sent_to.pop(leg.id, None)
        self._forget_name(leg)
        if leg.bridge in self._members:
            self._put(leg.bridge, self._members[leg.bridge] - {leg.id})

    def _put(self, bridge: str, members: set[str]) -> None:
        """Takes in who is in a bridge; one without anybody is forgotten."""
        if members:
            self._members[bridge] = members
        else:
            self._members.pop(bridge, None)

    def _forget_name(self, leg: Leg) -> None:
        if self._by_name.get(leg.channel.name) is leg:
            del self._by_name[leg.channel.name]

    def _take_place(self, leg: Leg) -> None:
        """Puts a channel into the bridge of the one whose place it takes, which is there no more."""
        place = self.legs.get(self._places.pop(leg.id, ""))
        if place and place.bridge in self._members:
            leg.bridge, leg.was_bridged, place.bridge = place.bridge, True, None
            self._members[leg.bridge] = self._members[leg.bridge] - {place.id} | {leg.id}

    def _other_half(self, leg: Leg) -> list[str]:
        """Returns the id of the other end of a Local channel pair: ``…;1`` and ``…;2``; else nothing."""
        if leg.channel.technology != LOCAL:
            return []
        base, _, half = leg.channel.name.rpartition(";")
        other = f"{base};{'2' if half == '1' else '1'}"
        there = self.named(other)
        return [there.id] if there else []
