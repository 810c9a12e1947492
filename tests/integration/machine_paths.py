"""What tests of calls that nobody dialled by hand have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from callrec.catalogue.finding import SearchHit
from tests.integration.system import SystemUnderTest, eventually

NUMBER, MOBILE, CALLER = "0398765432", "09012345678", "0311150001"
KNOWN_NUMBER, KNOWN_MOBILE, KNOWN_CALLER = (f"+81{each[1:]}" for each in (NUMBER, MOBILE, CALLER))
"""The same as callrec knows them."""
STAFF_HZ, OTHER_HZ, MOBILE_HZ = 1000.0, 500.0, 800.0
RINGS_WITHIN = 1.0
"""Seconds. Ten times what may pass until a phone rings; half of what the gate would wait for callrec."""


def one_call(system: SystemUnderTest, begin: datetime) -> SearchHit:
    """The one row of the one call, once nothing more can come."""
    eventually(lambda: any(each.call.outcome for each in system.calls_since(begin)), what="the row")
    system.wait_until_clean()
    (found,) = system.calls_since(begin)
    return found


@contextmanager
def away(system: SystemUnderTest) -> Iterator[None]:
    """Without a controller, of a PBX that has its copy of the rules."""
    system.wait_for_mirror()
    assert system.demo.controller is not None
    system.demo.controller.stop()
    try:
        yield
    finally:
        system.demo.start_controller()
