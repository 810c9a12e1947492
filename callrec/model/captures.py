"""What was recorded of a call, as it is written down. Times are aware and in UTC, and the PBX's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callrec.model.calls import CallRecord


class Custody(StrEnum):
    """Where a kept recording is. Forward only."""

    CAPTURED = "captured"
    SPOOLED = "spooled"
    ARCHIVED = "archived"
    DESTROYED = "destroyed"


class KeptBecause(StrEnum):
    """Why a recording is kept: the rule says so, or staff pressed a key."""

    AUTOMATIC = "automatic"
    KEY = "key"
    HELP = "help"


class SilenceReason(StrEnum):
    """Why a recording is silent on purpose: staff pressed the key for privacy or the one that stops, or
    somebody talked whose rule says never."""

    PRIVACY = "key"
    STOP = "stop"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a call that its recording lacks, and why."""

    started_at: datetime
    finished_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch of silence within a recording, on purpose. Without an end it lasted until the recording's."""

    started_at: datetime
    finished_at: datetime | None
    reason: SilenceReason


@dataclass(frozen=True, slots=True)
class Track:
    """One direction of one part of a capture: a stored recording of the PBX, by name."""

    name: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """An uninterrupted stretch of a capture: two tracks of one channel.

    `external` is the track with the external party's voice, `staff` the one with what it heard.
    `requested_at` is when it was asked for: where the PBX did not tell the start, it began then.
    `standby`: it is kept only if a key is pressed.
    """

    number: int
    channel: str
    external: Track
    staff: Track
    requested_at: datetime | None = None
    standby: bool = False

    @property
    def began_at(self) -> datetime | None:
        """The moment of its first sample: the earlier of both tracks', as far as that is known."""
        starts = [track.started_at for track in (self.external, self.staff) if track.started_at]
        return min(starts, default=self.requested_at)


@dataclass(frozen=True, slots=True)
class Capture:
    """A recording under way or finished, as it must be known after a crash.

    `kept_because` is None while nothing says that it is to be kept.
    """

    recording_id: str
    started_at: datetime
    kept_because: KeptBecause | None
    segments: tuple[Segment, ...] = ()
    gaps: tuple[Gap, ...] = ()
    ended_at: datetime | None = None
    pauses: tuple[Pause, ...] = ()

    @property
    def began_at(self) -> datetime:
        """The moment of the recording's first sample."""
        first = self.segments[0].began_at if self.segments else None
        return first or self.started_at


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A call and its capture while the call is open: what the next start of callrec needs to know of them."""

    call: CallRecord
    capture: Capture


@dataclass(frozen=True, slots=True)
class CapturedCall:
    """A call that is over and its capture, or the segments of it that are kept, or destroyed, together."""

    call: CallRecord
    capture: Capture
