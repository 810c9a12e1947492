"""The channels of a call and what they are to it: who called, who is outside, who is staff."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from callrec.model.calls import CallRecord, Participant
from callrec.model.rules import Direction
from callrec.numbers import Number, normalise, of_extension
from callrec.pbx.events import Channel


class Party(Protocol):
    """Somebody who talks in a call: a leg, or a support phone that has barged in."""

    @property
    def number(self) -> Number | None: ...
    @property
    def extension(self) -> str | None: ...


@dataclass(slots=True)
class Leg:
    """A channel of a call that callrec has not made. `extension` is set for staff.

    `dialled`: the PBX called it, by `called` where the dialplan told a number; else its own call came in.
    `comparable` makes its number comparable: one that was dialled is another thing than one presented.
    """

    channel: Channel
    extension: str | None
    linkedid: str = ""
    bridge: str | None = None
    was_bridged: bool = False
    """Whether it is, or was, in a bridge."""
    bridged_at: datetime | None = None
    """When it came into its first bridge; None where nobody saw that."""
    dialled: bool = False
    called: str | None = None
    asked_for: str = ""
    """The number that it said it was on its way to, at the gate; empty: it passed none."""
    on_hold: bool = False
    """Whether its phone has put the call on hold: neither does it send anything, nor is it listened to."""
    filed_as: Number | None = None
    """The number of the call in which it talked before, as that was filed; None: it was in no other."""
    comparable: Callable[[str], Number | None] = normalise

    @property
    def id(self) -> str:
        return self.channel.id

    @property
    def number(self) -> Number | None:
        """The number of the person on this leg; None when it is not known."""
        if self.extension:
            return of_extension(self.extension)
        return self.comparable(self.called or self.channel.caller)

    @property
    def called_us(self) -> bool:
        """Whether it is somebody outside whose call came in."""
        return not self.extension and not self.dialled


def caller(legs: dict[str, Leg], key: str) -> Leg | None:
    """Returns the leg that placed the call: its id is the call's linked id, `key`; else it is the oldest.

    It was not dialled itself. Where a machine has dialled all of them (click-to-call), it is staff's call.
    """
    placed = {id_: leg for id_, leg in legs.items() if not leg.dialled}
    of_staff = {id_: leg for id_, leg in legs.items() if leg.extension}
    found = placed or of_staff or legs
    return found.get(key) or min(found.values(), key=lambda leg: leg.channel.created_at, default=None)


def direction(talking: Sequence[Leg], called_by: Leg | None) -> Direction:
    """Returns the direction of a call by who talks: staff only, or who of both sides placed it."""
    if all(leg.extension for leg in talking):
        return Direction.INTERNAL
    return Direction.INBOUND if called_by is None or called_by.called_us else Direction.OUTBOUND


def staff_extension(where: Direction, talking: Sequence[Leg], called_by: Leg | None) -> str | None:
    """Returns the extension that the call is filed under: who placed it (outbound), else who answered."""
    if where is Direction.OUTBOUND:
        return called_by.extension if called_by else None
    staff = [leg for leg in talking if leg.extension]
    answering = [leg for leg in staff if leg is not called_by] or staff
    return answering[0].extension if answering else None


def captured(talking: Sequence[Leg], called_by: Leg | None) -> Leg:
    """Returns the leg to capture: the external party's; of an internal call the caller's (decision 3)."""
    candidates = [leg for leg in talking if not leg.extension] or talking
    return next((leg for leg in candidates if leg is called_by), candidates[0])


def staff_side(talking: Iterable[Leg], captured_channel: str | None) -> Leg | None:
    """Returns the leg through which both parties are whispered to; None: only the captured one talks."""
    others = [leg for leg in talking if leg.id != captured_channel]
    return next((leg for leg in others if leg.extension), others[0] if others else None)


def staff(talking: Iterable[Leg | Participant]) -> tuple[str, ...]:
    """Returns the extensions of staff among those who talk, in the order of their numbers."""
    return tuple(sorted({each.extension for each in talking if each.extension}))


def first_to_talk(call: CallRecord) -> list[Participant]:
    """Returns those who were connected when the call was answered."""
    answered = call.answered_at
    return [each for each in call.participants if answered and each.joined_at <= answered]


def filed_under(call: CallRecord) -> set[str]:
    """Returns the channels of the party outside under whose number a call is filed: mostly one.

    A party that was called may present another number than the one dialled.
    """
    outside = [each for each in first_to_talk(call) if not each.extension]
    return {each.channel for each in outside if each.number == call.number} or {
        each.channel for each in outside
    }


def numbers(call: CallRecord, talking: Iterable[Leg]) -> tuple[Number, ...]:
    """Returns the numbers of those outside who talk, the one that the call is filed under first.

    A party counts by the number that it presents, and by the one under which its call was filed: of one that
    was called, that is the number dialled.
    """
    outside = {leg.id: leg for leg in talking if not leg.extension}
    filed = call.number if outside.keys() & filed_under(call) else None
    others = {number for leg in outside.values() for number in (leg.number, leg.filed_as)}
    return (*filter(None, [filed]), *sorted(filter(None, others - {filed})))


def first_made(talking: Iterable[Leg], *, but: Sequence[str]) -> datetime | None:
    """Returns when the first channel of staff other than `but` was made: they cannot have talked before.

    None where there are none (decision 12).
    """
    new = [leg for leg in talking if leg.extension and leg.extension not in but]
    return min((leg.channel.created_at for leg in new), default=None)


def is_consultation(talking: dict[str, Leg], everybody: dict[str, Leg]) -> bool:
    """Tells whether staff talk among themselves while the party outside waits, as in a transfer by code."""
    waits = any(not leg.extension and id_ not in talking for id_, leg in everybody.items())
    return waits and bool(talking) and all(leg.extension for leg in talking.values())


def participants(
    known: Iterable[Participant], talking: Mapping[str, Party], at: datetime
) -> tuple[Participant, ...]:
    """Returns who took part until now: those who talk no more have left, new ones have joined, at `at`."""
    kept = [each if each.channel in talking or each.left_at else replace(each, left_at=at) for each in known]
    present = {each.channel for each in kept if each.left_at is None}
    new = [
        Participant(id_, party.number or "", party.extension, at)
        for id_, party in talking.items()
        if id_ not in present
    ]
    return (*kept, *new)
