"""callrec comes back while calls go on that the dialplan has handled: from there on it decides about them."""

from __future__ import annotations

from datetime import datetime

import pytest

from callrec.demo.softphones import Sound, Talk
from callrec.model.calls import CallRecord
from tests.integration.call_paths import FIRST_HZ, NUMBER, OTHER_HZ, STAFF_HZ
from tests.integration.odd_paths import only_recording
from tests.integration.system import SystemUnderTest, eventually, talk_for
from tests.listen import hears

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
AUTOMATIC_2101 = {"mode": "automatic", "scope": "extension", "target": "2101"}
AUTOMATIC_2102 = {"mode": "automatic", "scope": "extension", "target": "2102"}
AWAY = "callrec was away when this call began"


def _answered_away(system: SystemUnderTest, number: str) -> tuple[Talk, Talk]:
    """A call that 2101 answers while callrec is away: the caller and 2101."""
    system.wait_for_mirror()
    assert system.demo.controller
    system.demo.controller.stop()
    caller = system.caller(NUMBER).dial(number, Sound(OTHER_HZ))
    staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
    caller.wait_established()
    talk_for([caller, staff], 0.5)
    return caller, staff


def _only_call(system: SystemUnderTest, begin: datetime, kept: CallRecord) -> None:
    """There is one row of it, and the line of the journal has made no other."""
    eventually(lambda: not system.left(), what="the end of the journal's line")
    assert [each.call for each in system.calls_since(begin)] == [kept]
    assert AWAY in [note.text for note in kept.notes]


def test_who_answered_is_automatic_and_the_number_is_not(system: SystemUnderTest, begin: datetime) -> None:
    """The dialplan asks its copy of the rules for the number: who answers it cannot know."""
    with system.rules(AUTOMATIC_2101):
        caller, staff = _answered_away(system, "6100")
        system.demo.start_controller()
        talk_for([caller, staff], 1.5)
        caller.hangup()
        call, _, heard = only_recording(system, begin)
    assert heard.seconds > 1 and call.extension == "2101"
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)
    _only_call(system, begin, call)


def test_a_call_on_standby_can_be_kept_from_then_on(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("standby"):
        caller, staff = _answered_away(system, "2101")
        system.demo.start_controller()
        talk_for([caller, staff], 1.0)
        staff.press("*1")
        talk_for([caller, staff], 1.0)
        caller.hangup()
        call, _, heard = only_recording(system, begin)
    assert [each.result for each in call.key_presses] == ["kept"]
    assert heard.seconds > 1.5 and hears(heard.external, heard.rate, OTHER_HZ), "also what was said before it"
    _only_call(system, begin, call)


def test_a_manual_call_that_is_transferred_to_automatic(system: SystemUnderTest, begin: datetime) -> None:
    with system.rules({"mode": "manual"}, AUTOMATIC_2102):
        caller, staff = _answered_away(system, "2101")
        system.demo.start_controller()
        talk_for([caller, staff], 0.5)
        staff.transfer("2102")
        colleague = system.phone("2102").pick_up(Sound(FIRST_HZ))
        talk_for([caller, colleague], 1.5)
        caller.hangup()
        call, _, heard = only_recording(system, begin)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, FIRST_HZ)
    assert {each.extension for each in call.participants} == {None, "2101", "2102"}
    _only_call(system, begin, call)
