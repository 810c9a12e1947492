"""A call for help, and how it stands with telling somebody of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callrec.model.rules import Direction


class AlertState(StrEnum):
    """How it stands with one delivery of an alert."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class Alert:
    """Somebody on the phone asked for help. `at` is when; `number` is the other party's.

    `recorded`: the call is kept from then on at the latest. `support_phone` is the extension that is
    called to listen.
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
    support_phone: str | None = None


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
