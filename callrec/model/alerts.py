"""A call for help, and its deliveries to those who can give it. Times are aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callrec.model.rules import Direction


class AlertState(StrEnum):
    """How far one delivery of an alert has come."""

    WAITING = "waiting"
    """Not sent yet; it is tried again."""
    SENT = "sent"
    """Taken by the mail server or the webhook."""
    GIVEN_UP = "given-up"
    """Not sent, and not tried again."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Somebody on the phone asked for help by a key."""

    id: str
    """The alert's id: derived from the key press, so that whoever gets it twice can tell."""
    call_id: str
    pbx: str
    facility: str
    """The code of the facility to which the extension belongs."""
    facility_name: str
    extension: str
    """The extension that pressed the key."""
    number: str | None
    """The other party's number; None where it is not known."""
    direction: Direction | None
    at: datetime
    """The moment of the key press, by the PBX's clock."""
    recorded: bool
    """Whether the call is kept, from then on at the latest."""
    support_phone: str | None = None
    """The extension of the support phone that is called to listen; None: none is."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of one alert on one way to one recipient. Times are by callrec's clock."""

    way: str
    """``mail`` or ``webhook``."""
    recipient: str
    """The mail address; empty where the way has only one recipient."""
    state: AlertState = AlertState.WAITING
    tries: int = 0
    first_at: datetime | None = None
    """The moment of the first try; None before it."""
    sent_at: datetime | None = None
    """The moment at which it was sent; None while it is not."""
    problem: str = ""
    """What went wrong the last time, in English; empty: nothing did."""
