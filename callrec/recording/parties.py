"""Fills in who talks with whom in a call: at the gate, and once it is answered.

Beside `decisions`, because both of its moments ask for this (decision 13).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from callrec.model.calls import CallRecord
from callrec.model.rules import CallFacts, Direction
from callrec.numbers import Number
from callrec.pbx.events import GateEntered
from callrec.policy.office import Office
from callrec.recording import legs as of_legs
from callrec.recording.legs import Leg


def at_gate(
    call: CallRecord,
    event: GateEntered,
    own: str | None,
    legs: Mapping[str, Leg],
    caller: Leg | None,
    office: Office,
) -> CallRecord:
    """Returns the call with what the dialplan says of it, as far as its channels do not tell otherwise.

    `own` is the extension of a phone that calls: it is itself, whatever number it presents and the dialplan
    repeats. Raises ValueError where the direction is none. A call from outside that is forwarded asks again,
    as one to the outside by who called: it stays the call it was. One that a machine makes is to the outside
    as soon as somebody outside is dialled.
    """
    said, outside = Direction(event.direction), [leg for leg in legs.values() if not leg.extension]
    extension = office.person_of(event.extension)
    if caller and caller.called_us:
        forwarded = said is Direction.OUTBOUND
        number = caller.number if forwarded else office.other_party(event.number, Direction.INBOUND)
        called = _called(call, office) if forwarded else extension
        return _with(call, office, Direction.INBOUND, called, number)
    if said is Direction.OUTBOUND:
        call = replace(call, dialled=event.number or call.dialled)
        calling = own or _calling(call, extension, caller, office)
        return _with(call, office, said, calling, office.dialled(event.number))
    if outside:
        return _with(call, office, Direction.OUTBOUND, extension, call.number or outside[0].number)
    number = office.other_party(own or office.person_of(event.number), said)
    return _with(call, office, said, extension, number)


def answered(call: CallRecord, talking: Sequence[Leg], caller: Leg | None, office: Office) -> CallRecord:
    """Returns the call with what its channels say, now that it is known who answered.

    The number dialled is what the dialplan said at the gate; without a gate what Dial() was told.
    """
    direction = of_legs.direction(talking, caller)
    extension = of_legs.staff_extension(direction, talking, caller) or _called(call, office)
    if direction is Direction.OUTBOUND:
        outside = next(leg for leg in talking if not leg.extension)
        call = replace(call, dialled=call.dialled or outside.called)
        number = _dialled(call, outside, office)
    else:
        number = (caller.number if caller else None) or call.number
    return _with(call, office, direction, extension, number)


def unconnected(call: CallRecord, met: Mapping[str, Leg], caller: Leg | None, office: Office) -> CallRecord:
    """Returns a call that nobody answered and no gate asked about, with what its channels, `met`, tell."""
    if call.direction or caller is None:
        return call
    if caller.called_us:
        return _with(call, office, Direction.INBOUND, _called(call, office), caller.number)
    if outside := next((leg for leg in met.values() if not leg.extension), None):
        return _with(call, office, Direction.OUTBOUND, caller.extension, _dialled(call, outside, office))
    number = office.dialled(call.dialled)
    if number and number.startswith("+"):
        return _with(call, office, Direction.OUTBOUND, caller.extension, number)
    called, by = (caller.extension, None) if caller.dialled else (number, caller.number)
    return _with(call, office, Direction.INTERNAL, called, by)


def staff(call: CallRecord) -> tuple[str, ...]:
    """Returns the extensions a decision goes by: of an internal call both count, the one called first."""
    other = call.number if call.direction is Direction.INTERNAL else None
    return tuple(filter(None, (call.extension, other)))


def facts(call: CallRecord, extensions: Sequence[str], office: Office, at: datetime) -> CallFacts:
    """Returns what a decision about the call goes by, while these extensions take part."""
    assert call.direction is not None  # it is known from the gate on
    return office.facts(call.direction, extensions, call.number, at)


def _called(call: CallRecord, office: Office) -> str | None:
    """Returns what was called: what the gate said, else the number dialled if it is one of the office's."""
    dialled = office.person_of(call.dialled or "")
    return call.extension or (dialled if office.is_ours(dialled) else None)


def _calling(call: CallRecord, said: str, caller: Leg | None, office: Office) -> str | None:
    """Returns whose call to the outside it is: the caller's, else what the dialplan says, if a phone."""
    if caller and caller.extension:
        return caller.extension
    return said if office.is_phone(said) else call.extension


def _dialled(call: CallRecord, outside: Leg, office: Office) -> Number | None:
    """Returns the number outside that was dialled."""
    at_gate = call.number if call.direction is Direction.OUTBOUND else None
    return at_gate or office.dialled(outside.called) or office.dialled(call.dialled) or outside.number


def _with(
    call: CallRecord, office: Office, direction: Direction, extension: str | None, number: Number | None
) -> CallRecord:
    known, facility = extension or None, office.facility_of(extension)
    return replace(call, direction=direction, extension=known, facility=facility, number=number or None)
