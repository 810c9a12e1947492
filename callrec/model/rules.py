"""What a rule says, and what is decided by it. Durations are days and seconds as their names say.

Decisions are published in the manifest's schema, so they are written for who reads a manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callrec.model.kinds import Direction as Direction
from callrec.model.kinds import Mode as Mode
from callrec.numbers import Number


class Announce(StrEnum):
    """When the announcement is to be played. When it was played stands in the call's `announcements`."""

    BEFORE_CONNECT = "before-connect"
    """To the caller, before the phone rings."""
    ON_START = "on-start"
    """To both parties, when the recording starts."""
    NONE = "none"
    """Not at all."""


class Unannounced(StrEnum):
    """What becomes of a call whose announcement the PBX could not play."""

    RECORD = "record"
    """It is recorded all the same."""
    DISCARD = "discard"
    """Nothing of it is recorded, and what was captured by then is destroyed."""


class Scope(StrEnum):
    """What a rule is about, from the widest to the narrowest. The narrower beats the wider."""

    EVERYWHERE = "everywhere"
    """All calls."""
    FACILITY = "facility"
    """The calls of all extensions of a facility."""
    EXTENSION = "extension"
    """The calls of one extension."""
    CALLER = "caller"
    """The calls from and to one number outside."""


class Holidays(StrEnum):
    """What a rule makes of Japanese public holidays."""

    INCLUDE = "include"
    """It holds on them as on other days."""
    EXCLUDE = "exclude"
    """It does not hold on them."""
    ONLY = "only"
    """It holds on them alone."""


DEFAULT_PROMPT, DEFAULT_LANGUAGES = "notice", ("ja",)
"""The announcement of a rule that names none."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A half-open span of the office's clock, on the weekdays on which it begins (0 is Monday).

    `begin` and `end` are minutes after midnight. A span that ends at or before its beginning goes on
    over midnight.
    """

    days: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule, from 1. Every change makes a new one, with its author and time.

    `target` is a facility code, an extension or a number outside, as `scope` says; None for everywhere.
    Elsewhere None means no condition, or the default (announce, retention in days); no hours mean always.
    Of rules of one scope the higher `priority` wins. `effective_until` is the first moment at which the
    rule is over. `beep_s` is the time from one consent beep to the next, in seconds; None: no beep.
    `unannounced` is about calls whose announcement the PBX could not play.
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
    languages: tuple[str, ...] = DEFAULT_LANGUAGES
    prompt: str = DEFAULT_PROMPT
    retain_days: int | None = None
    retain_incident_days: int | None = None
    priority: int = 0
    hours: tuple[Hours, ...] = ()
    holidays: Holidays = Holidays.INCLUDE
    effective_from: datetime | None = None
    effective_until: datetime | None = None
    beep_s: int | None = None
    unannounced: Unannounced = Unannounced.RECORD


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call when it has to be decided.

    `extensions` are those that take part, the one that matters most first; `facilities` are theirs, in
    the same order. `number` is the other party's. `at` is when it is decided.
    """

    direction: Direction
    extensions: tuple[str, ...]
    facilities: tuple[str, ...]
    number: Number | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that callrec looked at when it decided, and why it won or lost."""

    rule: int
    """The rule's number in callrec's catalogue. With `version` it is written `12@3`."""
    version: int
    """The version of the rule that was looked at, from 1. Every change of a rule is a version of its own in
    the catalogue, with author and time."""
    won: bool
    """True of the rule that decided."""
    why: str
    """Why it won or lost, as a code. `won`: it applies, and decided. Its conditions were met, but another
    rule beat it: `never-beats-all` (one that says never), `narrower-scope`, `higher-priority`, `newer`. Its
    conditions were not met: `other-direction`, `not-yet` (it begins later), `over` (it had ended),
    `other-hours`, `on-holiday` (it excludes public holidays), `no-holiday` (it is for them alone).
    `at-gate`: it decided by the number dialled before the call was answered; then who answered counted."""


TEST_CALL = "test-call"
"""The reason of the decision of a call that callrec makes itself."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to happen with one call, and which rule said so."""

    mode: Mode
    """What is to be recorded and kept."""
    announce: Announce
    """When the announcement is to be played."""
    languages: tuple[str, ...]
    """The languages of the announcement, in the order in which it is played: two letters of ISO 639 each."""
    prompt: str
    """The name of the announcement in callrec's library of prompts. Empty where no rule decided."""
    retain_days: int
    """How long the recording is kept, in days from the end of the call: from the rule, else from callrec's
    settings."""
    retain_incident_days: int
    """The same for a call that is an incident. Of both, the longer holds for it."""
    rule: int | None
    """The number of the rule that decided, in callrec's catalogue. Null where no rule applied: then nothing
    is recorded."""
    version: int | None
    """The version of that rule. Null where no rule applied."""
    reason: str
    """Why, as a code. `no-rule`: no rule applied. `never`: the rule says never. Else what the rule that
    decided is about: `everywhere`, `facility`, `extension`, `caller` (a number outside). `found`: what was
    decided is not known any more, the sound was found on the PBX. `test-call`: callrec made the call itself,
    to test the way of a recording."""
    considered: tuple[Candidate, ...] = ()
    """The rules about this call that were looked at, the strongest first; one that decided by the number
    dialled may come last. Empty: there were none."""
    beep_s: int | None = None
    """How often both parties are to hear the consent beep while the call is recorded, in seconds. Null:
    never."""
    unannounced: Unannounced = Unannounced.RECORD
    """What was to become of the call, had the PBX not been able to play the announcement. Where several
    decisions were joined, the stricter: `discard`."""
