"""The segments of one capture with their snoops and tracks, and the actions on them.

When which of these actions is due is decided in `capture`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from callrec.model.captures import Segment, Track
from callrec.pbx.events import OWN_PREFIX
from callrec.recording.actions import (
    Action,
    AwaitHangup,
    AwaitStop,
    HangUp,
    Mute,
    ProveMonitor,
    StartSnoop,
    StopMonitor,
    Unmute,
)
from callrec.recording.owners import Owner
from callrec.recording.segment import SIDES, LiveSegment, Side
from callrec.recording.states import Live

FOLDER = "callrec"
"""The folder of the PBX's stored recordings in which ours are."""
STANDBY = "s"
"""What follows the number of a segment in the names of its tracks, where that began on standby. With the
checkpoint lost, the name alone tells what was to become of them."""
SPY: dict[Side, str] = {"external": "in", "staff": "out"}
"""Which direction of the captured channel the snoop of a side listens to, in ARI's words."""


@dataclass(slots=True)
class CaptureTracks:
    """All segments of a capture, the last one under way.

    Ids of snoops and names of tracks follow from the recording's id, the segment's number and the side.
    """

    linkedid: str
    recording_id: str
    segments: list[LiveSegment] = field(default_factory=list)
    _number: int = 0
    _by_id: dict[str, tuple[LiveSegment, Side]] = field(default_factory=dict)
    _asked: Counter[tuple[int, Side]] = field(default_factory=Counter)
    """How often the PBX was asked to silence a track and has not said that it did, by segment and side."""

    def start(self, channel: str, at: datetime, owner: Owner, *, standby: bool) -> list[Action]:
        """Begins another segment of this channel, with a snoop for each direction (decision 3)."""
        number = self._number + 1
        name = f"{FOLDER}/{self.recording_id}-{number}{STANDBY if standby else ''}"
        external, staff = (Track(f"{name}-{side}") for side in SIDES)  # decision 24
        self.add(LiveSegment(Segment(number, channel, external, staff, at, standby)))
        return [
            StartSnoop(self.linkedid, channel, snoop, spy=SPY[side], side=side, owner=owner)
            for side, snoop in self._snoops(number)
        ]

    def take_up(self, file: str, channel: str, at: datetime, owner: Owner) -> list[Action]:
        """Takes what the dialplan records of this channel since `at` for a segment under way."""
        external, staff = (Track(f"{file}-{side}", at) for side in SIDES)
        live = LiveSegment(Segment(self._number + 1, channel, external, staff), asked=set(SIDES))
        live.states = dict.fromkeys(SIDES, Live.RECORDING)
        self.add(live)
        return [ProveMonitor(self.linkedid, channel, (external.name, staff.name), owner=owner)]

    def add(self, live: LiveSegment) -> None:
        """Adds a segment that was asked for, also one of before a restart."""
        self._number = live.number
        self.segments.append(live)
        for side, snoop in self._snoops(live.number):
            self._by_id[snoop] = self._by_id[live.track(side).name] = live, side

    def drop_unasked(self, live: LiveSegment) -> None:
        """Takes out a segment of which no side was asked to be recorded: the PBX can have no file of it."""
        if not live.asked:
            self.segments.remove(live)

    def find(self, id_: str) -> tuple[LiveSegment, Side]:
        """Returns the segment and side of a snoop, by its id, or of a track, by its name. Raises KeyError."""
        return self._by_id[id_]

    @property
    def last(self) -> LiveSegment | None:
        """The segment under way, or the last one there was; None before the first."""
        return self.segments[-1] if self.segments else None

    @property
    def monitored(self) -> LiveSegment | None:
        """The segment under way, where the dialplan records it; else None."""
        last = self.last
        return last if last and last.is_monitored and last.may_be_written else None

    def end_monitored(self, at: datetime | None) -> None:
        """Takes what the dialplan records for ended, with its channel: of that no event tells. None: nobody
        knows when that was."""
        live = self.monitored
        if live and at:
            live.close(at)
        elif live:
            for side in SIDES:
                live.ended_unseen(side)

    def is_there(self, live: LiveSegment, snoop: str, there: set[str]) -> bool:
        """Tells whether what writes a track can be among the channels that the PBX has."""
        return (live.segment.channel if live.is_monitored else snoop) in there

    @property
    def is_open(self) -> bool:
        """Whether a track may still be written, also one that was given up."""
        return any(live.may_be_written for live in self.segments)

    @property
    def is_recording(self) -> bool:
        """Whether both tracks of the last segment have begun and go on, muted or not."""
        return bool(self.last) and all(self.segments[-1].is_recording(side) for side in SIDES)

    @property
    def is_quiet(self) -> bool:
        """Whether the PBX writes nothing into any track that can be heard, and has said so."""
        loud = (Live.QUEUED, Live.RECORDING)
        return not self._asked.total() and not any(
            state in loud for live in self.segments[-1:] for state in live.states.values()
        )

    def silenced(self, id_: str) -> None:
        """Takes note that a track was muted or its snoop hung up, as asked, or that it has ended."""
        live, side = self.find(id_)
        self._asked -= Counter([(live.number, side)])

    @property
    def ids(self) -> set[str]:
        """The ids of all snoops there may be, and the names of all tracks."""
        return set(self._by_id)

    @property
    def snoops(self) -> set[str]:
        """The ids of all snoops there may be."""
        return {snoop for live in self.segments for _, snoop in self._snoops(live.number)}

    def each(self) -> Iterator[tuple[LiveSegment, Side, str]]:
        """Every track: its segment, its side, and its snoop's id."""
        for live in self.segments:
            for side, snoop in self._snoops(live.number):
                yield live, side, snoop

    # --- actions

    def hang_up(self, live: LiveSegment) -> list[Action]:
        """Hangs up both snoops of a segment, or ends what the dialplan records, each among the actions of
        its own side."""
        live.released = True
        self._asked.update((live.number, side) for side in SIDES)
        return [self.end(live, side) for side in SIDES]

    def end(self, live: LiveSegment, side: Side) -> Action:
        """Hangs up the snoop of one side of a segment, or ends what the dialplan records."""
        if live.is_monitored:
            return StopMonitor(self.linkedid, live.segment.channel, live.track(side).name, side=side)
        return HangUp(self.linkedid, dict(self._snoops(live.number))[side], side=side)

    def await_hangup(self, live: LiveSegment) -> list[Action]:
        """Adds to the actions of each side the other side's hang-up, and a wait until both snoops are gone.

        So a side has both gone before it makes its new snoop, however far the other side's actions are
        (decision 9).
        """
        if live.is_monitored:
            return [AwaitStop(self.linkedid, side=side) for side in SIDES]
        snoops = self._snoops(live.number)
        both = tuple(snoop for _, snoop in snoops)
        other = [
            HangUp(self.linkedid, snoop, side=each)
            for each in SIDES
            for side, snoop in snoops
            if side != each
        ]
        return [*other, *(AwaitHangup(self.linkedid, both, side=side) for side in SIDES)]

    def hang_up_left(self, there: set[str]) -> list[Action]:
        """Hangs up the snoops among `there` whose track is over: the PBX was not told."""
        return [
            self.end(live, side)
            for live, side, snoop in self.each()
            if not live.is_open(side) and self.is_there(live, snoop, there)
        ]

    def mute(self, *, again: bool = False) -> list[Action]:
        """Mutes the tracks of the last segment that record; `again`: also those that are muted."""
        stepped = self._stepped("mute", Live.RECORDING, Live.MUTED if again else None)
        self._asked.update((self.segments[-1].number, side) for side, _ in stepped)
        return [Mute(self.linkedid, name, self._by_dialplan, side=side) for side, name in stepped]

    def unmute(self, *, again: bool = False) -> list[Action]:
        """Unmutes the tracks of the last segment that are muted; `again`: also those that record."""
        stepped = self._stepped("unmute", Live.MUTED, Live.RECORDING if again else None)
        return [Unmute(self.linkedid, name, self._by_dialplan, side=side) for side, name in stepped]

    @property
    def _by_dialplan(self) -> str:
        """The channel of the segment under way, where the dialplan records it; else empty."""
        return self.monitored.segment.channel if self.monitored else ""

    def _stepped(self, step: str, before: Live, also: Live | None) -> list[tuple[Side, str]]:
        """Takes a step with the tracks of the last segment that are in the state `before`.

        Returns their sides and names, and those of tracks in the state `also`, which take no step.
        """
        names = []
        for live in self.segments[-1:]:
            for side in SIDES:
                if live.states[side] in (before, also):
                    names.append((side, live.track(side).name))
                if live.states[side] is before:
                    live.step(side, step)
        return names

    def _snoops(self, number: int) -> list[tuple[Side, str]]:
        return [(side, f"{OWN_PREFIX}{self.recording_id}-{number}-{side}") for side in SIDES]
