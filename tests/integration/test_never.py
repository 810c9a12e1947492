"""Who is never to be recorded is not, however they came to be heard: the table of docs/en/calls.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from callrec.catalogue import facilities
from callrec.demo.softphones import Sound, Talk
from callrec.model.office import Extension
from tests.integration.call_paths import FIRST_HZ, NUMBER, OTHER_HZ, STAFF_HZ, inbound
from tests.integration.system import Heard, SystemUnderTest, eventually, talk_for
from tests.listen import hears, hears_no, is_silent

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
FORBIDDEN = "0398765432"
FORBIDDEN_HZ = 700.0
MUSIC_HZ = 523.0
"""The first note of the demo's music, which the service plays."""
SERVICES = ("8500", "8501")
EVERYBODY = {"mode": "automatic"}
NEVER_NUMBER = {"mode": "never", "scope": "caller", "target": "+81" + FORBIDDEN[1:]}
NEVER_2102 = {"mode": "never", "scope": "extension", "target": "2102"}


def _recorded(system: SystemUnderTest, begin: datetime) -> list[Heard]:
    system.wait_until_clean()
    return [system.listen(each.recording) for each in system.calls_since(begin) if each.recording]


def _blind(system: SystemUnderTest, staff: Talk) -> Talk:
    staff.transfer(FORBIDDEN)
    return system.phone("outside").pick_up(Sound(FORBIDDEN_HZ))


def _by_code(system: SystemUnderTest, staff: Talk) -> Talk:
    staff.press("##" + FORBIDDEN)
    return system.phone("outside").pick_up(Sound(FORBIDDEN_HZ))


def _attended(system: SystemUnderTest, staff: Talk) -> Talk:
    asking = system.phone("2101").dial(FORBIDDEN, Sound(STAFF_HZ))
    forbidden = system.phone("outside").pick_up(Sound(FORBIDDEN_HZ))
    asking.wait_established()
    talk_for([forbidden], 0.4)
    staff.connect_with(asking)
    return forbidden


def _second_caller(system: SystemUnderTest, staff: Talk) -> Talk:
    """Two callers are connected with one another."""
    forbidden = system.caller(FORBIDDEN).dial("2101", Sound(FORBIDDEN_HZ))
    second = system.phone("2101").pick_up(Sound(STAFF_HZ))
    forbidden.wait_established()
    talk_for([second], 0.4)
    staff.connect_with(second)
    return forbidden


@pytest.mark.parametrize("way", [_blind, _by_code, _attended, _second_caller])
def test_a_forbidden_number_is_silent_where_no_staff_are_left(
    system: SystemUnderTest, begin: datetime, way: Callable[[SystemUnderTest, Talk], Talk]
) -> None:
    system.phone("outside")  # registered before anybody dials it
    with system.rules(EVERYBODY, NEVER_NUMBER):
        staff, caller = inbound(system)
        forbidden = way(system, staff)
        talk_for([forbidden, caller], 1.2)
        caller.hangup()
        forbidden.wait_ended()
        call = system.call_of("+81" + NUMBER[1:], begin)
        (heard,) = _recorded(system, begin)
    assert hears_no(heard.staff, heard.rate, FORBIDDEN_HZ) and is_silent(heard.external[-heard.rate :])
    assert hears(heard.external[: heard.rate // 4], heard.rate, OTHER_HZ)
    assert call.decision_changes[-1].decision.mode == "never"


@pytest.mark.parametrize("first", ["2102", "2201"])
def test_everybody_in_a_conference_is_asked_when_a_caller_dials_in(
    system: SystemUnderTest, begin: datetime, first: str
) -> None:
    with system.rules({**EVERYBODY, "direction": "inbound"}, NEVER_2102):
        talks = [
            system.phone(each).dial("7000", Sound(FIRST_HZ))
            for each in (first, "2102" if first == "2201" else "2201")
        ]
        for talk in talks:
            talk.wait_established()
        talk_for(talks, 0.4)
        caller = system.caller(NUMBER).dial("7000", Sound(OTHER_HZ))
        caller.wait_established()
        talk_for([caller], 1.0)
        for talk in (caller, *talks):  # first the caller: who is left would be recorded with 2201
            talk.hangup()
        assert _recorded(system, begin) == []
        decision = system.call_of("+81" + NUMBER[1:], begin).decision
        assert decision and decision.mode == "never"


@pytest.fixture
def services(system: SystemUnderTest) -> Iterator[None]:
    """Both numbers of the service are known, and are no phones."""
    for number in SERVICES:
        with system.app.database.begin() as connection:
            facilities.add_extension(
                connection, Extension(number, "shiba", service=True), who="test", at=system.app.now
            )
    yield
    for number in SERVICES:
        with system.app.database.begin() as connection:
            facilities.remove_extension(connection, number, who="test", at=system.app.now)


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize("number", SERVICES)
@pytest.mark.parametrize("how", ["REFER", "code", "attended"])
@pytest.mark.parametrize("mode", ["never", "automatic"])
def test_a_service_is_recorded_as_its_rule_says(
    system: SystemUnderTest, begin: datetime, number: str, how: str, mode: str
) -> None:
    """8501 is the same service, where the dialplan does not call the gate."""
    with system.rules(EVERYBODY, {"mode": mode, "scope": "extension", "target": number}):
        staff, caller = inbound(system)
        if how == "attended":
            asking = system.phone("2101").dial(number, Sound(STAFF_HZ))
            asking.wait_established()
            staff.connect_with(asking)
        else:
            staff.transfer(number) if how == "REFER" else staff.press("##" + number)
        eventually(lambda: hears(caller.heard()[-4000:], caller.rate, MUSIC_HZ), what="the music")
        talk_for([caller], 1.5)
        caller.hangup()
        system.recording_of("+81" + NUMBER[1:], begin)
        heard = _recorded(system, begin)[0]
    last = slice(-heard.rate, None)
    assert is_silent(heard.external[last]) is is_silent(heard.staff[last]) is (mode == "never")
    assert how == "code" or hears_no(heard.staff, heard.rate, MUSIC_HZ) is (mode == "never")
    assert hears(heard.external[: heard.rate // 4], heard.rate, OTHER_HZ)
