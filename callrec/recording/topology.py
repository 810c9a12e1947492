"""Which channels there are, and who hears whom. Pure.

Two channels talk when a path of bridges and Local channel pairs leads from one to the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from callrec.pbx.events import EnteredBridge, LeftBridge
from callrec.recording.legs import Line

LOCAL = "Local"
"""The technology of channels that carry no voice of their own."""


class Wiring:
    """All channels of a PBX, and the bridges they are in."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self._members: dict[str, set[str]] = defaultdict(set)
        self._places: dict[str, str] = {}

    @property
    def is_empty(self) -> bool:
        return not (self.lines or self._members or self._places)

    def named(self, name: str) -> Line | None:
        return next((each for each in self.lines.values() if each.channel.name == name), None)

    def reach(self, start: Line) -> set[str]:
        """The real channels one can hear from `start`, itself included."""
        seen, todo = set(), [start.id]
        while todo:
            line = self.lines.get(todo.pop())
            if line is None or line.id in seen:
                continue
            seen.add(line.id)
            todo += self._members.get(line.bridge or "", ())
            todo += self._other_half(line)
        return {id_ for id_ in seen if self.lines[id_].channel.technology != LOCAL}

    def talking(self, lines: Iterable[Line]) -> list[Line]:
        """Those that are connected with at least one other real channel."""
        return [line for line in lines if line.bridge and len(self.reach(line)) > 1]

    def takes_place(self, id_: str, of: str) -> None:
        """A channel is given another's place, as soon as it leaves its own: which is told before or after."""
        self._places[id_] = of
        line = self.lines.get(id_)
        if line and not line.bridge:
            self._take_place(line)

    def bridged(self, event: EnteredBridge | LeftBridge) -> None:
        """A channel that is known has entered or left a bridge."""
        line = self.lines[event.channel.id]
        line.bridge = event.bridge if isinstance(event, EnteredBridge) else None
        self._members[event.bridge] = set(event.members)
        if not event.members:
            del self._members[event.bridge]
        if isinstance(event, LeftBridge):
            self._take_place(line)

    def rebridge(self, bridges: Mapping[str, tuple[str, ...]]) -> None:
        """All bridges there are now, and who is in them."""
        self._members = defaultdict(set, {bridge: set(ids) for bridge, ids in bridges.items()})
        for line in self.lines.values():
            line.bridge = next((bridge for bridge, ids in bridges.items() if line.id in ids), None)

    def drop(self, line: Line) -> None:
        """A channel is gone."""
        del self.lines[line.id]
        self._places.pop(line.id, None)
        for members in self._members.values():
            members.discard(line.id)

    def _take_place(self, line: Line) -> None:
        """It is in the bridge of the other now, where that one is no more."""
        place = self.lines.get(self._places.pop(line.id, ""))
        if place and place.bridge in self._members:
            line.bridge, place.bridge = place.bridge, None
            self._members[line.bridge] = self._members[line.bridge] - {place.id} | {line.id}

    def _other_half(self, line: Line) -> list[str]:
        """The other end of a Local channel pair: ``…;1`` and ``…;2``."""
        if line.channel.technology != LOCAL:
            return []
        base, _, half = line.channel.name.rpartition(";")
        other = f"{base};{'2' if half == '1' else '1'}"
        return [each.id for each in self.lines.values() if each.channel.name == other]
