"""A rule that says that nothing is recorded where the PBX cannot play the announcement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import pytest

from callrec.demo.softphones import Sound, Talk
from callrec.fallback import rule_mirror
from callrec.model.calls import CallRecord, KeyResult
from callrec.model.rules import Unannounced
from callrec.pbx.astdb import STORE
from tests.integration.system import SystemUnderTest, eventually, talk_for

STRICT = {"mode": "automatic", "languages": ("en",), "unannounced": Unannounced.DISCARD}
ELSEWHERE = {"CALLREC_PROMPTS__PBX_DIRECTORY": "/nowhere"}
"""The PBX does not see the folder of prompts that callrec does."""
WHY = "recording: none: the announcement could not be played, and the rule wants nothing recorded then"


def _of_calls(system: SystemUnderTest) -> list[str]:
    """The PBX's channels, but those that write its database."""
    names = [each.name for each in system.app.pbx.channels()]
    return [name for name in names if STORE not in name]


@pytest.fixture(autouse=True)
def _seen(system: SystemUnderTest) -> Iterator[None]:
    """What other tests have left to be told is not told here, nor what these leave in others."""
    system.callrec("status", "--seen")
    yield
    system.hang_up_all()
    if not system.demo.controller or not system.demo.controller.running:
        system.demo.start_controller()
    system.wait_until_clean()
    system.callrec("status", "--seen")


def _talking(system: SystemUnderTest, number: str) -> tuple[Talk, Talk]:
    """A call from outside that 2101 has answered: the caller and 2101."""
    caller = system.caller(number).dial("2101", Sound(500))
    staff = system.phone("2101").pick_up(Sound(1000))
    talk_for([staff, caller], 0.5)
    return caller, staff


def _unrecorded(system: SystemUnderTest, number: str, begin: datetime) -> CallRecord:
    """The row of a call of which nothing is left, and which says why."""
    call = system.call_of(number, begin)
    assert call.unannounced_at and WHY in system.callrec("show", call.id).stdout
    problems = json.loads(system.callrec("status", "--json").stdout)["problems"]
    assert any("could not play the announcement" in each and call.id in each for each in problems)
    return call


def test_what_the_pbx_could_not_announce_is_not_recorded(system: SystemUnderTest, begin: datetime) -> None:
    """Before the connection nothing is begun; at the start what was begun is destroyed."""
    before = system.settled_keys()
    with system.restarted_with(**ELSEWHERE):
        with system.rules({**STRICT, "announce": "before-connect"}):
            caller, staff = _talking(system, "0311190001")
            staff.press("*1")
            talk_for([staff, caller], 0.5)
            assert not system.status()["live"] and not system.app.pbx.stored()
            caller.hangup()
            early = _unrecorded(system, "+81311190001", begin)
        with system.rules({**STRICT, "announce": "on-start"}):
            caller, staff = _talking(system, "0311190002")
            eventually(lambda: len(_of_calls(system)) == 2, what="the end of the snoops")
            staff.press("*1")
            talk_for([staff, caller], 0.5)
            assert len(_of_calls(system)) == 2 and not system.status()["live"]
            caller.hangup()
            eventually(
                lambda: system.call_of("+81311190002", begin).discarded_at, what="that it is destroyed"
            )
        late = _unrecorded(system, "+81311190002", begin)
    for call in (early, late):
        assert [each.result for each in call.key_presses] == [KeyResult.REFUSED]
    assert early.discarded_at is None and system.settled_keys() == before


@pytest.mark.parametrize("system", ["sqlite"], indirect=True)
def test_a_caller_who_hangs_up_during_the_announcement_is_recorded_so_far(
    system: SystemUnderTest, begin: datetime
) -> None:
    with system.rules({**STRICT, "announce": "on-start"}):
        caller, staff = _talking(system, "0311190003")
        talk_for([staff, caller], 1.0)
        caller.hangup()
        found = system.recording_of("+81311190003", begin)
    assert found.call.announcements and not found.call.announcements[0].complete
    assert found.call.unannounced_at is None


@pytest.mark.parametrize("system", ["sqlite"], indirect=True)
def test_nor_does_the_dialplan_while_callrec_is_away(system: SystemUnderTest, begin: datetime) -> None:
    before = system.settled_keys()
    with system.rules({**STRICT, "announce": "before-connect"}):
        with system.restarted_with(**ELSEWHERE):
            eventually(lambda: _mirrored(system, "/nowhere/"), what="the copy of the rules")
            _fallen_back(system, "0311190004", files=0)
        call = _unrecorded(system, "+81311190004", begin)
    assert not call.discarded_at and system.settled_keys() == before


@pytest.mark.parametrize("system", ["sqlite"], indirect=True)
def test_the_dialplan_records_what_it_has_announced(system: SystemUnderTest, begin: datetime) -> None:
    with system.rules({**STRICT, "announce": "before-connect"}):
        system.wait_for_mirror()
        _fallen_back(system, "0311190005", files=2)
        system.demo.start_controller()
        found = system.recording_of("+81311190005", begin)
    assert found.call.announcements[0].complete and found.call.unannounced_at is None


def _mirrored(system: SystemUnderTest, folder: str) -> bool:
    """Whether the PBX's copy of the rules wants sounds of this folder, and nothing unannounced."""
    with system.app.ami() as ami:
        entry = ami.tree(rule_mirror.FAMILY).get("inbound/default", "")
    return folder in entry and entry.endswith("|discard")


def _fallen_back(system: SystemUnderTest, number: str, *, files: int) -> None:
    """The controller goes; of the call that comes then the dialplan records so many files."""
    assert system.demo.controller is not None
    system.demo.controller.stop()
    caller, staff = _talking(system, number)
    talk_for([staff, caller], 0.5)
    assert len(system.app.pbx.stored()) == files
    caller.hangup()
    staff.wait_ended()
