"""What was recorded of a call: its segments, their tracks, gaps and silences.

Times are aware and in UTC, by the PBX's clock. What a manifest holds of it is published as its schema,
so it is written for who reads a manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callrec.model.calls import CallRecord
from callrec.model.kinds import Custody as Custody
from callrec.model.kinds import KeptBecause as KeptBecause


class RetainedBecause(StrEnum):
    """What decided until when a recording is kept."""

    RULE = "rule"
    """The rule of its call."""
    INCIDENT = "incident"
    """The same rule: the call is an incident, marked by a key or afterwards."""
    PERSON = "person"
    """Somebody who said that it is to be kept longer."""


class SilenceReason(StrEnum):
    """Why a recording is silent on purpose: the PBX was told to record silence, or nothing, and callrec has
    written silence over the whole span in the file. What was said meanwhile was not kept anywhere."""

    PRIVACY = "key"
    """Staff pressed the key for a privacy pause."""
    STOP = "stop"
    """Staff pressed the key that stops: the PBX was told to end the recording. The file is silent up to the
    next segment; without one it ends there, or as soon as the PBX obeyed."""
    NEVER = "never"
    """A rule says never for somebody who talked."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a call that its recording lacks, though it should not: the file is silent there, or has
    only one of both sides."""

    started_at: datetime
    """The moment from which sound is missing; PBX's clock."""
    finished_at: datetime | None
    """The moment at which callrec recorded again; PBX's clock. Null where it did not: to the end."""
    reason: str
    """Why, in English: what Asterisk reported of the track that broke, or what callrec saw."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A span of silence on purpose. Where it stands in the file: see the manifest's description."""

    started_at: datetime
    """The moment from which silence was wanted; PBX's clock. The file is silent from a tenth of a second
    before, for the clocks of its samples and of what the PBX tells may differ by some packets."""
    finished_at: datetime | None
    """The moment at which this reason for silence ended; PBX's clock. Null: it lasted to the end of the call.
    Silences for several reasons may overlap; it was silent until the last had ended."""
    reason: SilenceReason
    """Who or what wanted it silent."""


GIVEN_UP = "given up"
"""Why a track never began that callrec ended itself."""


@dataclass(frozen=True, slots=True)
class Track:
    """One direction of one segment: a mono sound file that Asterisk recorded, before both were joined.

    callrec removes it from the PBX once the archive is proved to hold the joined file.
    """

    name: str
    """The file's name on the PBX, below Asterisk's folder of recordings and without `.wav`."""
    started_at: datetime | None = None
    """The moment at which Asterisk reported that it began, taken as that of its first sample; PBX's clock. Of
    a recording by the dialplan, when the call was answered, or its end less its length; so too where only
    its end was reported, see `closed_at`. Null where neither was."""
    finished_at: datetime | None = None
    """The moment at which Asterisk reported its end, or at which callrec ended it; PBX's clock. Null where
    the end was not seen: its length tells it."""
    failed: str | None = None
    """Why it broke or never began: what Asterisk reported, or in English what callrec saw. Null: it ended as
    it should."""
    closed_at: datetime | None = None
    """The moment at which Asterisk reported the end of a track of which nothing had told that it had begun;
    PBX's clock. Less its length, that is when it began. Null of every other track."""
    unwatched: bool = False
    """True where callrec, or its link to Asterisk, was away while the track could begin: it may hold sound of
    any moment since it was asked for."""

    @property
    def may_have_begun(self) -> bool:
        """Whether anything told that it had begun, or callrec did not watch."""
        return bool(self.started_at or self.closed_at or self.unwatched)

    @property
    def was_given_up(self) -> bool:
        """Whether callrec ended it, and watched, before anything told that it had begun."""
        return self.failed == GIVEN_UP and not self.may_have_begun


@dataclass(frozen=True, slots=True)
class Segment:
    """An uninterrupted stretch of a recording: two tracks of one channel, recorded at the same time.

    A new one begins where the recording was interrupted: after a stop or a gap, and where the recorded
    party began to hear another phone. In the file, a track that began 20 ms or more after the other has
    silence before it; with less, both begin at the same moment.
    """

    number: int
    """The segment's number within the call, from 1. Numbers are missing where segments were not kept."""
    channel: str
    """Asterisk's unique id of the recorded channel: that of the external party, of an internal call the
    caller's. Where the dialplan recorded, the caller's."""
    external: Track
    """What the external party said. In the file: left."""
    staff: Track
    """What the external party heard: staff, announcements, music on hold. In the file: right."""
    requested_at: datetime | None = None
    """The moment at which callrec asked the PBX to record; PBX's clock. It counts as the beginning of a
    segment whose tracks have none. Null of a recording by the dialplan."""
    standby: bool = False
    """True while the segment is kept only if staff press a key. False in a manifest: what stayed on standby
    was destroyed and is not in it."""

    @property
    def was_given_up(self) -> bool:
        """Whether callrec ended it before a track had begun: Asterisk need not have a file of it."""
        return self.external.was_given_up and self.staff.was_given_up

    @property
    def began_at(self) -> datetime | None:
        """The moment of its first sample: the earlier of both tracks', as far as that is known."""
        starts = [track.started_at for track in (self.external, self.staff) if track.started_at]
        return min(starts, default=self.requested_at)


@dataclass(frozen=True, slots=True)
class Capture:
    """What the PBX recorded of a call for one recording, and why it is kept."""

    recording_id: str
    """The recording's id, given by callrec: a UUID of version 7. See the manifest's own `recording_id`."""
    started_at: datetime
    """The moment at which callrec asked the PBX to record; where only a later part was kept, to record that.
    PBX's clock. The sound begins some milliseconds later. Of a recording by the dialplan, the answer."""
    kept_because: KeptBecause | None
    """Why it is kept. Null while nothing says that it is to be kept; never null in a manifest."""
    segments: tuple[Segment, ...] = ()
    """The stretches of which the file is made, in order."""
    gaps: tuple[Gap, ...] = ()
    """What the recording lacks, in order. Interruptions of up to 60 ms, where the recorded party began to
    hear another phone, are not listed: `placements` shows them. Empty: callrec knows of no gap."""
    ended_at: datetime | None = None
    """The moment at which it ended: the latest end of a track or, where none was seen, the beginning plus the
    length of the sound; of a recording by the dialplan, the end of the call. PBX's clock. Null while it is
    not over; never null in a manifest."""
    silences: tuple[Silence, ...] = ()
    """Where it is silent on purpose, in order. Empty: nowhere."""

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All its tracks, in order: of each segment that of the external party, then that of staff."""
        return tuple(track for each in self.segments for track in (each.external, each.staff))

    @property
    def track_names(self) -> frozenset[str]:
        """The names of its tracks on the PBX."""
        return frozenset(track.name for track in self.tracks)

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
