"""Fills in who talks with whom in a call: at the gate, and once it is answered.

Beside `decisions`, because both of its moments ask for this (decision 13).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from callrec.model.calls import CallRecord
from callrec.model.rules import CallFacts, Direction
from callrec.numbers import Number, of_extension
from callrec.pbx.events import GateEntered
from callrec.policy.office import Office
from callrec.recording import legs as of_legs
from callrec.recording.legs import Leg


def at_gate(call: CallRecord, event: GateEntered, own: str | None, office: Office) -> CallRecord:
    """Returns the call with what the dialplan says of it. Raises ValueError where its direction is none.

    `own` is the extension of a phone that calls: it is itself, whatever number it presents and the dialplan
    repeats.
    """
    direction = Direction(event.direction)
    extension = office.line(office.person_of(event.extension))
    number = office.other_party(event.number, direction)
    if direction is Direction.OUTBOUND:
        call = replace(call, dialled=event.number or call.dialled)
        extension = own or extension
    elif direction is Direction.INTERNAL:
        number = of_extension(own or office.person_of(event.number)) if own or event.number else None
    return _with(call, office, direction, extension or None, number)


def answered(call: CallRecord, talking: Sequence[Leg], caller: Leg | None, office: Office) -> CallRecord:
    """Returns the call with what its channels say, now that it is known who answered."""
    direction = of_legs.direction(talking, caller)
    extension = of_legs.staff_extension(direction, talking, caller) or call.extension
    if direction is Direction.OUTBOUND:
        number = office.dialled(call.dialled)
    else:
        number = (caller.number if caller else None) or call.number
    return _with(call, office, direction, extension, number)


def staff(call: CallRecord) -> tuple[str, ...]:
    """Returns the extensions a decision goes by: of an internal call both count, the one called first."""
    other = call.number if call.direction is Direction.INTERNAL else None
    return tuple(filter(None, (call.extension, other)))


def facts(call: CallRecord, extensions: Sequence[str], office: Office, at: datetime) -> CallFacts:
    """Returns what a decision about the call goes by, while these extensions take part."""
    assert call.direction is not None  # it is known from the gate on
    return office.facts(call.direction, extensions, call.number, at)


def _with(
    call: CallRecord, office: Office, direction: Direction, extension: str | None, number: Number | None
) -> CallRecord:
    facility = office.facility_of(extension)
    return replace(call, direction=direction, extension=extension, facility=facility, number=number)
