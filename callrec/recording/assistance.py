"""Help for who is on the phone: the alert, and the room that is called to listen. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from callrec import ids
from callrec.model.alerts import Alert
from callrec.model.calls import CallRecord, Key, Press
from callrec.pbx.events import Channel
from callrec.policy.office import Office
from callrec.recording.actions import Command, SaveAlert
from callrec.recording.environment import Surroundings
from callrec.recording.legs import Line
from callrec.recording.support_phone import Room

AGAIN = timedelta(seconds=30)
"""Presses closer together than this are one call for help."""
REDIAL_AFTER, REDIAL_AT_MOST = timedelta(seconds=10), timedelta(minutes=5)
"""How long after a room was called it is called again, unless it answered: doubled each time."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A room that has joined a conversation."""

    extension: str

    @property
    def number(self) -> str:
        return self.extension


@dataclass(slots=True)
class Helping:
    """The help that was called for in one call."""

    session: str
    world: Surroundings
    room: Room | None = None
    _about: Alert | None = None
    """What the room is called about, until it answers or the call is over."""
    _tries: int = 0
    _again_at: datetime | None = None

    def asked(
        self, call: CallRecord, press: str, extension: str, channel: str, at: datetime, *, recorded: bool
    ) -> list[Command]:
        """Staff have pressed the key for help; the press is not among the call's yet."""
        if was_asked(call.keys, at):
            return []
        alert = alert_of(self.world.office, call, press, extension, at, recorded=recorded)
        return [SaveAlert(self.session, alert), *self._call(alert, channel)]

    def _call(self, alert: Alert, channel: str) -> list[Command]:
        """Calls the room, unless it is in the call already, or the call is over."""
        busy = self.room is not None and not self.room.is_settled
        if busy or not alert.room or not channel or alert.room == alert.extension:
            return []
        self._about, self._tries = alert, 0
        return self._dial(alert, alert.room, channel, alert.at)

    def _dial(self, alert: Alert, room: str, channel: str, at: datetime) -> list[Command]:
        self._again_at = at + min(REDIAL_AFTER * 2**self._tries, REDIAL_AT_MOST)
        self._tries += 1
        name, endpoint = f"{alert.call_id}-{alert.id}-{self._tries}", self.world.room_dial(room)
        self.room = Room(self.session, name, channel, endpoint, alert.extension)
        return self.room.call()

    def _redial(self, at: datetime, talking: dict[str, Line]) -> list[Command]:
        """A room that was busy or did not answer is called again, for whoever of the staff talks now."""
        alert, room = self._about, self.room
        staff = {id_: line.extension for id_, line in talking.items() if line.extension}
        if not (alert and alert.room and room and self._again_at and staff):
            return []
        is_there = room.was_answered or alert.room in staff.values()
        if is_there or not room.is_settled or at < self._again_at:
            return []
        return self._dial(alert, alert.room, room.staff if room.staff in staff else next(iter(staff)), at)

    # --- what happens

    def follow(self, lines: dict[str, Line], talking: dict[str, Line]) -> list[Command]:
        """Who asked for help has left, and another of the staff talks: the room goes on there."""
        if not self.room or self.room.staff in lines:
            return []
        new = next((id_ for id_, line in talking.items() if line.extension), None)
        return self.room.staff_gone(new) if new else []

    def started(self, channel: str) -> list[Command]:
        return self.room.started(channel) if self.room else []

    def digit(self, channel: str, digit: str) -> list[Command]:
        return self.room.digit(channel, digit) if self.room else []

    def gone(self, channel: str) -> list[Command]:
        return self.room.gone(channel) if self.room else []

    def ended(self) -> list[Command]:
        self._about = None
        return self.room.ended() if self.room else []

    def refused(self, command: Command) -> list[Command] | None:
        return self.room.refused(command) if self.room else None

    def tick(self, at: datetime, talking: dict[str, Line]) -> list[Command]:
        removed = self.room.tick() if self.room else []
        return [*removed, *self._redial(at, talking)]

    def compared(self, there: Iterable[Channel]) -> list[Command]:
        return self.room.compared(there) if self.room else []

    @property
    def guests(self) -> dict[str, Guest]:
        """The room, by its channel, while both parties hear it."""
        if not (self.room and self._about and self._about.room and self.room.is_heard_by_both):
            return {}
        return {self.room.channel: Guest(self._about.room)}

    @property
    def channels(self) -> set[str]:
        return self.room.channels if self.room else set()

    @property
    def bridge(self) -> str | None:
        return self.room.bridge if self.room and not self.room.is_over else None

    @property
    def is_settled(self) -> bool:
        return self.room is None or self.room.is_settled


def was_asked(keys: Iterable[Press], at: datetime) -> bool:
    """Whether help was asked for a moment before or after."""
    return any(each.key is Key.HELP and abs(at - each.at) < AGAIN for each in keys)


def alert_of(
    office: Office, call: CallRecord, press: str, extension: str, at: datetime, *, recorded: bool
) -> Alert:
    """The alert of one press has the same id each time: who gets it twice can tell."""
    facility = office.facility_of(extension)
    known = office.facilities.get(facility)
    return Alert(
        id=ids.derived(at, press),
        call_id=call.id,
        pbx=call.pbx,
        facility=facility,
        facility_name=known.name if known else facility,
        extension=extension,
        number=call.number,
        direction=call.direction,
        at=at,
        recorded=recorded,
        room=office.support_of(facility).room,
    )
