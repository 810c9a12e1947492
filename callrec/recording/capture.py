"""A capture under way: two snoops on one channel, each recorded into a track. Pure.

When a track breaks while its channel lives, a new part is begun and the gap is written down: a
recording may lack a second, it may not lack the rest of the call.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from callrec.model import Capture, Gap, Part, Track
from callrec.pbx.events import OWN_PREFIX
from callrec.recording.commands import Command, HangUp, RecordSnoop, Settle, StartSnoop
from callrec.state import LIVE, Live, advance

FOLDER = "callrec"
RETRY_AFTER = timedelta(seconds=0.5)
"""How long a broken track is looked at: a hang-up ends the recording a moment before the channel."""
RETRY_AT_MOST = timedelta(seconds=60)
"""The wait doubles with every part that did not begin, up to this."""
JOINT = timedelta(milliseconds=60)
"""How long it may take to renew the snoops before that counts as a gap: three packets."""
QUEUED_FOR = timedelta(seconds=3)
FINISHED_WITHIN = timedelta(seconds=5)

Side = Literal["in", "out"]
SIDES: tuple[Side, Side] = ("in", "out")
UNKNOWN: tuple[None, Side] = (None, "in")


@dataclass(slots=True)
class LivePart:
    """One stretch: the state and the track of each side. `in` is what the channel's party says."""

    part: Part
    states: dict[Side, Live] = field(default_factory=lambda: dict.fromkeys(SIDES, Live.QUEUED))
    asked: set[Side] = field(default_factory=set)
    """The sides whose recording was asked for: an event that comes twice must not ask twice."""

    def track(self, side: Side) -> Track:
        return self.part.external if side == "in" else self.part.staff

    def put(self, side: Side, track: Track) -> None:
        part = self.part
        self.part = replace(part, external=track) if side == "in" else replace(part, staff=track)

    def step(self, side: Side, step: str) -> None:
        self.states[side] = advance(LIVE, self.states[side], step)

    def fail(self, side: Side, at: datetime, problem: str) -> None:
        if self.is_open(side):
            self.step(side, "fail")
            self.put(side, replace(self.track(side), finished_at=at, failed=problem))

    def close(self, side: Side, at: datetime) -> None:
        """We end a track ourselves: what it has is kept; what had not begun is given up."""
        begun = self.states[side] is not Live.QUEUED
        self.step(side, "finish" if begun else "cancel")
        self.put(side, replace(self.track(side), finished_at=at, failed=None if begun else "given up"))

    def is_open(self, side: Side) -> bool:
        return bool(LIVE[self.states[side]])

    @property
    def is_whole(self) -> bool:
        return all(self.is_open(side) for side in SIDES)

    @property
    def has_begun(self) -> bool:
        return any(self.track(side).started_at for side in SIDES)


@dataclass(slots=True)
class LiveCapture:
    """The capture of one recording. Times are the PBX's."""

    session: str
    recording_id: str
    started_at: datetime
    kept_because: str
    parts: list[LivePart] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    gone_at: datetime | None = None
    _broken_at: datetime | None = None
    _wait: timedelta = RETRY_AFTER
    _joint_since: datetime | None = None
    _number: int = 0
    _by_snoop: dict[str, tuple[LivePart, Side]] = field(default_factory=dict)
    _by_track: dict[str, tuple[LivePart, Side]] = field(default_factory=dict)

    # --- asked for

    def start_part(self, channel: str, at: datetime) -> list[Command]:
        """Begins to capture a channel."""
        number = self._number + 1
        names = {side: f"{FOLDER}/{self.recording_id}-{number}-{side}" for side in SIDES}
        self._add(LivePart(Part(number, channel, Track(names["in"]), Track(names["out"]), at)))
        self._broken_at = None
        return [StartSnoop(self.session, channel, self._snoop(number, side), spy=side) for side in SIDES]

    def move(self, channel: str, at: datetime) -> list[Command]:
        """Goes on with another channel, when the captured one is gone and the call is not."""
        since, self.gone_at = self._joint_since or self.gone_at or at, None
        self._joint_since = None
        if self.parts:
            self._close(self.parts[-1], since)
        self.gaps.append(Gap(since, at, "the recorded party left the call"))
        return self.start_part(channel, at)

    def renew(self, at: datetime) -> list[Command]:
        """New snoops on the same channel, because its voice comes from another phone now.

        What a channel is played is decoded for its snoops by one decoder, which drops packets whose
        sequence number is lower than the last: half of all transfers would be silent. The decoder
        goes with the last snoop, so both have to be gone before new ones come.
        """
        if self.gone_at or not self.parts:
            return []
        part, self._joint_since = self.parts[-1], self._joint_since or at
        self._close(part, at)
        return [*self._hang_up(part), Settle(self.session), *self.start_part(part.part.channel, at)]

    def abandon(self, at: datetime) -> list[Command]:
        """The captured channel goes on in another call, which has a recording of its own."""
        self.gone_at = at
        return self._hang_up(self.parts[-1]) if self.parts else []

    def snoop_ready(self, snoop: str) -> list[Command]:
        part, side = self._by_snoop.get(snoop, UNKNOWN)
        if not part or side in part.asked or not part.is_open(side):
            return []
        part.asked.add(side)
        return [RecordSnoop(self.session, snoop, part.track(side).name)]

    def retry(self, at: datetime) -> list[Command]:
        """A new part in place of a broken one, when the channel still lives."""
        self._give_up_waiting(at)
        if self.gone_at or not self._broken_at or at - self._broken_at < self._wait:
            return []
        broken, since = self.parts[-1], self._joint_since or self._broken_at
        self._joint_since = None
        self._close(broken, at)
        self._note_gap(broken, since, at)
        # A snoop may be there although its recording has ended or was refused.
        return [*self._hang_up(broken), *self.start_part(broken.part.channel, at)]

    # --- told

    def track_started(self, name: str, at: datetime) -> bool:
        """Notes the start of a track; whether with it the part is complete."""
        part, side = self._by_track.get(name, UNKNOWN)
        if not part or part.states[side] is not Live.QUEUED:
            return False
        part.step(side, "start")
        part.put(side, replace(part.track(side), started_at=at))
        self._wait = RETRY_AFTER
        whole = all(state is Live.RECORDING for state in part.states.values())
        if whole:
            self._end_joint(at)
        return whole

    def track_ended(self, name: str, at: datetime, failure: str | None) -> None:
        part, side = self._by_track.get(name, UNKNOWN)
        if not part or not part.is_open(side):
            return
        if failure or part.states[side] is Live.QUEUED:
            part.fail(side, at, failure or "it ended before it had begun")
        else:
            part.step(side, "finish")
            part.put(side, replace(part.track(side), finished_at=at))
        self._broken(at)

    def command_failed(self, command: Command, problem: str, at: datetime) -> None:
        if isinstance(command, (StartSnoop, RecordSnoop)):
            part, side = self._by_snoop.get(command.snoop, UNKNOWN)
            if part:
                part.fail(side, at, problem)
                self._broken(at)

    def channel_gone(self, channel: str, at: datetime) -> None:
        """The captured channel has hung up: its snoops and their recordings end by themselves."""
        if channel == self.channel:
            self.gone_at = at

    @property
    def channel(self) -> str | None:
        return self.parts[-1].part.channel if self.parts else None

    @property
    def is_finished(self) -> bool:
        """Whether the channel is gone and every track has ended."""
        return bool(self.gone_at) and not any(part.is_open(side) for part in self.parts for side in SIDES)

    def frozen(self) -> Capture:
        """The capture as it is written down."""
        ends = [
            part.track(side).finished_at
            for part in self.parts
            for side in SIDES
            if part.track(side).finished_at
        ]
        return Capture(
            recording_id=self.recording_id,
            started_at=self.started_at,
            kept_because=self.kept_because,
            parts=tuple(part.part for part in self.parts),
            gaps=tuple(self.gaps),
            ended_at=max(ends, default=None) if self.is_finished else None,  # type: ignore[type-var]
        )

    @classmethod
    def restored(cls, session: str, capture: Capture) -> LiveCapture:
        """The capture as it was written down before a restart."""
        live = cls(session, capture.recording_id, capture.started_at, capture.kept_because)
        live.gaps = list(capture.gaps)
        for part in capture.parts:
            tracks = zip(SIDES, (part.external, part.staff), strict=True)
            states = {side: _state(track) for side, track in tracks}
            live._add(LivePart(part, states, asked=set(SIDES)))
        return live

    @property
    def snoops(self) -> set[str]:
        """The ids of all snoops there may be."""
        return set(self._by_snoop)

    def compared(self, there: set[str], at: datetime) -> None:
        """What the PBX has: a snoop that is not there has ended, unseen, so its time is not known."""
        for part in self.parts:
            for side in SIDES:
                if part.states[side] is Live.RECORDING and self._snoop(part.part.number, side) not in there:
                    part.step(side, "finish")
        self._broken(at)
        if self.channel and self.channel not in there:
            self.channel_gone(self.channel, at)

    # --- inside

    def _snoop(self, number: int, side: Side) -> str:
        return f"{OWN_PREFIX}{self.recording_id}-{number}-{side}"

    def _add(self, part: LivePart) -> None:
        self._number = part.part.number
        self.parts.append(part)
        for side in SIDES:
            self._by_snoop[self._snoop(self._number, side)] = part, side
            self._by_track[part.track(side).name] = part, side

    def _close(self, part: LivePart, at: datetime) -> None:
        for side in SIDES:
            if part.is_open(side):
                part.close(side, at)

    def _hang_up(self, part: LivePart) -> list[Command]:
        return [HangUp(self.session, self._snoop(part.part.number, side)) for side in SIDES]

    def _note_gap(self, broken: LivePart, since: datetime, at: datetime) -> None:
        """A part that never began lengthens the gap before it."""
        if not broken.has_begun:
            self._wait = min(2 * self._wait, RETRY_AT_MOST)
            if self.gaps and self.gaps[-1].finished_at == broken.part.requested_at:
                since = self.gaps.pop().started_at
        if not broken.asked:
            self.parts.remove(broken)  # the PBX can have no file of it
        self.gaps.append(Gap(since, at, self._problem(broken)))

    def _end_joint(self, at: datetime) -> None:
        """A joint that took longer than it should is a gap."""
        since, self._joint_since = self._joint_since, None
        if since and at - since > JOINT:
            self.gaps.append(Gap(since, at, "the other party changed"))

    def _broken(self, at: datetime) -> None:
        if self.parts and not self.parts[-1].is_whole:
            self._broken_at = self._broken_at or at

    def _give_up_waiting(self, at: datetime) -> None:
        for part in self.parts:
            for side in SIDES:
                if (
                    part.states[side] is Live.QUEUED
                    and at - (part.part.requested_at or self.started_at) > QUEUED_FOR
                ):
                    part.fail(side, at, "the PBX did not begin to record within 3 s")
                    self._broken(at)
                if self.gone_at and part.is_open(side) and at - self.gone_at > FINISHED_WITHIN:
                    self.track_ended(part.track(side).name, at, None)

    def _problem(self, part: LivePart) -> str:
        return next((part.track(side).failed or "" for side in SIDES if part.track(side).failed), "it ended")


def _state(track: Track) -> Live:
    if track.failed:
        return Live.FAILED
    if track.finished_at:
        return Live.DONE
    # One that had not begun when it was written down is given up: a new part takes its place, and
    # its file, if there is one, is taken too.
    return Live.RECORDING if track.started_at else Live.QUEUED
