"""The PBX's lines and bridges, and the events it tells of them. What people do with them is in `dialplan`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from callrec.pbx import events as ev
from tests.simulation.link import Link
from tests.simulation.timeline import Timeline, moment
from tests.simulation.truth import Lines, Witness


@dataclass(slots=True)
class Line:
    """A channel of somebody. `party` is an extension, or a number outside."""

    id: str
    name: str
    party: str
    exten: str
    linkedid: str
    created: float
    bridge: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    let_through: Callable[[str], None] | None = None
    """What follows when the controller lets the line through the gate, at an extension of it or at none."""
    at_end: list[Callable[[], None]] = field(default_factory=list)

    @property
    def is_staff(self) -> bool:
        return not self.name.startswith("PJSIP/outside")

    def told(self) -> ev.Channel:
        """Returns the line as events tell of it."""
        created = moment(self.created)
        return ev.Channel(self.id, self.name, "Up", self.party, self.exten, self.linkedid, created)


class Exchange:
    """All lines, and the bridges in which they hear one another."""

    def __init__(self, timeline: Timeline, link: Link) -> None:
        self.timeline, self.link = timeline, link
        self.lines: dict[str, Line] = {}
        self.bridges: dict[str, list[str]] = {}
        self.parties: dict[str, str] = {}
        """Who talks on a line, of all lines there ever were."""
        self.created: dict[str, float] = {}
        """When each of them was made."""
        self.linked: dict[str, set[str]] = {}
        """The linked ids each of them has had."""
        self.witness = Witness()
        self.changed: list[Callable[[], None]] = []
        """Called whenever others hear one another."""
        self.before_end: list[Callable[[str], None]] = []
        """Called with a line that is about to go."""
        self._count = 0

    def new_id(self, what: str) -> str:
        """Returns a name that nothing had before."""
        self._count += 1
        return f"{what}{self._count}"

    # --- lines

    def create(self, party: str, *, staff: bool, exten: str = "s", linkedid: str = "") -> Line:
        """Makes a line ring, or call."""
        id_ = f"{1_000_000 + int(self.timeline.now)}.{self.new_id('')}"
        endpoint = party if staff else "outside"
        name = f"PJSIP/{endpoint}-{self._count:08x}"
        line = Line(id_, name, party, exten, linkedid or id_, self.timeline.now)
        self.linked[id_] = {line.linkedid}
        self.lines[id_], self.parties[id_], self.created[id_] = line, party, line.created
        self.tell(ev.ChannelCreated(self.timeline.clock, line.told()))
        return line

    def rename(self, line: Line, party: str) -> None:
        """Gives a line that rings to another phone, which picks the call up."""
        line.party, line.name = party, f"PJSIP/{party}-{self.new_id('p'):>8}"
        self.parties[line.id] = party

    def is_there(self, line: Line) -> bool:
        return self.lines.get(line.id) is line

    def hang_up(self, line: Line) -> None:
        """Ends a line; who was left alone in its bridge by that is hung up as well, unless that is a room."""
        if not self.is_there(line):
            return
        bridge = line.bridge
        for step in line.at_end:
            step()
        for told in self.before_end:
            told(line.id)
        self.leave(line)
        del self.lines[line.id]
        self.tell(ev.ChannelDestroyed(self.timeline.clock, line.told()))
        if bridge and bridge.startswith("dial"):
            self.timeline.after(0.002, lambda: self._left_alone(bridge))

    def _left_alone(self, bridge: str) -> None:
        members = self.bridges.get(bridge, [])
        if len(members) == 1:
            self.hang_up(self.lines[members[0]])

    # --- bridges

    def enter(self, line: Line, bridge: str, *, told: bool = True) -> None:
        """Lets a line talk in a bridge. Not `told`: as with who gets another's place in a conference."""
        if not self.is_there(line):
            return
        self.leave(line)
        self.bridges.setdefault(bridge, []).append(line.id)
        line.bridge = bridge
        self.changes()
        if told:
            members = tuple(self.bridges[bridge])
            self.tell(ev.EnteredBridge(self.timeline.clock, line.told(), bridge, members))

    def leave(self, line: Line) -> None:
        """Takes a line out of its bridge."""
        bridge, line.bridge = line.bridge, None
        if not bridge:
            return
        members = self.bridges[bridge]
        members.remove(line.id)
        if not members:
            del self.bridges[bridge]
        self.changes()
        self.tell(ev.LeftBridge(self.timeline.clock, line.told(), bridge, tuple(members)))

    def take_place(self, line: Line, of: Line) -> None:
        """Puts a line where another was, by an attended transfer into a conference."""
        bridge = of.bridge
        assert bridge
        self.tell(ev.TookPlace(self.timeline.clock, line.told(), of.id))
        self.leave(line)
        # The other one's going is told only by its end.
        self.bridges[bridge].remove(of.id)
        of.bridge = None
        self.enter(line, bridge, told=False)

    def join_calls(self, bridge: str) -> None:
        """Gives all lines of a bridge the oldest linked id; that is told with their next events."""
        members = [self.lines[id_] for id_ in self.bridges.get(bridge, [])]
        oldest = min(members, key=lambda line: line.created, default=None)
        for line in members:
            assert oldest
            line.linkedid = oldest.linkedid
            self.linked[line.id].add(line.linkedid)

    def group(self, id_: str) -> Lines:
        """Returns who hears one another with a line, itself included."""
        bridge = self.lines[id_].bridge
        return frozenset(self.bridges[bridge]) if bridge else frozenset({id_})

    def others(self, line: Line) -> Iterator[Line]:
        """Yields the other lines in its bridge."""
        yield from (self.lines[id_] for id_ in self.bridges.get(line.bridge or "", []) if id_ != line.id)

    def changes(self) -> None:
        """Takes note that others hear one another than before."""
        self.witness.see(self.timeline.now, [frozenset(ids) for ids in self.bridges.values()])
        for each in self.changed:
            each()

    def tell(self, event: ev.Event) -> None:
        self.link.tell(event)

    def crash(self) -> None:
        """Ends everything at once; nobody is told."""
        self.lines.clear()
        self.bridges.clear()
        self.changes()
