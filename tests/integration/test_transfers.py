"""Calls that move from phone to phone: one call, one recording, whoever stays on the line."""

from __future__ import annotations

from datetime import datetime

import pytest

from callrec.catalogue.finding import SearchHit
from callrec.demo.softphones import Sound, Talk
from tests.integration.system import Heard, SystemUnderTest, eventually, talk_for, talk_seconds
from tests.integration.times import as_long_as, without_a_gap
from tests.listen import hears, hears_no

pytestmark = pytest.mark.parametrize("system", ["postgresql"], indirect=True)
CALLER_HZ, FIRST_HZ, SECOND_HZ, OUTSIDE_HZ = 500.0, 1000.0, 1500.0, 2000.0


def _halves(heard: Heard) -> tuple[Heard, Heard]:
    """The first and the last second of a recording."""
    rate = heard.rate
    return (
        Heard(heard.external[:rate], heard.staff[:rate], rate),
        Heard(heard.external[-rate:], heard.staff[-rate:], rate),
    )


def _only(system: SystemUnderTest, number: str, begin: datetime) -> SearchHit:
    """The one recording of the call with this number."""
    found = system.recording_of(number, begin)
    system.wait_until_clean()
    recorded = [each for each in system.calls_since(begin) if each.call.number == number and each.recording]
    assert len(recorded) == 1
    return found


def _answered(system: SystemUnderTest, number: str) -> tuple[Talk, Talk]:
    caller = system.caller(number).dial("2101", Sound(CALLER_HZ))
    staff = system.phone("2101").pick_up(Sound(FIRST_HZ))
    caller.wait_established()
    talk_for([staff, caller], 1.5)
    return caller, staff


def _check_caller_and_both_staff(system: SystemUnderTest, found: SearchHit) -> None:
    assert found.recording is not None
    heard = system.listen(found.recording)
    capture = system.manifest(found.recording)["capture"]
    as_long_as(heard, talk_seconds(found.call), capture)
    first, last = _halves(heard)
    for segment, hertz in ((first, FIRST_HZ), (last, SECOND_HZ)):
        assert hears(segment.external, heard.rate, CALLER_HZ)
        assert hears(segment.staff, heard.rate, hertz) and hears_no(segment.external, heard.rate, hertz)
    assert [each.extension for each in found.call.participants if each.extension] == ["2101", "2102"]
    assert all(each.left_at for each in found.call.participants)
    without_a_gap(heard, capture)


@pytest.mark.parametrize("restart", [False, True], ids=["", "controller away"])
def test_blind_transfer_of_a_caller(system: SystemUnderTest, begin: datetime, restart: bool) -> None:
    number = f"031113000{int(restart)}"
    with system.rule("automatic"):
        caller, staff = _answered(system, number)
        second = system.phone("2102")
        if restart:
            assert system.demo.controller is not None
            system.demo.controller.stop()
        second.next_sound = Sound(SECOND_HZ)
        staff.transfer("2102")
        colleague = second.pick_up(Sound(SECOND_HZ))
        talk_for([colleague, caller], 1.5)
        if restart:
            system.demo.start_controller()
            talk_for([colleague], 0.5)
        caller.hangup()
        found = _only(system, "+81" + number[1:], begin)
    _check_caller_and_both_staff(system, found) if not restart else _check_length(system, found)


def _check_length(system: SystemUnderTest, found: SearchHit) -> None:
    """Who joined while the controller was away is not known to the moment; the sound is all there."""
    assert found.recording is not None
    heard = system.listen(found.recording)
    as_long_as(heard, talk_seconds(found.call))
    assert hears(heard.external, heard.rate, CALLER_HZ)
    assert {each.extension for each in found.call.participants if each.extension} == {"2101", "2102"}


def test_attended_transfer_of_a_caller(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic", direction="inbound"):
        caller, staff = _answered(system, "0311130002")
        consultation = system.phone("2101").dial("2102", Sound(FIRST_HZ))
        colleague = system.phone("2102").pick_up(Sound(SECOND_HZ))
        consultation.wait_established()
        talk_for([colleague], 0.5)
        staff.connect_with(consultation)
        talk_for([colleague, caller], 1.5)
        colleague.hangup()
        caller.wait_ended()
        found = _only(system, "+81311130002", begin)
    _check_caller_and_both_staff(system, found)


def test_a_consultation_outside_is_a_recording_of_its_own(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"):
        caller, staff = _answered(system, "0311130003")
        consultation = system.phone("2101").dial("0311130004", Sound(FIRST_HZ))
        expert = system.phone("outside").pick_up(Sound(OUTSIDE_HZ))
        consultation.wait_established()
        talk_for([expert], 1.0)
        staff.connect_with(consultation)
        talk_for([expert, caller], 1.5)
        caller.hangup()
        expert.wait_ended()
        first, second = _only(system, "+81311130003", begin), _only(system, "+81311130004", begin)
    assert first.recording is not None and second.recording is not None
    heard = system.listen(first.recording)
    as_long_as(heard, talk_seconds(first.call))
    assert hears(_halves(heard)[1].staff, heard.rate, OUTSIDE_HZ), "what the caller hears is on the right"
    asked = system.listen(second.recording)
    assert hears_no(asked.external, asked.rate, CALLER_HZ)
    assert asked.seconds < heard.seconds - 1.0


def test_an_internal_caller_who_transfers_leaves_the_recording_to_the_others(
    system: SystemUnderTest, begin: datetime
) -> None:
    with system.rule("automatic"):
        first = system.phone("2101").dial("2102", Sound(FIRST_HZ))
        second = system.phone("2102").pick_up(Sound(SECOND_HZ))
        first.wait_established()
        talk_for([second], 1.5)
        third_phone = system.phone("2201")
        first.transfer("2201")
        third = third_phone.pick_up(Sound(OUTSIDE_HZ))
        talk_for([third, second], 1.5)
        third.hangup()
        second.wait_ended()
        found = _only(system, "2101", begin)
    assert found.recording is not None
    assert [each["number"] for each in system.manifest(found.recording)["capture"]["segments"]] == [1, 2]
    heard = system.listen(found.recording)
    early, late = _halves(heard)
    assert hears(early.external, heard.rate, FIRST_HZ) and hears(early.staff, heard.rate, SECOND_HZ)
    tones = {
        hertz
        for hertz in (SECOND_HZ, OUTSIDE_HZ)
        for track in (late.external, late.staff)
        if hears(track, heard.rate, hertz)
    }
    assert tones == {SECOND_HZ, OUTSIDE_HZ}
    eventually(lambda: not system.app.pbx.channels(), what="an end without channels left behind")
