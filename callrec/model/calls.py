"""What is known of a call. Times are aware and in UTC; numbers are as people dial them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callrec.model.rules import Decision, Direction


class Outcome(StrEnum):
    """How a call ended for the person who placed it."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    BUSY = "busy"
    FAILED = "failed"


class FeatureCode(StrEnum):
    """What staff ask for by a key during a call."""

    KEEP = "keep"
    STOP = "stop"
    PAUSE = "pause"
    HELP = "help"


class KeyResult(StrEnum):
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
class KeyPress:
    """One key press of staff, and what it did. `id` is the PBX's own, the same each time it is told."""

    id: str
    key: FeatureCode
    result: KeyResult
    channel: str
    extension: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DecisionChange:
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
    key_presses: tuple[KeyPress, ...] = ()
    decision_changes: tuple[DecisionChange, ...] = ()
    incident: bool = False
    discarded_at: datetime | None = None
