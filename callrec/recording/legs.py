"""The channels of a call and what they are to it: who called, who is outside, who is staff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from callrec.model.calls import Participant
from callrec.model.rules import Direction
from callrec.numbers import normalise
from callrec.pbx.events import Channel


class Party(Protocol):
    """Somebody who talks in a call: a leg, or a support phone that has barged in."""

    @property
    def number(self) -> str: ...
    @property
    def extension(self) -> str | None: ...


@dataclass(slots=True)
class Leg:
    """A channel of a call that callrec has not made. `extension` is set for staff."""

    channel: Channel
    extension: str | None
    linkedid: str = ""
    bridge: str | None = None

    @property
    def id(self) -> str:
        return self.channel.id

    @property
    def number(self) -> str:
        """The number of the person on this leg; empty when it is not known."""
        return self.extension or normalise(self.channel.caller) or ""


def caller(legs: dict[str, Leg], key: str) -> Leg | None:
    """Returns the leg that placed the call: its id is the call's linked id, `key`; else it is the oldest."""
    return legs.get(key) or min(legs.values(), key=lambda leg: leg.channel.created_at, default=None)


def direction(talking: Sequence[Leg], called_by: Leg | None) -> Direction:
    """Returns the direction of a call by who talks: staff only, or who of both sides placed it."""
    if all(leg.extension for leg in talking):
        return Direction.INTERNAL
    return Direction.OUTBOUND if called_by and called_by.extension else Direction.INBOUND


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


def strangers(talking: Iterable[Leg], number: str | None) -> tuple[str, ...]:
    """Returns the numbers of those outside other than `number`: in a conference there may be several."""
    return tuple(sorted({leg.number for leg in talking if not leg.extension} - {number or "", ""}))


def first_of(talking: Iterable[Leg], *, but: Sequence[str]) -> datetime | None:
    """Returns when the first channel of staff other than `but` was made: they cannot have talked before.

    None where there are none (decision 12).
    """
    new = [leg for leg in talking if leg.extension and leg.extension not in but]
    return min((leg.channel.created_at for leg in new), default=None)


def is_consultation(talking: dict[str, Leg], everybody: dict[str, Leg]) -> bool:
    """Tells whether staff talk among themselves while the party outside waits, as in a transfer by code."""
    waits = any(not leg.extension and id_ not in talking for id_, leg in everybody.items())
    return waits and all(leg.extension for leg in talking.values())


def participants(
    known: Iterable[Participant], talking: Mapping[str, Party], at: datetime
) -> tuple[Participant, ...]:
    """Returns who took part until now: those who talk no more have left, new ones have joined, at `at`."""
    kept = [each if each.channel in talking or each.left_at else replace(each, left_at=at) for each in known]
    present = {each.channel for each in kept if each.left_at is None}
    new = [
        Participant(id_, party.number, party.extension, at)
        for id_, party in talking.items()
        if id_ not in present
    ]
    return (*kept, *new)
