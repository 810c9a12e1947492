"""Requests: why somebody outside may get recordings, who allowed it, and what became of the copies.

A request is opened by one person and approved, or refused, by another. Recordings are listed before or after
that. While it is approved or handed over, they can be fetched under it; what is given out is a copy, which
comes back or is destroyed, or is given for good, or is withdrawn where it was written down by mistake. When
no copy is out any more, the request is closed.

`recording.states.advance` takes every step by the table REQUEST, which docs/states.md shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from callrec.model.access import Reach


class RequestKind(StrEnum):
    """What a request is for."""

    DISCLOSURE = "disclosure"
    """A person asks for what the office has about them."""
    POLICE = "police"
    COURT = "court"
    INTERNAL = "internal"
    """Somebody inside the office."""
    AUDIT = "audit"


class RequestState(StrEnum):
    """How far a request has come."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    HANDED_OVER = "handed-over"
    """Copies are out, or were given for good."""
    RETURNED = "returned"
    """Every copy that was to come back did, or was destroyed."""
    CLOSED = "closed"


class RequestStep(StrEnum):
    """What is done with a request."""

    ADD = "add"
    APPROVE = "approve"
    REFUSE = "refuse"
    FETCH = "fetch"
    HAND_OVER = "hand over"
    WITHDRAW = "withdraw a hand-over"
    RETURN_ONE = "return a copy"
    RETURN_LAST = "return the last copy"
    CLOSE = "close"


REQUEST: dict[RequestState, dict[str, RequestState]] = {
    RequestState.OPEN: {
        RequestStep.ADD: RequestState.OPEN,
        RequestStep.APPROVE: RequestState.APPROVED,
        RequestStep.REFUSE: RequestState.REFUSED,
        RequestStep.CLOSE: RequestState.CLOSED,
    },
    RequestState.APPROVED: {
        RequestStep.ADD: RequestState.APPROVED,
        RequestStep.FETCH: RequestState.APPROVED,
        RequestStep.HAND_OVER: RequestState.HANDED_OVER,
        RequestStep.CLOSE: RequestState.CLOSED,
    },
    RequestState.HANDED_OVER: {
        RequestStep.ADD: RequestState.HANDED_OVER,
        RequestStep.FETCH: RequestState.HANDED_OVER,
        RequestStep.HAND_OVER: RequestState.HANDED_OVER,
        RequestStep.WITHDRAW: RequestState.HANDED_OVER,
        RequestStep.RETURN_ONE: RequestState.HANDED_OVER,
        RequestStep.RETURN_LAST: RequestState.RETURNED,
        RequestStep.CLOSE: RequestState.CLOSED,
    },
    RequestState.RETURNED: {RequestStep.CLOSE: RequestState.CLOSED},
    RequestState.REFUSED: {},
    RequestState.CLOSED: {},
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `reach` is that of who opened it: who meets it may know of it.

    `approved_for` is the reach of who approved it; None as long as nobody has.
    """

    number: str
    kind: RequestKind
    for_whom: str
    ground: str
    due: date | None
    """The day until which copies are to come back; it is included."""
    state: RequestState
    reach: Reach
    opened_at: datetime
    opened_by: str
    decided_at: datetime | None
    decided_by: str | None
    refusal: str | None
    approved_for: Reach | None
    closed_at: datetime | None
    closed_by: str | None

    @property
    def approved_by(self) -> str | None:
        """Who approved it; None of one that was refused, or that nobody has decided on."""
        return self.decided_by if self.approved_for is not None else None


@dataclass(frozen=True, slots=True)
class ListedRecording:
    """A recording that a request lists, with what its forms say of it."""

    id: str
    facilities: frozenset[str]
    extension: str | None
    started_at: datetime
    duration_s: float
    sha256: str
    """Of the sound in the archive."""
    is_there: bool
    """False once it is destroyed."""
    added_at: datetime
    added_by: str


class CopyOutcome(StrEnum):
    """What became of a copy."""

    RETURNED = "returned"
    DESTROYED = "destroyed"
    GIVEN = "given"
    """It need not come back."""
    MISTAKEN = "mistaken"
    """It was written down by mistake. That it was stays on record; what is right is another copy."""


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file of a copy. `clip` is the part of the recording, empty: the whole."""

    recording_id: str
    sha256: str
    format: str
    clip: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """What was given out at one time to one receiver. It is out until it has an outcome, which one that is
    given for good has at once."""

    id: str
    request: str
    to_whom: str
    medium: str
    files: tuple[GivenFile, ...]
    handed_at: datetime
    handed_by: str
    ended_at: datetime | None
    ended_by: str | None
    outcome: CopyOutcome | None

    @property
    def is_out(self) -> bool:
        return self.outcome is None


@dataclass(frozen=True, slots=True)
class RequestFile:
    """A request with all that belongs to it, as far as it may be seen by who asked."""

    request: Request
    recordings: tuple[ListedRecording, ...]
    copies: tuple[Copy, ...]
    overdue: bool
    """The day until which copies were to come back is over, and one is still out."""
    approved_for: tuple[str, ...] | None
    """The names of the facilities of who approved it; None: all, or nobody has approved it."""
