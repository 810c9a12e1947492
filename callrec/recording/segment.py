"""One segment of a capture under way: the state and the track of each of its two sides."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from callrec.model.captures import GIVEN_UP, Segment, Track
from callrec.pbx import mixmonitor
from callrec.recording.states import LIVE, Live, advance

Side = Literal["external", "staff"]
SIDES: tuple[Side, Side] = ("external", "staff")


@dataclass(slots=True)
class LiveSegment:
    """A segment under way. `external` is what the captured party says, `staff` what it hears."""

    segment: Segment
    states: dict[Side, Live] = field(default_factory=lambda: dict.fromkeys(SIDES, Live.QUEUED))
    asked: set[Side] = field(default_factory=set)
    """The sides whose recording was asked for: an event that comes twice must not ask twice."""
    awaited: set[Side] = field(default_factory=set)
    """The sides that were given up though the PBX had been asked to record them: it may do so yet."""
    given_up: set[Side] = field(default_factory=set)
    """Those of them of which the PBX told nothing in time, perhaps because the link to it was away."""
    released: bool = False
    """Whether we have hung up its snoops."""
    stop_refused: bool = False
    """Whether the PBX has refused to end what the dialplan records, and not done it yet."""
    ended_at: datetime | None = None
    """When it ended for us, though the PBX may write on; None: when the PBX ends it."""

    @property
    def number(self) -> int:
        return self.segment.number

    @property
    def is_monitored(self) -> bool:
        """Whether the dialplan records it: it lasts as long as its channel is in a bridge (decision 27)."""
        return mixmonitor.is_of_dialplan(self.segment.external.name)

    def track(self, side: Side) -> Track:
        return self.segment.external if side == "external" else self.segment.staff

    def keep(self) -> None:
        """Keeps it, also if it was on standby."""
        self.segment = replace(self.segment, standby=False)

    def give_up(self) -> None:
        """Takes it for one that is to be destroyed, as what stayed on standby."""
        self.segment = replace(self.segment, standby=True)

    def start(self, side: Side, at: datetime) -> None:
        """Takes note that the PBX has begun to write a track."""
        self.step(side, "start")
        self._put(side, replace(self.track(side), started_at=at))

    def began_late(self, side: Side, at: datetime) -> None:
        """Takes note that the PBX has begun to write a track that is over already."""
        if not self.track(side).started_at:
            self._put(side, replace(self.track(side), started_at=at))

    def closed_late(self, side: Side, at: datetime) -> None:
        """Takes note that the PBX has closed a track whose beginning nobody saw: that tells when it began."""
        self.awaited.discard(side)
        if not self.track(side).started_at:
            self._put(side, replace(self.track(side), closed_at=at))

    def finish(self, side: Side, at: datetime) -> None:
        """Takes note that the PBX has ended a track."""
        self.step(side, "finish")
        self._put(side, replace(self.track(side), finished_at=self.ended_at or at))

    def give_up_on(self, side: Side, at: datetime, problem: str) -> None:
        """Takes a track for failed of which the PBX has told nothing, though it was asked for."""
        if self.is_open(side):
            self.fail(side, at, problem)
            self.awaited |= self.asked & {side}
            self.given_up |= self.asked & {side}

    def fail(self, side: Side, at: datetime, problem: str) -> None:
        """Takes note that a track has failed, unless it was over already."""
        if self.is_open(side):
            self.step(side, "fail")
            self._put(side, replace(self.track(side), finished_at=self.ended_at or at, failed=problem))

    def end_by(self, at: datetime) -> None:
        """Ends for us at `at`, whatever the PBX writes on; also where it was ended later, before that was
        told."""
        self.ended_at = at
        for side in SIDES:
            track = self.track(side)
            if track.finished_at is None or track.finished_at > at:
                self._put(side, replace(track, finished_at=at))
            if self.states[side] is Live.QUEUED:
                self._cancel(side, at)

    def count_from_its_end(self) -> None:
        """Takes its beginning for unknown: its clock stood still for a while, nobody knows when. What is at
        its end has its place so, and what was before errs by the time in which nothing was written."""
        for side in SIDES:
            self._put(side, replace(self.track(side), started_at=None))

    def hung_up(self, side: Side, at: datetime) -> None:
        """Takes note that callrec ends a track at `at` that was over for it, at a time nobody knew."""
        if self.track(side).finished_at is None:
            self._put(side, replace(self.track(side), finished_at=at))

    def close(self, at: datetime) -> None:
        """Ends what is open ourselves: what a track has is kept, what had not begun is given up."""
        for side in SIDES:
            if self.states[side] is Live.QUEUED:
                self._cancel(side, at)
            elif self.is_open(side):
                self.step(side, "finish")
                self._put(side, replace(self.track(side), finished_at=at))

    def step(self, side: Side, step: str) -> None:
        """Takes a step of the table of tracks. Raises IllegalTransition, and then nothing has changed."""
        self.states[side] = advance(LIVE, self.states[side], step)

    def is_open(self, side: Side) -> bool:
        """Tells whether a track may still be written: it is asked for, recording or muted."""
        return bool(LIVE[self.states[side]])

    def is_recording(self, side: Side) -> bool:
        """Tells whether the PBX records a track, muted or not."""
        return self.is_open(side) and self.states[side] is not Live.QUEUED

    @property
    def may_be_written(self) -> bool:
        """Whether a track is open, or was given up and may be written all the same."""
        return bool(self.awaited) or any(self.is_open(side) for side in SIDES)

    @property
    def is_whole(self) -> bool:
        """Whether both tracks are open."""
        return all(self.is_open(side) for side in SIDES)

    @property
    def has_begun(self) -> bool:
        """Whether a track of it was ever begun."""
        return any(self.track(side).started_at for side in SIDES)

    @property
    def problem(self) -> str:
        """Why it ended, in the PBX's words or ours."""
        return next((self.track(side).failed or "" for side in SIDES if self.track(side).failed), "it ended")

    @classmethod
    def restored(cls, segment: Segment) -> LiveSegment:
        """Makes a segment again as it was written down before a restart.

        A track that had not begun then is given up: nobody would tell that it has, so it could not be muted.
        Another segment takes its place, and its file, if there is one, is taken too.
        """
        live = cls(segment, asked=set(SIDES))
        live.states = {side: _state_of(live.track(side)) for side in SIDES}
        live.was_unwatched()
        for side in SIDES:
            if live.states[side] is Live.QUEUED:
                live._cancel(side, None)
            track = live.track(side)
            if track.failed and not track.started_at and not track.closed_at:
                live.awaited.add(side)
        return live

    def was_unwatched(self) -> None:
        """Takes note that tracks may have begun, and ended, while nobody watched."""
        for side in self.asked if not self.ended_at else ():
            if self.states[side] is Live.QUEUED or side in self.given_up & self.awaited:
                self._put(side, replace(self.track(side), unwatched=True))

    def ended_unseen(self, side: Side) -> None:
        """Takes note that a track ended while nobody watched, or never began: its times are not known."""
        if self.is_recording(side):
            self.step(side, "finish")
        elif self.is_open(side) and side in self.asked:
            self._cancel(side, None)
        self.awaited.discard(side)

    def _cancel(self, side: Side, at: datetime | None) -> None:
        self.step(side, "cancel")
        self.awaited |= self.asked & {side}
        self._put(side, replace(self.track(side), finished_at=self.ended_at or at, failed=GIVEN_UP))

    def _put(self, side: Side, track: Track) -> None:
        if side == "external":
            self.segment = replace(self.segment, external=track)
        else:
            self.segment = replace(self.segment, staff=track)


def _state_of(track: Track) -> Live:
    if track.failed:
        return Live.FAILED
    if track.finished_at:
        return Live.DONE
    return Live.RECORDING if track.started_at else Live.QUEUED
