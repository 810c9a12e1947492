"""Calls as real PBXs move them: each is one recording, whole, whose keys work where staff end up."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.integration.call_paths import FIRST_HZ, OTHER_HZ, STAFF_HZ
from tests.integration.odd_paths import WAYS, only_recording
from tests.integration.system import SystemUnderTest, talk_for, talk_seconds
from tests.integration.times import as_long_as, without_a_gap
from tests.listen import heard_share, hears, hears_no, hears_to_the_end

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)


@pytest.mark.parametrize("way", WAYS)
def test_however_a_call_moves_it_is_one_recording(system: SystemUnderTest, begin: datetime, way: str) -> None:
    go, first, last = WAYS[way]
    with system.rule("automatic", direction="inbound"):
        staff, outside = go(system)
        staff.press("*1")
        talk_for([staff, outside], 1.0)
        outside.hangup()
        staff.hangup()
        call, kept, heard = only_recording(system, begin)
    rate = heard.rate
    as_long_as(heard, talk_seconds(call), system.manifest(kept)["capture"])
    without_a_gap(heard, system.manifest(kept)["capture"])
    assert hears(heard.external, rate, OTHER_HZ) and hears_no(heard.external, rate, STAFF_HZ)
    assert hears_to_the_end(heard.staff, rate, STAFF_HZ)
    assert (call.extension, call.direction, call.outcome) == (first, "inbound", "answered")
    assert [(each.result, each.extension) for each in call.key_presses] == [("marked", last)]
    assert {each.extension for each in call.participants} == {None, first, last}
    assert all(each.left_at for each in call.participants)


@pytest.mark.parametrize("way", [way for way, (_, first, last) in WAYS.items() if first != last])
def test_who_comes_in_by_a_rare_way_is_not_recorded_where_never(
    system: SystemUnderTest, begin: datetime, way: str
) -> None:
    never = {"mode": "never", "scope": "extension", "target": "2101"}
    with system.rules({"mode": "automatic", "direction": "inbound"}, never):
        staff, outside = WAYS[way][0](system)
        talk_for([staff, outside], 0.5)
        outside.hangup()
        staff.hangup()
        call, _, heard = only_recording(system, begin)
    assert hears_no(heard.staff, heard.rate, STAFF_HZ), "nothing of 2101"
    assert heard_share(heard.staff, heard.rate, FIRST_HZ) > 0
    assert hears_no(heard.external[-heard.rate // 2 :], heard.rate, OTHER_HZ)
    assert call.decision_changes[-1].decision.mode == "never"
