"""How staff come into a call: every way a phone can, each ending with 2101 and the other party talking.

Who called says 500 Hz, who answered first (2102, where the call moves) 1500 Hz, and 2101 says 1000 Hz.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from callrec.demo.softphones import Sound, Talk
from tests.integration.system import SystemUnderTest, eventually, talk_for

Pair = tuple[Talk, Talk]
"""The staff member and the other party."""
NUMBER = "0311140000"
OTHER_HZ, STAFF_HZ, FIRST_HZ = 500.0, 1000.0, 1500.0


def settled(staff: Talk, outside: Talk) -> Pair:
    outside.wait_established()
    talk_for([staff, outside], 0.4)
    return staff, outside


def inbound(system: SystemUnderTest) -> Pair:
    outside = system.caller(NUMBER).dial("2101", Sound(OTHER_HZ))
    return settled(system.phone("2101").pick_up(Sound(STAFF_HZ)), outside)


def _internal(system: SystemUnderTest) -> Pair:
    caller = system.phone("2102").dial("2101", Sound(OTHER_HZ))
    return settled(system.phone("2101").pick_up(Sound(STAFF_HZ)), caller)


def _answered_in_a_group(number: str) -> Callable[[SystemUnderTest], Pair]:
    def way(system: SystemUnderTest) -> Pair:
        outside = system.caller(NUMBER).dial(number, Sound(OTHER_HZ))
        system.phone("2102").wait_ring()
        return settled(system.phone("2101").pick_up(Sound(STAFF_HZ)), outside)

    return way


def _picked_up(system: SystemUnderTest) -> Pair:
    outside = system.caller(NUMBER).dial("2102", Sound(OTHER_HZ))
    system.phone("2102").wait_ring()
    staff = system.phone("2101").dial("*8", Sound(STAFF_HZ))
    staff.wait_established()
    return settled(staff, outside)


def _blind(transfer: Callable[[Talk], None]) -> Callable[[SystemUnderTest], Pair]:
    """From 2102 to 2101."""

    def way(system: SystemUnderTest) -> Pair:
        outside = system.caller(NUMBER).dial("2102", Sound(OTHER_HZ))
        first, outside = settled(system.phone("2102").pick_up(Sound(FIRST_HZ)), outside)
        transfer(first)
        return settled(system.phone("2101").pick_up(Sound(STAFF_HZ)), outside)

    return way


def _attended_by_refer(system: SystemUnderTest) -> Pair:
    outside = system.caller(NUMBER).dial("2102", Sound(OTHER_HZ))
    first, outside = settled(system.phone("2102").pick_up(Sound(FIRST_HZ)), outside)
    consultation = system.phone("2102").dial("2101", Sound(FIRST_HZ))
    staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
    consultation.wait_established()
    first.connect_with(consultation)
    return settled(staff, outside)


def _attended_by_code(system: SystemUnderTest) -> Pair:
    outside = system.caller(NUMBER).dial("2102", Sound(OTHER_HZ))
    first, outside = settled(system.phone("2102").pick_up(Sound(FIRST_HZ)), outside)
    first.press("*22101")
    staff, first = settled(system.phone("2101").pick_up(Sound(STAFF_HZ)), first)
    first.hangup()
    return settled(staff, outside)


def _unparked(system: SystemUnderTest) -> Pair:
    outside = system.caller(NUMBER).dial("2102", Sound(OTHER_HZ))
    first, outside = settled(system.phone("2102").pick_up(Sound(FIRST_HZ)), outside)
    first.transfer("700")
    space = eventually(
        lambda: re.search(r"Space +: +(\d+)", system.demo.pbx.cli("parking show default")), what="parking"
    )
    staff = system.phone("2101").dial(space[1], Sound(STAFF_HZ))
    staff.wait_established()
    return settled(staff, outside)


def connected_with_a_conference(system: SystemUnderTest) -> Pair:
    """2101 waits in the conference; 2102 asks there, and connects the caller with it."""
    staff = system.phone("2101").dial("7000", Sound(STAFF_HZ))
    outside = system.caller(NUMBER).dial("2102", Sound(OTHER_HZ))
    first, outside = settled(system.phone("2102").pick_up(Sound(FIRST_HZ)), outside)
    consultation = system.phone("2102").dial("7000", Sound(FIRST_HZ))
    consultation.wait_established()
    talk_for([staff, consultation], 0.4)
    first.connect_with(consultation)
    return settled(staff, outside)


WAYS: dict[str, Callable[[SystemUnderTest], Pair]] = {
    "internal": _internal,
    "queue": _answered_in_a_group("6000"),
    "ring group": _answered_in_a_group("6100"),
    "pickup": _picked_up,
    "blind by REFER": _blind(lambda staff: staff.transfer("2101")),
    "blind by code": _blind(lambda staff: staff.press("##2101")),
    "attended by REFER": _attended_by_refer,
    "attended by code": _attended_by_code,
    "unparked": _unparked,
}
