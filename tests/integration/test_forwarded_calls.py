"""Calls that are forwarded to the outside, or sent on by the PBX: each is one call and one recording."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from callrec.demo.pbx import OUTSIDE
from callrec.demo.softphones import Sound, Talk
from tests.integration.machine_paths import (
    CALLER,
    KNOWN_CALLER,
    KNOWN_MOBILE,
    MOBILE,
    MOBILE_HZ,
    OTHER_HZ,
    RINGS_WITHIN,
    STAFF_HZ,
    away,
    one_call,
)
from tests.integration.sip import ForwardingPhone
from tests.integration.system import PATIENCE, SystemUnderTest, eventually, talk_for
from tests.listen import hears, hears_no

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)

FORWARDS = {
    "Local channel": f"Local/{MOBILE}@from-phones",
    "Local channel that stays": f"Local/{MOBILE}@from-phones/n",
    "the outside": f"PJSIP/{MOBILE}@outside",
    "another phone that forwards": "Local/2102@ring",
    "302": "PJSIP/2101/sip:2101@127.0.0.1:@PORT@",
}
"""What the dialplan dials in place of 2101. With 302 it is the phone that sends the call to the mobile."""


@contextmanager
def _forwarding(system: SystemUnderTest, way: str) -> Iterator[None]:
    with ForwardingPhone(MOBILE) as phone:
        target = FORWARDS[way].replace("@PORT@", str(phone.port))
        system.demo.pbx.cli(f'database put forward 2101 "{target}"')
        system.demo.pbx.cli(f'database put forward 2102 "PJSIP/{MOBILE}@outside"')
        try:
            yield
        finally:
            system.demo.pbx.cli("database deltree forward")


def _colleague_answers_while_away(system: SystemUnderTest) -> None:
    """2101 is forwarded to 2102 through the gate; somebody calls, and both talk, without callrec."""
    system.demo.pbx.cli("database put forward 2101 Local/2102@from-phones")
    try:
        with away(system):
            caller = system.caller(CALLER).dial("2101", Sound(OTHER_HZ))
            colleague = system.phone("2102").pick_up(Sound(STAFF_HZ))
            talk_for([caller, colleague], 1.0)
            caller.hangup()
            colleague.wait_ended()
    finally:
        system.demo.pbx.cli("database deltree forward")


def _forwarded(system: SystemUnderTest, dialled: str = "2101", within: float = RINGS_WITHIN) -> Talk:
    """Somebody calls, the mobile answers; returns the caller, who has talked with it."""
    asked, line = time.monotonic(), system.phone(OUTSIDE)
    caller = system.caller(CALLER).dial(dialled, Sound(OTHER_HZ))
    mobile = line.pick_up(Sound(MOBILE_HZ))
    assert mobile.ringing_at - asked < within
    caller.wait_established()
    talk_for([caller, mobile], 1.0)
    return caller


def _check_forwarded(system: SystemUnderTest, begin: datetime, extension: str = "2101") -> None:
    found = one_call(system, begin)
    call = found.call
    assert (call.direction, call.extension, call.number) == ("inbound", extension, KNOWN_CALLER)
    assert call.outcome == "answered"
    assert {each.number for each in call.participants} == {KNOWN_CALLER, KNOWN_MOBILE}
    assert found.recording is not None
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears_no(heard.external, heard.rate, MOBILE_HZ)
    assert hears(heard.staff, heard.rate, MOBILE_HZ)


@pytest.mark.parametrize("way", FORWARDS)
def test_a_forwarded_call_is_that_of_the_phone(system: SystemUnderTest, begin: datetime, way: str) -> None:
    with (
        system.rule("automatic", scope="extension", target="2101", direction="inbound"),
        _forwarding(system, way),
    ):
        _forwarded(system).hangup()
        _check_forwarded(system, begin)


@pytest.mark.parametrize("way", ["Local channel", "the outside"])
def test_an_announced_call_is_forwarded(system: SystemUnderTest, begin: datetime, way: str) -> None:
    """The office's dialplan reads its own database after the gate, also where the caller hears a prompt."""
    announced = {"announce": "before-connect", "languages": ("en",)}
    with system.rule("automatic", **announced), _forwarding(system, way):
        _forwarded(system, within=PATIENCE).hangup()
        _check_forwarded(system, begin)


@pytest.mark.parametrize(
    "never",
    [
        {"scope": "caller", "target": KNOWN_MOBILE},
        {"scope": "caller", "target": KNOWN_CALLER},
        {"scope": "extension", "target": "2101"},
    ],
)
def test_never_holds_for_a_forwarded_call(
    system: SystemUnderTest, begin: datetime, never: dict[str, str]
) -> None:
    """For the phone that forwards, for who called, and for who answers."""
    with (
        system.rules({"mode": "automatic"}, {"mode": "never", **never}),
        _forwarding(system, "Local channel"),
    ):
        _forwarded(system).hangup()
        assert one_call(system, begin).recording is None


def test_a_restart_keeps_a_forwarded_call_one(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"), _forwarding(system, "Local channel that stays"):
        caller = _forwarded(system)
        assert system.demo.controller is not None
        system.demo.controller.kill()
        talk_for([caller], 0.5)
        system.demo.start_controller()
        caller.hangup()
        _check_forwarded(system, begin)


def test_a_forwarded_call_while_callrec_is_away(system: SystemUnderTest, begin: datetime) -> None:
    """The dialplan records it once, for the phone that forwards."""
    with system.rule("automatic"), _forwarding(system, "Local channel"):
        with away(system):
            _forwarded(system).hangup()
        system.recording_of(KNOWN_CALLER, begin)
        found = one_call(system, begin)
    assert found.recording is not None
    assert (found.call.direction, found.call.extension) == ("inbound", "2101")
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, MOBILE_HZ)


def test_a_call_that_is_sent_to_a_colleague_through_the_gate_while_callrec_is_away(
    system: SystemUnderTest, begin: datetime
) -> None:
    """The gate is passed twice, the second time by a Local channel, as by members of a queue."""
    with system.rule("automatic"):
        _colleague_answers_while_away(system)
        system.recording_of(KNOWN_CALLER, begin)
        found = one_call(system, begin)
    assert (found.call.direction, found.call.extension, found.call.number) == (
        "inbound",
        "2102",
        KNOWN_CALLER,
    )
    assert found.recording is not None
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)


@pytest.mark.parametrize("forbidden", [False, True])
def test_a_colleague_is_recorded_where_the_number_that_was_called_has_no_such_rule(
    system: SystemUnderTest, begin: datetime, forbidden: bool
) -> None:
    """The dialplan does not know who will answer. A `never` of the number that was called counts for all."""
    never = [{"mode": "never", "scope": "extension", "target": "2101"}] if forbidden else []
    with system.rules({"mode": "automatic", "scope": "extension", "target": "2102"}, *never):
        _colleague_answers_while_away(system)
        eventually(lambda: system.calls_since(begin), what="the row")
        system.wait_until_clean()
        rows = system.calls_since(begin)
    assert all((each.call.direction, each.call.number) == ("inbound", KNOWN_CALLER) for each in rows)
    recorded = [each for each in rows if each.recording]
    if forbidden:
        assert not recorded
        for (
            each
        ) in rows:  # by the rules of who answered it should have been recorded: that is told until then
            assert system.callrec("note", each.call.id, "2101 must not be recorded").returncode == 0
        return
    (found,) = recorded
    assert found.call.extension == "2102" and found.recording
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)


def test_a_colleague_whose_call_is_forwarded_calls_the_outside(
    system: SystemUnderTest, begin: datetime
) -> None:
    with system.rule("automatic", direction="outbound"), _forwarding(system, "Local channel"):
        colleague = system.phone("2102").dial("2101", Sound(STAFF_HZ))
        mobile = system.phone(OUTSIDE).pick_up(Sound(OTHER_HZ))
        talk_for([colleague, mobile], 1.0)
        colleague.hangup()
        found = one_call(system, begin)
    call = found.call
    assert (call.direction, call.extension, call.number) == ("outbound", "2102", KNOWN_MOBILE)
    assert found.recording is not None
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)


@pytest.mark.parametrize(("way", "extension"), [("mobile", "6200"), ("302", "2101")])
def test_the_member_of_a_ring_group_who_is_outside(
    system: SystemUnderTest, begin: datetime, way: str, extension: str
) -> None:
    """One that is in the group, and one to which a phone of the group sends its calls."""
    with system.rule("automatic", direction="inbound"), _forwarding(system, "302"):
        _forwarded(system, "6200" if way == "mobile" else "6300").hangup()
        _check_forwarded(system, begin, extension)


def test_the_member_of_a_queue_who_is_outside(system: SystemUnderTest, begin: datetime) -> None:
    system.demo.pbx.cli(f"queue add member Local/{MOBILE}@from-phones to counter")
    try:
        with system.rule("automatic", direction="inbound"):
            _forwarded(system, "6000").hangup()
            _check_forwarded(system, begin, "6000")
    finally:
        system.demo.pbx.cli(f"queue remove member Local/{MOBILE}@from-phones from counter")
