"""A conference that staff leave while somebody outside stays, alone or not, and to which staff come back."""

from __future__ import annotations

from datetime import datetime

import pytest

from callrec.demo.softphones import Phone, Sound, Talk
from tests.integration.call_paths import FIRST_HZ, NUMBER, OTHER_HZ, STAFF_HZ
from tests.integration.odd_paths import only_recording
from tests.integration.system import SystemUnderTest, talk_for, talk_seconds
from tests.integration.times import as_long_as, without_a_gap
from tests.integration.untroubled import untroubled
from tests.listen import heard_share, hears, hears_no, hears_to_the_end

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
SECOND_NUMBER, SECOND_HZ, BACK_HZ = "0311140002", 2000.0, 2500.0
NEVER_2102 = {"mode": "never", "scope": "extension", "target": "2102"}


def _in_the_room(phone: Phone, hertz: float, *others: Talk) -> Talk:
    talk = phone.dial("7000", Sound(hertz))
    talk.wait_established()
    talk_for([talk, *others], 0.8)
    return talk


@pytest.mark.parametrize("meanwhile", ["nobody", "never"])
@pytest.mark.parametrize("company", ["alone", "with another party outside"])
def test_a_conference_that_staff_leave_and_come_back_to(
    system: SystemUnderTest, begin: datetime, company: str, meanwhile: str
) -> None:
    """2101 leaves and comes back; before that 2102, who is never recorded, may have come and gone."""
    alone, never = company == "alone", meanwhile == "never"
    with untroubled(system), system.rules({"mode": "automatic"}, NEVER_2102):
        caller = _in_the_room(system.caller(NUMBER), OTHER_HZ)
        staff = _in_the_room(system.phone("2101"), STAFF_HZ, caller)
        others = [] if alone else [_in_the_room(system.caller(SECOND_NUMBER), SECOND_HZ, caller)]
        staff.hangup()
        talk_for([caller], 0.8)
        if never:
            _in_the_room(system.phone("2102"), FIRST_HZ, caller).hangup()
            talk_for([caller], 0.8)
        back = _in_the_room(system.phone("2101"), BACK_HZ, caller)
        back.press("*1")
        talk_for([back, caller], 1.6)  # the digits take the place of the voice
        for talk in (back, caller, *others):
            talk.hangup()
        call, kept, heard = only_recording(system, begin)
    half, rate = heard.rate // 2, heard.rate
    as_long_as(heard, talk_seconds(call), system.manifest(kept)["capture"])
    assert call.number == "+81" + NUMBER[1:] and call.extension == "2101"
    assert [(each.result, each.extension) for each in call.key_presses] == [("marked", "2101")]
    assert {each.extension for each in call.participants} == {None, "2101", *(["2102"] if never else [])}
    assert hears(heard.staff[:half], rate, STAFF_HZ)
    assert heard_share(heard.staff, rate, BACK_HZ) > 0.1, "2101 is heard again"
    assert (heard_share(heard.staff, rate, SECOND_HZ) > 0.3) is not alone
    assert hears_no(heard.staff, rate, FIRST_HZ) and hears_no(heard.external, rate, SECOND_HZ)
    assert hears(heard.external[:half], rate, OTHER_HZ) and hears_to_the_end(heard.external, rate, OTHER_HZ)
    if not never:
        without_a_gap(heard, system.manifest(kept)["capture"])
    modes = [each.decision.mode for each in call.decision_changes]
    assert modes == (["never", "automatic"] if never else [])
