"""The channels of a call and what they are to it: who called, who is outside, who is staff. Pure."""

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
    """Somebody who talks in a call."""

    @property
    def number(self) -> str: ...
    @property
    def extension(self) -> str | None: ...


@dataclass(slots=True)
class Line:
    """A real channel of a call. `extension` is set for staff."""

    channel: Channel
    extension: str | None
    key: str = ""
    bridge: str | None = None

    @property
    def id(self) -> str:
        return self.channel.id

    @property
    def number(self) -> str:
        """The number of the person on this line; empty when it is not known."""
        return self.extension or normalise(self.channel.caller) or ""


def caller(lines: dict[str, Line], key: str) -> Line | None:
    """The line that placed the call: its id is the call's linked id, else it is the oldest."""
    return lines.get(key) or min(lines.values(), key=lambda line: line.channel.created_at, default=None)


def direction(talking: Sequence[Line], called_by: Line | None) -> Direction:
    """Told by who talks: staff only, or who of both sides placed the call."""
    if all(line.extension for line in talking):
        return Direction.INTERNAL
    return Direction.OUTBOUND if called_by and called_by.extension else Direction.INBOUND


def staff_extension(where: Direction, talking: Sequence[Line], called_by: Line | None) -> str | None:
    """The extension the call is filed under: who placed it (outbound), else who answered."""
    if where is Direction.OUTBOUND:
        return called_by.extension if called_by else None
    staff = [line for line in talking if line.extension]
    answering = [line for line in staff if line is not called_by] or staff
    return answering[0].extension if answering else None


def captured(talking: Sequence[Line], called_by: Line | None) -> Line:
    """The external party's line; of an internal call the caller's."""
    candidates = [line for line in talking if not line.extension] or talking
    return next((line for line in candidates if line is called_by), candidates[0])


def staff_side(talking: Iterable[Line], captured_channel: str | None) -> Line | None:
    """The line through which an announcement is whispered to both."""
    others = [line for line in talking if line.id != captured_channel]
    return next((line for line in others if line.extension), others[0] if others else None)


def staff(talking: Iterable[Line | Participant]) -> tuple[str, ...]:
    """The extensions among them, in the order of their numbers."""
    return tuple(sorted({each.extension for each in talking if each.extension}))


def strangers(talking: Iterable[Line], number: str | None) -> tuple[str, ...]:
    """The numbers of those outside other than this one: in a conference there may be several."""
    return tuple(sorted({line.number for line in talking if not line.extension} - {number or "", ""}))


def first_of(talking: Iterable[Line], *, but: Sequence[str]) -> datetime | None:
    """When the first channel of staff was made who are none of these: they cannot have talked before."""
    new = [line for line in talking if line.extension and line.extension not in but]
    return min((line.channel.created_at for line in new), default=None)


def is_consultation(talking: dict[str, Line], everybody: dict[str, Line]) -> bool:
    """Whether staff talk among themselves while the party outside waits (an attended transfer by code)."""
    waits = any(not line.extension and id_ not in talking for id_, line in everybody.items())
    return waits and all(line.extension for line in talking.values())


def participants(
    known: Iterable[Participant], talking: Mapping[str, Party], at: datetime
) -> tuple[Participant, ...]:
    """Who took part until now: those who talk no more have left, new ones have joined."""
    kept = [each if each.channel in talking or each.left_at else replace(each, left_at=at) for each in known]
    present = {each.channel for each in kept if each.left_at is None}
    new = [
        Participant(id_, party.number, party.extension, at)
        for id_, party in talking.items()
        if id_ not in present
    ]
    return (*kept, *new)
