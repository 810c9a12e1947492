"""The table of docs/en/calls.md, row by row: however a call moves, it is one recording, and it is whole."""

from __future__ import annotations

from datetime import datetime

import pytest

from callrec.catalogue.calls import ArchivedRecording
from callrec.demo.softphones import Sound
from callrec.model.calls import CallRecord
from tests.integration.call_paths import (
    FIRST_HZ,
    NUMBER,
    OTHER_HZ,
    STAFF_HZ,
    WAYS,
    connected_with_a_conference,
    inbound,
)
from tests.integration.system import Heard, SystemUnderTest, talk_for, talk_seconds
from tests.integration.times import as_long_as, without_a_gap
from tests.listen import heard_share, hears, hears_no, hears_to_the_end

pytestmark = pytest.mark.parametrize("system", ["postgresql"], indirect=True)
HOLD_HZ = 523.0
"""The first note of the demo's music."""
MOVED = [way for way in WAYS if way not in ("internal", "queue", "ring group", "pickup")]
"""The ways on which 2102 has talked before."""
ROOM = "connected with a conference"


def _kept(system: SystemUnderTest, begin: datetime) -> tuple[CallRecord, ArchivedRecording, Heard]:
    """The one recording of the one call with the number."""
    system.recording_of("+81" + NUMBER[1:], begin)
    system.wait_until_clean()
    (found,) = [each for each in system.calls_since(begin) if each.recording]
    assert found.recording is not None
    return found.call, found.recording, system.listen(found.recording)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "internal"])
def test_one_call_is_one_recording_without_a_gap(system: SystemUnderTest, begin: datetime, way: str) -> None:
    with system.rule("automatic", direction="inbound"):
        staff, caller = WAYS[way](system)
        staff.press("*1")
        talk_for([staff, caller], 1.2)
        caller.hangup()
        call, kept, heard = _kept(system, begin)
    rate = heard.rate
    as_long_as(heard, talk_seconds(call), system.manifest(kept)["capture"])
    without_a_gap(heard, system.manifest(kept)["capture"])
    assert hears(heard.external, rate, OTHER_HZ) and hears_no(heard.external, rate, STAFF_HZ)
    assert hears_to_the_end(heard.staff, rate, STAFF_HZ)
    assert (call.extension, call.outcome) == ("2102" if way in MOVED else "2101", "answered")
    assert [(each.result, each.extension) for each in call.key_presses] == [("marked", "2101")]
    if way in MOVED:
        assert heard_share(heard.staff, rate, FIRST_HZ) > 0
        assert [turn.extensions for turn in call.decision_changes] == [("2101",)]
        assert {each.extension for each in call.participants} == {None, "2101", "2102"}
    assert all(each.left_at for each in call.participants)


@pytest.mark.parametrize("way", ["queue", "pickup", "blind by code", "attended by code", "unparked", ROOM])
def test_the_rule_of_who_talks_counts(system: SystemUnderTest, begin: datetime, way: str) -> None:
    """2101 is never to be recorded: nothing of what it says is, however it came into the call."""
    never = {"mode": "never", "scope": "extension", "target": "2101"}
    with system.rules({"mode": "automatic"}, never):
        staff, caller = WAYS.get(way, connected_with_a_conference)(system)
        talk_for([staff, caller], 0.5)
        caller.hangup()
        staff.hangup()
        call = system.call_of("+81" + NUMBER[1:], begin)
        system.wait_until_clean()
        kept = [each.recording for each in system.calls_since(begin) if each.recording]
    if way not in (*MOVED, ROOM):
        assert not kept and call.decision and call.decision.mode == "never"
        return
    (recording,) = kept
    heard = system.listen(recording)
    assert hears_no(heard.staff, heard.rate, STAFF_HZ), "nothing of 2101"
    assert heard_share(heard.staff, heard.rate, FIRST_HZ) > 0
    assert hears_no(heard.external[-heard.rate // 2 :], heard.rate, OTHER_HZ)
    assert call.decision_changes[-1].decision.mode == "never"


def test_a_call_on_hold_goes_on_being_recorded(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"):
        staff, caller = inbound(system)
        staff.hold()
        talk_for([caller], 1.5)
        staff.resume()
        talk_for([staff, caller], 1.0)
        caller.hangup()
        call, kept, heard = _kept(system, begin)
    as_long_as(heard, talk_seconds(call))
    assert hears(heard.external, heard.rate, OTHER_HZ), "who is on hold is recorded"
    assert hears_to_the_end(heard.staff, heard.rate, STAFF_HZ)
    assert heard_share(heard.staff, heard.rate, HOLD_HZ) > 0.1, "so is the music"
    assert heard_share(caller.heard(), caller.rate, HOLD_HZ) > 0.1
    assert [each["number"] for each in system.manifest(kept)["capture"]["segments"]] == [1]


@pytest.mark.parametrize("colleague_rule", ["automatic", "never"])
def test_a_conference(system: SystemUnderTest, begin: datetime, colleague_rule: str) -> None:
    """The caller is sent into the support phone; two of staff join. One who is never recorded silences it."""
    rules = [{"mode": "automatic"}, {"mode": colleague_rule, "scope": "extension", "target": "2102"}]
    with system.rules(*rules):
        staff, caller = inbound(system)
        staff.transfer("7000")
        staff.wait_ended()
        staff = system.phone("2101").dial("7000", Sound(STAFF_HZ))
        staff.wait_established()
        talk_for([staff, caller], 1.0)
        staff.press("*1")
        talk_for([staff, caller], 0.5)
        colleague = system.phone("2102").dial("7000", Sound(FIRST_HZ))
        colleague.wait_established()
        talk_for([staff, caller, colleague], 1.5)
        staff.hangup()
        caller.hangup()  # not the first: those left would be recorded, until they hang up too
        colleague.hangup()
        call, _, heard = _kept(system, begin)
    assert [each.result for each in call.key_presses] == ["marked"]
    assert {each.extension for each in call.participants} == {None, "2101", "2102"}
    assert hears_no(heard.external, heard.rate, STAFF_HZ)
    last = heard.staff[-heard.rate :] if colleague_rule == "automatic" else heard.staff
    assert hears(last, heard.rate, FIRST_HZ) is (colleague_rule == "automatic")
    as_long_as(heard, talk_seconds(call))


@pytest.mark.parametrize(
    ("rules", "keys", "keys_there", "effects", "heard_of"),
    [
        ("manual automatic", "*1 *4", "*1 *4", "started stopped unchanged refused", "first second"),
        ("manual manual", "*1 *4", "*1", "started stopped started", "first second"),
        ("manual standby", "", "*1", "kept", "second"),
        ("never standby", "", "*1", "kept", "second"),
        ("never manual", "", "*1 *4", "started stopped", "second"),
        ("standby automatic", "", "", "", "second"),
        ("standby automatic", "", "*1", "marked", "first second"),
        ("standby manual", "", "*1", "kept", "first second"),
        ("automatic standby", "", "*1 *4", "marked refused", "first second"),
        ("manual standby", "*1", "*1", "started unchanged", "first second"),
    ],
)
def test_from_one_rule_to_another(
    system: SystemUnderTest,
    begin: datetime,
    rules: str,
    keys: str,
    keys_there: str,
    effects: str,
    heard_of: str,
) -> None:
    """2101 has the first rule and transfers to 2102, which has the second."""
    numbers = zip(("2101", "2102"), rules.split(), strict=True)
    with system.rules(*({"mode": mode, "scope": "extension", "target": each} for each, mode in numbers)):
        staff, caller = inbound(system)
        for key in keys.split():
            staff.press(key)
            talk_for([staff], 0.7)
        staff.transfer("2102")
        colleague = system.phone("2102").pick_up(Sound(FIRST_HZ))
        talk_for([colleague, caller], 0.7)
        for key in keys_there.split():
            colleague.press(key)
            talk_for([colleague], 0.7)
        caller.hangup()
        call, _, heard = _kept(system, begin)
    assert " ".join(each.result for each in call.key_presses) == effects
    for who, hertz in (("first", STAFF_HZ), ("second", FIRST_HZ)):
        assert (heard_share(heard.staff, heard.rate, hertz) > 0) is (who in heard_of.split()), who
