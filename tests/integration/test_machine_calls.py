"""Calls that a machine makes (click-to-call, call-backs): each is one call and one recording."""

from __future__ import annotations

import re
import time
from datetime import datetime

import pytest

from callrec.catalogue.finding import SearchHit
from callrec.demo.pbx import OUTSIDE
from callrec.demo.softphones import Sound, Talk
from tests.integration.machine_paths import (
    KNOWN_NUMBER,
    NUMBER,
    OTHER_HZ,
    RINGS_WITHIN,
    STAFF_HZ,
    away,
    one_call,
)
from tests.integration.system import SystemUnderTest, talk_for
from tests.listen import hears, hears_no

pytestmark = pytest.mark.parametrize("system", ["postgresql"], indirect=True)
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


def _check_made(system: SystemUnderTest, begin: datetime) -> SearchHit:
    found = one_call(system, begin)
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
        found = one_call(system, begin)
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
    ("Local channel past the gate", OUTSIDE_ALONE),
]


@pytest.mark.parametrize(("way", "rule"), WHILE_AWAY)
def test_a_call_that_a_machine_makes_while_callrec_is_away(
    system: SystemUnderTest, begin: datetime, way: str, rule: dict[str, str]
) -> None:
    """The dialplan records it, once."""
    with system.rules(rule):
        with away(system):
            staff, other = _make(system, way)
            talk_for([staff, other], 1.0)
            staff.hangup()
            other.wait_ended()
        system.recording_of(KNOWN_NUMBER, begin)
        _check_made(system, begin)


def test_never_for_the_number_holds_while_callrec_is_away(system: SystemUnderTest, begin: datetime) -> None:
    """The dialplan has begun to record before it knew of the number."""
    with system.rules(EVERYTHING, NEVER):
        with away(system):
            staff, other = _make(system, "Local channel")
            staff.hangup()
            other.wait_ended()
        found = one_call(system, begin)
    assert found.recording is None and found.call.number == KNOWN_NUMBER
    assert found.call.decision and found.call.decision.mode == "never"


@pytest.mark.parametrize(("way", "rule"), [*TWO_GATES, ("Local channel", OUTSIDE_ALONE)])
def test_callrec_comes_back_to_a_call_that_a_machine_has_made(
    system: SystemUnderTest, begin: datetime, way: str, rule: dict[str, str]
) -> None:
    with system.rules(rule):
        with away(system):
            staff, other = _make(system, way)
        talk_for([staff, other], 1.0)
        staff.hangup()
        system.recording_of(KNOWN_NUMBER, begin)
        _check_made(system, begin)


# --- nobody called anybody


def test_who_is_alone_in_a_conference_called_it(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"):
        staff = system.phone("2101").dial("7000", Sound(STAFF_HZ))
        staff.wait_established()
        staff.hangup()
        call = one_call(system, begin).call
    assert (call.direction, call.extension, call.number) == ("internal", "7000", "2101")
