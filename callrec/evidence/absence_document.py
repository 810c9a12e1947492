"""The document in a page on calls without a recording: what it says as data, signed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as checked

from callrec.catalogue.absences import Stretch
from callrec.errors import EvidenceBroken
from callrec.evidence.absence import Finding, Status
from callrec.evidence.form import Form
from callrec.model.rules import Mode

SCHEMA: Literal["callrec-absence/1"] = "callrec-absence/1"
Language = Literal["ja", "en"]
NumberIs = Literal["shown", "not-shown", "withheld", "erased"]
Announced = Literal["whole", "in-part", "failed", "none"]


@checked(frozen=True, slots=True)
class Asked:
    """Which calls the page is about: those under way from `begin` on and before `end`."""

    begin: datetime
    end: datetime
    extension: str | None
    facility: str | None
    number: str | None


@checked(frozen=True, slots=True)
class StatedCall:
    """A call of the scope. `number` stands here only where it was asked about: see `number_is`."""

    id: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    direction: str | None
    facility: str | None
    extension: str | None
    extensions: tuple[str, ...]
    """All extensions that took part."""
    number: str | None
    number_is: NumberIs
    outcome: str | None
    decision: Literal["no-rule", "rule", "none"]
    mode: Mode | None
    rule: int | None
    version: int | None
    announced: Announced
    status: Status
    findings: tuple[Finding, ...]


@checked(frozen=True, slots=True)
class StatedRule:
    """A version of a rule: one in force when the period began, made within it, or that decided a call."""

    rule: int
    version: int
    words: str
    """What it says in a few words, in the language of the page."""
    text: str
    """All that it says, as TOML; without the number of somebody who was not asked about."""
    changed_at: datetime
    changed_by: str
    removed: bool
    """With this version the rule was taken out of force."""
    in_force_at_begin: bool
    within: bool
    """It was made within the period."""


@checked(frozen=True, slots=True)
class StatedAnchor:
    """An anchor in the bucket. `fits`: the custody log has the row it names, with the same hash."""

    key: str
    sha256: str
    number: int
    made_at: datetime
    custody_rows: int
    fits: bool


@checked(frozen=True, slots=True)
class StatedProblem:
    """Something that is wrong with the custody log or its anchors. `known`: what somebody said of it since,
    by a note in an anchor; null where nobody did."""

    problem: str
    known: str | None


@checked(frozen=True, slots=True)
class CustodyState:
    """How the custody log stood when the page was made: compared row by row, and with all its anchors."""

    rows: int
    hash: str
    """The hash of the newest row."""
    anchors: int
    """How many anchors there are."""
    problems: tuple[StatedProblem, ...]
    around: tuple[StatedAnchor, ...]
    """The anchors of the period, with the one before and the one after; and the newest."""

    @property
    def is_whole(self) -> bool:
        return not self.problems


@checked(frozen=True, slots=True)
class Limits:
    """What the page cannot say."""

    facilities: tuple[str, ...] | None
    """Only calls in which these facilities took part were looked at; null: all."""
    first_call_at: datetime | None
    """When the first call of the catalogue began: of any time before nothing is known."""
    ends_later: bool
    """The period was not over when the page was made."""
    withheld: int
    """Calls of the scope without a number: whether it was the one that was asked about is not known."""
    erased: int
    """Calls of the scope whose numbers and names were taken out since."""
    erased_until: datetime | None
    away: tuple[Stretch, ...]
    """Calls of which callrec knows that it was away while they were under way."""
    controller_running: bool
    link_up: bool
    link_changed_at: str | None
    unreadable: tuple[str, ...]
    """Objects of the bucket and things in the spool that cannot be read: whether they are of a call of the
    scope is not known."""


@checked(frozen=True, slots=True, config=ConfigDict(extra="forbid", defer_build=True))
class Absence:
    """A page on which calls of a scope have no recording, and why; and which have one."""

    schema: Literal["callrec-absence/1"]
    made_at: datetime
    made_by: str
    language: Language
    """The language of the page."""
    zone: str
    """The time zone in which the page writes times."""
    asked: Asked
    calls: tuple[StatedCall, ...]
    rules: tuple[StatedRule, ...]
    custody: CustodyState
    limits: Limits
    software: str
    page_sha256: str = ""
    """SHA-256 of the page without this document in it."""
    key_id: str = ""
    signature: str = ""


_FORM = Form(
    Absence,
    lambda problem: EvidenceBroken("the document states no absence: {problem}", problem=problem),
)
write, read = _FORM.write, _FORM.read
