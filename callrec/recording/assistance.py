"""Gets help for who is on the phone: makes the alert, and has the support phone called, which may listen.

Who is told of the alert, and by which way, is the matter of `callrec.alerts`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from callrec import ids
from callrec.backoff import Backoff
from callrec.model.alerts import Alert
from callrec.model.calls import CallRecord, KeyPress
from callrec.numbers import Number, of_extension
from callrec.pbx.events import Channel
from callrec.policy.office import Office
from callrec.recording.actions import Action, SaveAlert
from callrec.recording.environment import Environment
from callrec.recording.keys import traits
from callrec.recording.legs import Leg
from callrec.recording.support_phone import SupportPhone

AGAIN = timedelta(seconds=30)
"""How close together presses are one call for help; PBX's clock."""
REDIAL = Backoff(timedelta(seconds=10), timedelta(minutes=5))
"""How long after a support phone was called it is called again, unless it was answered."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A support phone that both parties hear, as a participant of the call."""

    extension: str

    @property
    def number(self) -> Number:
        return of_extension(self.extension)


@dataclass(slots=True)
class Assistance:
    """The help that was called for in one call."""

    linkedid: str
    environment: Environment
    phone: SupportPhone | None = None
    _about: Alert | None = None
    """What the support phone was called about last; None before, and when the call is over."""
    _tries: int = 0
    _again_at: datetime | None = None

    def asked(
        self, call: CallRecord, press: str, extension: str, channel: str, at: datetime, *, recorded: bool
    ) -> list[Action]:
        """Makes the alert and calls the support phone, when staff have pressed the key for help on
        `channel`.

        The press is not among the call's yet. Returns ``[]`` where help was asked for just before. `channel`
        is empty where it is not known, and then no phone is called. `recorded` is for who reads the alert.
        """
        if was_asked(call.key_presses, at):
            return []
        alert = alert_of(self.environment.office, call, press, extension, at, recorded=recorded)
        return [SaveAlert(self.linkedid, alert), *self._call(alert, channel)]

    def _call(self, alert: Alert, channel: str) -> list[Action]:
        """Calls the support phone, unless there is none, it was called already, or `channel` is empty."""
        busy = self.phone is not None and not self.phone.is_settled
        if busy or not alert.support_phone or not channel or alert.support_phone == alert.extension:
            return []
        self._about, self._tries = alert, 0
        return self._dial(alert, alert.support_phone, channel, alert.at)

    def _dial(self, alert: Alert, phone: str, channel: str, at: datetime) -> list[Action]:
        self._again_at = at + REDIAL.after(self._tries)
        self._tries += 1
        name, endpoint = f"{alert.call_id}-{alert.id}-{self._tries}", self.environment.phone_dial(phone)
        self.phone = SupportPhone(self.linkedid, name, channel, endpoint, alert.extension)
        return self.phone.call()

    def _redial(self, at: datetime, talking: dict[str, Leg]) -> list[Action]:
        """Calls a phone again that was busy or did not answer, for whoever of the staff talks now."""
        alert, phone = self._about, self.phone
        staff = {id_: leg.extension for id_, leg in talking.items() if leg.extension}
        if not (alert and alert.support_phone and phone and self._again_at and staff):
            return []
        is_there = phone.was_answered or alert.support_phone in staff.values()
        if is_there or not phone.is_settled or at < self._again_at:
            return []
        whom = phone.staff if phone.staff in staff else next(iter(staff))
        return self._dial(alert, alert.support_phone, whom, at)

    # --- what happens

    def follow(self, legs: dict[str, Leg], talking: dict[str, Leg]) -> list[Action]:
        """Moves the support phone to another of the staff who talks, when who asked for help has left.

        Returns ``[]`` while nobody else of the staff talks.
        """
        if not self.phone or self.phone.staff in legs:
            return []
        new = next((id_ for id_, leg in talking.items() if leg.extension), None)
        return self.phone.staff_gone(new) if new else []

    def ended(self) -> list[Action]:
        """Lets the support phone go: the call is over."""
        self._about = None
        return self.phone.ended() if self.phone else []

    def tick(self, at: datetime, talking: dict[str, Leg]) -> list[Action]:
        """Removes what could not be removed at once, and calls the support phone again where that is due."""
        removed = self.phone.tick() if self.phone else []
        return [*removed, *self._redial(at, talking)]

    def compared(self, there: Iterable[Channel]) -> list[Action]:
        """Brings the support phone up to the channels that the PBX has, after events may have been missed."""
        return self.phone.compared(there) if self.phone else []

    @property
    def guests(self) -> dict[str, Guest]:
        """The support phone, by its channel, while both parties hear it; else nothing."""
        if not (self.phone and self._about and self._about.support_phone and self.phone.is_heard_by_both):
            return {}
        return {self.phone.channel: Guest(self._about.support_phone)}

    @property
    def channels(self) -> set[str]:
        """The ids of our channels that the PBX may have for the support phone."""
        return self.phone.channels if self.phone else set()

    @property
    def bridge(self) -> str | None:
        """The id of the support phone's bridge; None where there is none."""
        return self.phone.bridge if self.phone and not self.phone.is_over else None

    @property
    def is_settled(self) -> bool:
        """Whether nothing of a support phone is left to be removed."""
        return self.phone is None or self.phone.is_settled


def was_asked(keys: Iterable[KeyPress], at: datetime) -> bool:
    """Tells whether help was asked for within 30 seconds before or after a moment."""
    return any(traits(each.key).calls_for_help and abs(at - each.at) < AGAIN for each in keys)


def alert_of(
    office: Office, call: CallRecord, press: str, extension: str, at: datetime, *, recorded: bool
) -> Alert:
    """Makes the alert of one key press. It has the same id each time, so that who gets it twice can tell."""
    facility = office.facility_of(extension)
    known = office.facilities.get(facility)
    return Alert(
        id=ids.derived(at, press),  # decision 11
        call_id=call.id,
        pbx=call.pbx,
        facility=facility,
        facility_name=known.name if known else facility,
        extension=extension,
        number=call.number,
        direction=call.direction,
        at=at,
        recorded=recorded,
        support_phone=office.support_of(facility).phone,
    )
