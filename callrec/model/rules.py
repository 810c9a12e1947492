"""What a rule says, and what is decided by it. Durations are days and seconds as their names say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
