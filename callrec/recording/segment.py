"""One stretch of a capture: the state and the track of each of its two sides. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from callrec.model.captures import Segment, Track
from callrec.recording.states import LIVE, Live, advance

Side = Literal["external", "staff"]
SIDES: tuple[Side, Side] = ("external", "staff")


@dataclass(slots=True)
class LiveSegment:
    """`external` is what the channel's party says, `staff` what it hears."""

    segment: Segment
    states: dict[Side, Live] = field(default_factory=lambda: dict.fromkeys(SIDES, Live.QUEUED))
    asked: set[Side] = field(default_factory=set)
    """The sides whose recording was asked for: an event that comes twice must not ask twice."""
    released: bool = False
    """Whether we have hung up its snoops."""

    def track(self, side: Side) -> Track:
        return self.segment.external if side == "external" else self.segment.staff

    def put(self, side: Side, track: Track) -> None:
        segment = self.segment
        self.segment = (
            replace(segment, external=track) if side == "external" else replace(segment, staff=track)
        )

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

    def is_recording(self, side: Side) -> bool:
        """Whether the PBX records it, muted or not."""
        return self.is_open(side) and self.states[side] is not Live.QUEUED

    @property
    def is_whole(self) -> bool:
        return all(self.is_open(side) for side in SIDES)

    @property
    def has_begun(self) -> bool:
        return any(self.track(side).started_at for side in SIDES)

    @property
    def problem(self) -> str:
        return next((self.track(side).failed or "" for side in SIDES if self.track(side).failed), "it ended")


def state_of(track: Track) -> Live:
    """The state of a track as it was written down before a restart."""
    if track.failed:
        return Live.FAILED
    if track.finished_at:
        return Live.DONE
    # One that had not begun when it was written down is given up: a new segment takes its place, and
    # its file, if there is one, is taken too.
    return Live.RECORDING if track.started_at else Live.QUEUED
