"""The words of the project as types. Plain data: no I/O, no clock, no ids made here.

All times are aware and in UTC; durations are seconds; numbers of lines are as people dial them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

UNASSIGNED = "unassigned"
"""The facility under which calls of an extension that belongs to none are filed."""


class Mode(StrEnum):
    """What a rule asks for. See the table of the four modes in the documentation."""

    NEVER = "never"
    MANUAL = "manual"
    STANDBY = "standby"
    AUTOMATIC = "automatic"


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Announce(StrEnum):
    """When the announcement is played."""

    BEFORE_CONNECT = "before-connect"
    ON_START = "on-start"
    NONE = "none"


class Outcome(StrEnum):
    """How a call ended for the person who placed it."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    BUSY = "busy"
    FAILED = "failed"


class Key(StrEnum):
    """What staff ask for by a key during a call."""

    KEEP = "keep"
    STOP = "stop"
    PAUSE = "pause"
    HELP = "help"


class Effect(StrEnum):
    """What a key press did, as staff hear it by a tone. `unchanged`: it was so already."""

    STARTED = "started"
    KEPT = "kept"
    MARKED = "marked"
    STOPPED = "stopped"
    PAUSED = "paused"
    RESUMED = "resumed"
    HELP_SENT = "help-sent"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Scope(StrEnum):
    """What a rule is about, from the widest to the narrowest."""

    EVERYWHERE = "everywhere"
    FACILITY = "facility"
    EXTENSION = "extension"
    CALLER = "caller"


class Holidays(StrEnum):
    """What a rule makes of Japanese public holidays."""

    INCLUDE = "include"
    EXCLUDE = "exclude"
    ONLY = "only"


class Custody(StrEnum):
    """Where a kept recording is. Forward only."""

    CAPTURED = "captured"
    SPOOLED = "spooled"
    ARCHIVED = "archived"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True)
class Facility:
    """A facility. `code` is lower-case ASCII (it is part of object keys), `name` is for people.

    `support_room` and `support_mail` are who is called to help; None: as the settings say for all,
    empty: nobody.
    """

    code: str
    name: str
    support_room: str | None = None
    support_mail: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Support:
    """Who is called to help: the extension of a room that may listen, and mail addresses."""

    room: str | None = None
    mail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extension:
    """A number of the PBX and the facility it belongs to.

    `service`: no phone, but a number that is dialled: a queue, a ring group, a DID.
    """

    number: str
    facility: str
    name: str = ""
    service: bool = False


@dataclass(frozen=True, slots=True)
class Hours:
    """A span of the office's clock, half-open, on the weekdays on which it begins (0 is Monday).

    `begin` and `end` are minutes after midnight. A span that ends at or before its beginning goes on
    over midnight.
    """

    days: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule. `target` is a facility code, an extension or a caller's number.

    None means: no condition, or the default (announce, retention in days); no hours mean always.
    `effective_until` is the first moment at which the rule is over. `beep_s`: how often both parties hear
    the consent beep, in seconds.
    """

    id: int
    version: int
    scope: Scope
    target: str | None
    mode: Mode
    changed_at: datetime
    changed_by: str
    direction: Direction | None = None
    announce: Announce | None = None
    languages: tuple[str, ...] = ("ja",)
    prompt: str = "notice"
    retain_days: int | None = None
    retain_incident_days: int | None = None
    priority: int = 0
    hours: tuple[Hours, ...] = ()
    holidays: Holidays = Holidays.INCLUDE
    effective_from: datetime | None = None
    effective_until: datetime | None = None
    beep_s: int | None = None


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call when it has to be decided.

    `extensions` are the extensions that take part, the one that matters most first; `facilities`
    are theirs, in the same order; `number` is the other party's.
    """

    direction: Direction
    extensions: tuple[str, ...]
    facilities: tuple[str, ...]
    number: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that was looked at, and why it won or lost (a code of policy.wording)."""

    rule: int
    version: int
    won: bool
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens with one call, and which rule said so. `rule` None: the built-in default."""

    mode: Mode
    announce: Announce
    languages: tuple[str, ...]
    prompt: str
    retain_days: int
    retain_incident_days: int
    rule: int | None
    version: int | None
    reason: str
    considered: tuple[Candidate, ...] = ()
    beep_s: int | None = None


@dataclass(frozen=True, slots=True)
class Participant:
    """One channel's part in a call. `extension` is set for staff."""

    channel: str
    number: str
    extension: str | None
    joined_at: datetime
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """One playing of one prompt. `complete`: it was heard to its end."""

    prompt: str
    language: str
    text_sha256: str
    leg: str
    started_at: datetime
    finished_at: datetime | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a call that its recording lacks, and why."""

    started_at: datetime
    finished_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch of silence within a recording, on purpose. `reason`: ``key`` (a privacy pause), ``stop``
    (staff stopped the recording) or ``never`` (the rule of who talked then). Without an end it lasted
    until the recording's."""

    started_at: datetime
    finished_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Press:
    """One key press of staff, and what it did. `id` is the PBX's own, the same each time it is told."""

    id: str
    key: Key
    effect: Effect
    channel: str
    extension: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """A decision made anew during a call, because other extensions talk in it since then."""

    at: datetime
    extensions: tuple[str, ...]
    decision: Decision


@dataclass(frozen=True, slots=True)
class Note:
    """Something that went otherwise than decided. `text` is English; template and values show it in
    another language."""

    text: str
    template: str
    values: dict[str, str]


def remark(template: str, **values: object) -> Note:
    """A note of an English sentence with named fields, and what fills them."""
    filled = {name: str(value) for name, value in values.items()}
    return Note(template.format(**filled), template, filled)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """All that is known of one call, recorded or not.

    `extension` is the one that answered (inbound, internal) or placed the call (outbound), `number`
    the other party's. `decision` is the one by which it was recorded, or by which it was not; `turns`
    are those made after the answer. `notes` say in plain words what went otherwise than decided.
    `discarded_at` is when a capture that nobody wanted kept was destroyed everywhere.
    """

    id: str
    pbx: str
    linkedid: str
    direction: Direction | None
    facility: str | None
    extension: str | None
    number: str | None
    dialled: str | None
    started_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    decision: Decision | None = None
    participants: tuple[Participant, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    notes: tuple[Note, ...] = ()
    keys: tuple[Press, ...] = ()
    turns: tuple[Turn, ...] = ()
    incident: bool = False
    discarded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """One direction of one part of a capture: a stored recording of the PBX, by name."""

    name: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
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

    `kept_because`: ``automatic`` (the rule), ``key`` or ``help`` (staff pressed it); empty while
    nothing says that it is to be kept.
    """

    recording_id: str
    started_at: datetime
    kept_because: str
    parts: tuple[Part, ...] = ()
    gaps: tuple[Gap, ...] = ()
    ended_at: datetime | None = None
    pauses: tuple[Pause, ...] = ()

    @property
    def began_at(self) -> datetime:
        """The moment of the recording's first sample."""
        first = self.parts[0].began_at if self.parts else None
        return first or self.started_at


@dataclass(frozen=True, slots=True)
class Draft:
    """A call and its capture: what the spool keeps from the first sample until the archive has it."""

    call: CallRecord
    capture: Capture


class AlertState(StrEnum):
    """How it stands with one delivery of an alert."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class Alert:
    """Somebody on the phone asked for help. `at` is when; `number` is the other party's.

    `recorded`: the call is kept from then on at the latest. `room` is the extension that is called to
    listen.
    """

    id: str
    call_id: str
    pbx: str
    facility: str
    facility_name: str
    extension: str
    number: str | None
    direction: Direction | None
    at: datetime
    recorded: bool
    room: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An alert on one way (``mail``, ``webhook``) to one recipient (empty: the way has only one).

    `first_at` is when it was first tried, `problem` what went wrong the last time.
    """

    way: str
    recipient: str
    state: AlertState = AlertState.WAITING
    tries: int = 0
    first_at: datetime | None = None
    sent_at: datetime | None = None
    problem: str = ""
