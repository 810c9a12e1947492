"""Callers whom the dialplan records for callrec: as whole and as explainable as what snoops record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from callrec import ids
from callrec.catalogue.calls import ArchivedRecording
from callrec.demo.ports import free_port
from callrec.demo.softphones import Sound
from callrec.fallback import journal
from callrec.pbx.mixmonitor import is_of_dialplan
from tests.integration.call_paths import NUMBER, OTHER_HZ, STAFF_HZ, inbound
from tests.integration.odd_paths import only_recording
from tests.integration.system import SystemUnderTest, eventually, talk_for, talk_seconds
from tests.integration.times import as_long_as, without_a_gap
from tests.integration.untroubled import untroubled
from tests.listen import hears, hears_no, hears_to_the_end, is_silent

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
COLLEAGUE_HZ = 1500.0


def _by_dialplan(system: SystemUnderTest, kept: ArchivedRecording) -> list[bool]:
    """Of each segment whether the dialplan has recorded it."""
    segments = system.manifest(kept)["capture"]["segments"]
    return [is_of_dialplan(each["external"]["name"]) for each in segments]


def _lines(system: SystemUnderTest, begin: datetime) -> dict[str, str]:
    """The lines of the journal of calls since then: others are forgotten within a minute."""
    with system.app.ami() as ami:
        lines = ami.tree(journal.FAMILY)
    return {key: line for key, line in lines.items() if journal.parse(key, line).started_at >= begin}


def _snoops(system: SystemUnderTest) -> list[str]:
    return [each.name for each in system.app.pbx.channels() if each.name.startswith("Snoop/")]


def _is_whole(system: SystemUnderTest, begin: datetime) -> tuple[ArchivedRecording, Any]:
    call, kept, heard = only_recording(system, begin)
    as_long_as(heard, talk_seconds(call))
    assert hears(heard.external, heard.rate, OTHER_HZ)
    assert hears_no(heard.external, heard.rate, STAFF_HZ) and hears_no(heard.staff, heard.rate, OTHER_HZ)
    return kept, heard


def test_what_the_dialplan_records_is_the_recording(system: SystemUnderTest, begin: datetime) -> None:
    """One call, one recording; neither a snoop nor, in the end, a line of the journal."""
    with untroubled(system), system.rule("automatic"):
        staff, outside = inbound(system)
        assert not _snoops(system) and len(_lines(system, begin)) == 1
        talk_for([staff, outside], 2.0)
        outside.hangup()
        kept, heard = _is_whole(system, begin)
        assert _by_dialplan(system, kept) == [True]
        assert hears_to_the_end(heard.staff, heard.rate, STAFF_HZ)
        assert len(system.calls_since(begin)) == 1
        (line,) = _lines(system, begin).items() or [("", "")]
        entry = journal.parse(*line)
        assert kept.id == ids.of_fallback_recording("demo", entry.channel, entry.stamped_at)
        eventually(lambda: not _lines(system, begin), 90, what="that the line is forgotten")
    assert len(system.calls_since(begin)) == 1


def test_another_phone_is_heard_after_a_transfer(system: SystemUnderTest, begin: datetime) -> None:
    with untroubled(system), system.rule("automatic"):
        staff, outside = inbound(system)
        talk_for([staff, outside], 1.0)
        staff.transfer("2102")
        colleague = system.phone("2102").pick_up(Sound(COLLEAGUE_HZ))
        talk_for([colleague, outside], 1.5)
        outside.hangup()
        kept, heard = _is_whole(system, begin)
    assert _by_dialplan(system, kept)[0] and not any(_by_dialplan(system, kept)[1:])
    without_a_gap(heard, system.manifest(kept)["capture"])
    assert hears_to_the_end(heard.staff, heard.rate, COLLEAGUE_HZ)


def test_of_a_phone_that_is_never_recorded_nothing_is_left(system: SystemUnderTest, begin: datetime) -> None:
    """The call was dialled to one that is; who answers is not."""
    before = system.settled_keys()
    never = {"mode": "never", "scope": "extension", "target": "2101"}
    with untroubled(system), system.rules({"mode": "automatic"}, never):
        outside = system.caller(NUMBER).dial("6100", Sound(OTHER_HZ))
        staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
        outside.wait_established()
        eventually(lambda: not system.app.pbx.stored(), what="that it is destroyed")
        talk_for([staff, outside], 1.0)
        assert not _snoops(system) and not _lines(system, begin) and not system.app.pbx.stored()
        outside.hangup()
        call = system.call_of("+81" + NUMBER[1:], begin)
    assert call.decision and call.decision.mode == "never" and system.settled_keys() == before
    (found,) = system.calls_since(begin)
    assert found.recording is None


def test_of_a_call_that_nobody_answers_nothing_is_left(system: SystemUnderTest, begin: datetime) -> None:
    with untroubled(system), system.rule("automatic"):
        outside = system.caller(NUMBER).dial("2101", Sound(OTHER_HZ))
        system.phone("2101").wait_ring()
        outside.hangup()
        assert system.call_of("+81" + NUMBER[1:], begin).outcome == "unanswered"
    (found,) = system.calls_since(begin)
    assert found.recording is None and not system.app.pbx.stored()


def test_a_pause_is_silent_in_the_file_that_the_pbx_writes(system: SystemUnderTest, begin: datetime) -> None:
    with untroubled(system), system.rule("automatic"):
        staff, outside = inbound(system)
        talk_for([staff, outside], 0.5)
        staff.press("*5")
        talk_for([staff, outside], 1.5)
        staff.press("*5")
        talk_for([staff, outside], 1.5)
        outside.hangup()
        call, kept, heard = only_recording(system, begin)
    assert [each.result for each in call.key_presses] == ["paused", "resumed"]
    assert _by_dialplan(system, kept) == [True]
    as_long_as(heard, talk_seconds(call))
    (silence,) = system.manifest(kept)["capture"]["silences"]
    began = datetime.fromisoformat(system.manifest(kept)["capture"]["segments"][0]["external"]["started_at"])
    first, last = (
        int((datetime.fromisoformat(silence[name]) - began).total_seconds() * heard.rate)
        for name in ("started_at", "finished_at")
    )
    for track in (heard.external, heard.staff):
        assert is_silent(track[first:last])
    assert hears_to_the_end(heard.staff, heard.rate, STAFF_HZ)


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_controller_that_is_killed_loses_nothing(
    system: SystemUnderTest, begin: datetime, goes_on: bool
) -> None:
    with system.rule("automatic"):
        staff, outside = inbound(system)
        talk_for([staff, outside], 0.5)
        system.controller.kill()
        talk_for([staff, outside], 1.0)
        if goes_on:
            system.demo.start_controller()
            talk_for([staff, outside], 1.0)
        outside.hangup()
        staff.wait_ended()
        if not goes_on:
            system.demo.start_controller()
        call, kept, heard = only_recording(system, begin)
    assert _by_dialplan(system, kept) == [True] and len(system.calls_since(begin)) == 1
    as_long_as(heard, len(outside.heard()) / outside.rate, call)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)


@pytest.mark.parametrize("ends_unseen", [True, False])
def test_a_controller_that_is_killed_while_it_rings_loses_nothing(
    system: SystemUnderTest, begin: datetime, ends_unseen: bool
) -> None:
    """The dialplan records on, and its journal tells of the call: there is one row of it all the same."""
    with system.rule("automatic"):
        outside = system.caller(NUMBER).dial("2101", Sound(OTHER_HZ))
        staff = system.phone("2101").wait_ring()
        system.controller.kill()
        staff.sound = Sound(STAFF_HZ)
        staff.answer()
        outside.wait_established()
        talk_for([staff, outside], 1.5)
        if not ends_unseen:
            system.demo.start_controller()
            talk_for([staff, outside], 1.5)
        outside.hangup()
        staff.wait_ended()
        if ends_unseen:
            system.demo.start_controller()
        call, kept, heard = only_recording(system, begin)
    assert _by_dialplan(system, kept)[0] and len(system.calls_since(begin)) == 1
    as_long_as(heard, len(outside.heard()) / outside.rate, call)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)


def test_while_ami_is_away_snoops_record(system: SystemUnderTest, begin: datetime) -> None:
    """What could not be ended is not begun."""
    with (
        system.restarted_with(CALLREC_PBX__AMI_PORT=str(free_port())),
        system.rule("automatic"),
    ):
        staff, outside = inbound(system)
        assert len(_snoops(system)) == 2 and not _lines(system, begin)
        talk_for([staff, outside], 1.0)
        outside.hangup()
        kept, _ = _is_whole(system, begin)
    assert _by_dialplan(system, kept) == [False]
