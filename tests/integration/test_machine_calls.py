"""Calls that nobody dialled by hand: made by a machine, or forwarded. Each is one call and one recording."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from callrec.catalogue.calls import SearchHit
from callrec.demo.pbx import OUTSIDE
from callrec.demo.softphones import Sound, Talk
from tests.integration.sip import ForwardingPhone
from tests.integration.system import SystemUnderTest, eventually, talk_for
from tests.listen import hears, hears_no

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
NUMBER, MOBILE, CALLER = "0398765432", "09012345678", "0311150001"
KNOWN_NUMBER, KNOWN_MOBILE, KNOWN_CALLER = (f"+81{each[1:]}" for each in (NUMBER, MOBILE, CALLER))
"""The same as callrec knows them."""
STAFF_HZ, OTHER_HZ, MOBILE_HZ = 1000.0, 500.0, 800.0
RINGS_WITHIN = 1.0
"""Seconds. Ten times what may pass until a phone rings; half of what the gate would wait for callrec."""
TO_NUMBER = f"extension {NUMBER}@from-phones"
MADE = {
    "Local channel": f"Local/2101@from-phones {TO_NUMBER}",
    "Local channel that stays": f"Local/2101@from-phones/n {TO_NUMBER}",
    "Local channel past the gate": f"Local/2101@ring {TO_NUMBER}",
    "Local channel, no second gate": f"Local/2101@from-phones application Dial PJSIP/{NUMBER}@outside",
    "phone": f"PJSIP/2101 {TO_NUMBER}",
    "no gate": f"PJSIP/2101 application Dial PJSIP/{NUMBER}@outside",
    "no gate, by URI": f"PJSIP/2101 application Dial PJSIP/outside/sip:{NUMBER}@@CONTACT@",
    "outside first": f"Local/{NUMBER}@from-phones extension 2101@from-phones",
    "outside first, no gate": f"PJSIP/{NUMBER}@outside extension 2101@from-phones",
    "outside first, no gate at all": f"PJSIP/{NUMBER}@outside application Dial PJSIP/2101",
}
"""What click-to-call and call-backs ask the PBX for, all of them for 2101 and the number."""
NEVER = {"mode": "never", "scope": "caller", "target": KNOWN_NUMBER}


def _make(system: SystemUnderTest, way: str) -> tuple[Talk, Talk]:
    """Lets a machine make the call, and both answer; returns 2101 and the other party."""
    outside = system.phone(OUTSIDE)
    contacts = system.demo.pbx.cli("pjsip show contacts")
    found = re.search(rf"{OUTSIDE}/sip:[^@]*@([0-9.:]+)", contacts)
    assert found
    asked = time.monotonic()
    system.demo.pbx.cli("channel originate " + MADE[way].replace("@CONTACT@", found[1]))
    phones = [(system.phone("2101"), Sound(STAFF_HZ)), (outside, Sound(OTHER_HZ))]
    talks = []
    for phone, sound in reversed(phones) if way.startswith("outside") else phones:
        talk = phone.pick_up(sound)
        assert talk.ringing_at - asked < RINGS_WITHIN
        asked = talk.established_at
        talks.append(talk)
    staff, other = reversed(talks) if way.startswith("outside") else talks
    talk_for([staff, other], 0.4)
    return staff, other


def _one_call(system: SystemUnderTest, begin: datetime) -> SearchHit:
    """The one row of the one call, once nothing more can come."""
    eventually(lambda: any(each.call.outcome for each in system.calls_since(begin)), what="the row")
    system.wait_until_clean()
    (found,) = system.calls_since(begin)
    return found


def _check_made(system: SystemUnderTest, begin: datetime) -> SearchHit:
    found = _one_call(system, begin)
    call = found.call
    assert (call.direction, call.extension, call.number) == ("outbound", "2101", KNOWN_NUMBER)
    assert (call.facility, call.outcome) == ("shiba", "answered")
    assert {each.number for each in call.participants} == {"2101", KNOWN_NUMBER}
    assert found.recording is not None
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears_no(heard.external, heard.rate, STAFF_HZ)
    assert hears(heard.staff, heard.rate, STAFF_HZ) and hears_no(heard.staff, heard.rate, OTHER_HZ)
    return found


@pytest.mark.parametrize("way", MADE)
def test_a_call_that_a_machine_makes(system: SystemUnderTest, begin: datetime, way: str) -> None:
    with system.rule("automatic", direction="outbound"):
        staff, _ = _make(system, way)
        staff.press("*1")
        talk_for([staff], 0.7)
        staff.hangup()
        found = _check_made(system, begin)
    assert [(each.result, each.extension) for each in found.call.key_presses] == [("marked", "2101")]


@pytest.mark.parametrize(
    "way", ["Local channel", "no gate", "no gate, by URI", "outside first, no gate at all"]
)
def test_never_for_the_number_holds_whoever_dials(system: SystemUnderTest, begin: datetime, way: str) -> None:
    with system.rules({"mode": "automatic"}, NEVER):
        staff, _ = _make(system, way)
        staff.hangup()
        found = _one_call(system, begin)
    assert found.recording is None and found.call.number == KNOWN_NUMBER
    assert found.call.decision and found.call.decision.mode == "never"


@pytest.mark.parametrize("way", ["Local channel", "Local channel that stays", "outside first"])
def test_a_restart_makes_no_second_row(system: SystemUnderTest, begin: datetime, way: str) -> None:
    with system.rule("automatic", direction="outbound"):
        staff, _ = _make(system, way)
        assert system.demo.controller is not None
        system.demo.controller.kill()
        talk_for([staff], 0.5)
        system.demo.start_controller()
        talk_for([staff], 0.5)
        staff.hangup()
        _check_made(system, begin)
        system.demo.controller.stop()
        system.demo.start_controller()
        system.wait_until_clean()
        assert len(system.calls_since(begin)) == 1


EVERYTHING, OUTSIDE_ALONE = {"mode": "automatic"}, {"mode": "automatic", "direction": "outbound"}
"""Rules by which the dialplan records from the first gate on, or from that to the outside."""
TWO_GATES = [("Local channel", EVERYTHING), ("outside first", EVERYTHING)]
WHILE_AWAY = [
    *TWO_GATES,
    ("Local channel that stays", OUTSIDE_ALONE),
    ("Local channel past the gate", OUTSIDE_ALONE),
]


@contextmanager
def _away(system: SystemUnderTest) -> Iterator[None]:
    system.wait_for_mirror()
    assert system.demo.controller is not None
    system.demo.controller.stop()
    yield
    system.demo.start_controller()


@pytest.mark.parametrize(("way", "rule"), WHILE_AWAY)
def test_a_call_that_a_machine_makes_while_callrec_is_away(
    system: SystemUnderTest, begin: datetime, way: str, rule: dict[str, str]
) -> None:
    """The dialplan records it, once."""
    with system.rules(rule):
        with _away(system):
            staff, other = _make(system, way)
            talk_for([staff, other], 1.0)
            staff.hangup()
            other.wait_ended()
        system.recording_of(KNOWN_NUMBER, begin)
        _check_made(system, begin)


def test_never_for_the_number_holds_while_callrec_is_away(system: SystemUnderTest, begin: datetime) -> None:
    """The dialplan has begun to record before it knew of the number."""
    with system.rules(EVERYTHING, NEVER):
        with _away(system):
            staff, other = _make(system, "Local channel")
            staff.hangup()
            other.wait_ended()
        found = _one_call(system, begin)
    assert found.recording is None and found.call.number == KNOWN_NUMBER
    assert found.call.decision and found.call.decision.mode == "never"


@pytest.mark.parametrize(("way", "rule"), TWO_GATES)
def test_callrec_comes_back_to_a_call_that_a_machine_has_made(
    system: SystemUnderTest, begin: datetime, way: str, rule: dict[str, str]
) -> None:
    with system.rules(rule):
        with _away(system):
            staff, other = _make(system, way)
        talk_for([staff, other], 1.0)
        staff.hangup()
        system.recording_of(KNOWN_NUMBER, begin)
        _check_made(system, begin)


# --- forwarded

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


def _forwarded(system: SystemUnderTest, dialled: str = "2101") -> Talk:
    """Somebody calls, the mobile answers; returns the caller, who has talked with it."""
    asked, line = time.monotonic(), system.phone(OUTSIDE)
    caller = system.caller(CALLER).dial(dialled, Sound(OTHER_HZ))
    mobile = line.pick_up(Sound(MOBILE_HZ))
    assert mobile.ringing_at - asked < RINGS_WITHIN
    caller.wait_established()
    talk_for([caller, mobile], 1.0)
    return caller


def _check_forwarded(system: SystemUnderTest, begin: datetime, extension: str = "2101") -> None:
    found = _one_call(system, begin)
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
        assert _one_call(system, begin).recording is None


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
        with _away(system):
            _forwarded(system).hangup()
        system.recording_of(KNOWN_CALLER, begin)
        found = _one_call(system, begin)
    assert found.recording is not None
    assert (found.call.direction, found.call.extension) == ("inbound", "2101")
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, MOBILE_HZ)


def test_a_call_that_is_sent_to_a_colleague_through_the_gate_while_callrec_is_away(
    system: SystemUnderTest, begin: datetime
) -> None:
    """The gate is passed twice, the second time by a Local channel, as by members of a queue."""
    with system.rule("automatic"):
        system.demo.pbx.cli("database put forward 2101 Local/2102@from-phones")
        with _away(system):
            caller = system.caller(CALLER).dial("2101", Sound(OTHER_HZ))
            colleague = system.phone("2102").pick_up(Sound(STAFF_HZ))
            talk_for([caller, colleague], 1.0)
            caller.hangup()
            colleague.wait_ended()
        system.demo.pbx.cli("database deltree forward")
        system.recording_of(KNOWN_CALLER, begin)
        found = _one_call(system, begin)
    assert (found.call.direction, found.call.extension, found.call.number) == (
        "inbound",
        "2102",
        KNOWN_CALLER,
    )
    assert found.recording is not None
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
        found = _one_call(system, begin)
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


# --- nobody called anybody


def test_who_is_alone_in_a_conference_called_it(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"):
        staff = system.phone("2101").dial("7000", Sound(STAFF_HZ))
        staff.wait_established()
        staff.hangup()
        call = _one_call(system, begin).call
    assert (call.direction, call.extension, call.number) == ("internal", "7000", "2101")
