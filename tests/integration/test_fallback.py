"""Calls that begin while callrec is away, whatever becomes of callrec, the PBX and the call after that."""

from __future__ import annotations

import shutil
from datetime import datetime

import pytest

from callrec.demo.softphones import Sound, Talk
from callrec.model.rules import Direction
from callrec.pbx.transport import AriRefused
from tests.integration.system import SystemUnderTest, eventually, talk_for, talk_seconds
from tests.integration.times import as_long_as
from tests.listen import hears, hears_no, is_silent

OUTSIDE_HZ, STAFF_HZ, OTHER_HZ = 500.0, 1000.0, 1500.0
SPOKEN = 1.5
AUTOMATIC = {"mode": "automatic"}
NEVER_2102 = {"mode": "never", "scope": "extension", "target": "2102"}
MOVED = "the call was transferred: what was said from then on is not in this recording"
END_UNSEEN = "the end of the call was not seen"
pytestmark = pytest.mark.parametrize("system", ["postgresql"], indirect=True)
"""What the PBX does by itself, no database changes."""


def _stop(system: SystemUnderTest) -> None:
    """The controller goes; the PBX has a copy of the rules."""
    system.wait_for_mirror()
    system.controller.stop()


def _inbound(system: SystemUnderTest, number: str, seconds: float = 1.5) -> tuple[Talk, Talk]:
    """A call of somebody outside to 2101: the caller and 2101, who have talked for so long."""
    caller = system.caller(number).dial("2101", Sound(OUTSIDE_HZ))
    staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
    caller.wait_established()
    talk_for([caller, staff], seconds)
    return caller, staff


def _outbound(system: SystemUnderTest, number: str, seconds: float) -> tuple[Talk, Talk]:
    """A call of 2101 to the outside: 2101 and who answered there, who have talked for so long."""
    outside = system.phone("outside")  # it must be registered before it is dialled
    staff = system.phone("2101").dial(number, Sound(STAFF_HZ))
    other = outside.pick_up(Sound(OUTSIDE_HZ))
    staff.wait_established()
    talk_for([staff, other], seconds)
    return staff, other


def _transferred(system: SystemUnderTest, staff: Talk, other: Talk, seconds: float = 1.5) -> Talk:
    """2102, to whom 2101 has transferred the other party, and who has talked with it for so long."""
    staff.transfer("2102")
    colleague = system.phone("2102").pick_up(Sound(OTHER_HZ))
    talk_for([colleague, other], seconds)
    return colleague


@pytest.mark.parametrize("seen", [True, False])
def test_a_transfer_to_never_is_silent_also_in_what_the_dialplan_began(
    system: SystemUnderTest, begin: datetime, seen: bool
) -> None:
    """What was said before is kept. Also where callrec is back only after the transfer."""
    number = f"031116000{int(seen)}"
    with system.rules(AUTOMATIC, NEVER_2102):
        _stop(system)
        caller, staff = _inbound(system, number, 2.0)
        if seen:
            system.demo.start_controller()
            talk_for([caller, staff], 0.5)
        colleague = _transferred(system, staff, caller)
        if not seen:
            system.demo.start_controller()
            talk_for([caller, colleague], 0.5)
        caller.hangup()
        found = system.recording_of("+81" + number[1:], begin)
    call, kept = found.call, found.recording
    assert kept is not None
    heard = system.listen(kept)
    second = heard.rate
    assert hears(heard.external[:second], second, OUTSIDE_HZ) and hears(
        heard.staff[:second], second, STAFF_HZ
    )
    assert is_silent(heard.external[-second:]) and is_silent(heard.staff[-second:])
    assert hears_no(heard.staff, second, OTHER_HZ)
    as_long_as(heard, talk_seconds(call))
    assert {each.extension for each in call.participants} == {None, "2101", "2102"}
    assert [each["reason"] for each in system.manifest(kept)["capture"]["silences"]] == ["never"]
    assert [each.decision.mode for each in call.decision_changes] == ["never"]
    system.wait_until_clean()


def test_a_restart_after_the_taking_over_loses_nothing(system: SystemUnderTest, begin: datetime) -> None:
    with system.rules(AUTOMATIC):
        _stop(system)
        caller, staff = _inbound(system, "0311160002", 1.0)
        system.demo.start_controller()
        eventually(lambda: system.status()["live"], what="the taking over")
        system.controller.kill()
        talk_for([caller, staff], 0.5)
        system.demo.start_controller()
        staff.press("*1")
        talk_for([caller, staff], 0.5)
        caller.hangup()
        found = system.recording_of("+81311160002", begin)
        assert found.recording is not None
        heard = system.listen(found.recording)
        as_long_as(heard, len(staff.heard()) / staff.rate, "that the phone heard")
        assert hears(heard.external, heard.rate, OUTSIDE_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)
        assert len(system.calls_since(begin)) == 1 and found.call.incident
    system.wait_until_clean()


def test_a_crash_of_the_pbx_leaves_what_was_recorded(system: SystemUnderTest, begin: datetime) -> None:
    """Also what MixMonitor had not finished; nobody wrote down the end."""
    pbx = system.demo.pbx
    assert pbx.child is not None
    with system.rules(AUTOMATIC):
        _stop(system)
        _inbound(system, "0311160003", 4.5)
        pbx.child.kill()
        system.hang_up_all()
        pbx.start()
        system.demo.start_controller()
        found = system.recording_of("+81311160003", begin)
    assert found.recording is not None
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, OUTSIDE_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)
    assert heard.seconds > 1.5 and END_UNSEEN in [note.text for note in found.call.notes]
    assert found.call.extension == "2101"
    system.wait_until_clean()


def test_a_wiped_hangup_handler_loses_nothing(system: SystemUnderTest, begin: datetime) -> None:
    cli = system.demo.pbx.cli
    cli("dialplan add extension s,1,Return() into callrec-test")
    for number, step in enumerate(
        (
            "Gosub(callrec-gate,s,1(inbound,2101,${CALLERID(num)}))",
            "Set(CHANNEL(hangup_handler_wipe)=callrec-test,s,1)",
            "Goto(ring,2101,1)",
        ),
        start=1,
    ):
        cli(f"dialplan add extension 8101,{number},{step} into from-outside")
    try:
        with system.rules(AUTOMATIC):
            _stop(system)
            caller = system.caller("0311160004").dial("8101", Sound(OUTSIDE_HZ))
            staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
            talk_for([caller, staff], 1.5)
            caller.hangup()
            staff.wait_ended()
            system.demo.start_controller()
            found = system.recording_of("+81311160004", begin)
    finally:
        cli("dialplan reload")
    assert found.recording is not None
    heard = system.listen(found.recording)
    as_long_as(heard, len(staff.heard()) / staff.rate, "that the phone heard")
    assert hears(heard.staff, heard.rate, STAFF_HZ)
    assert END_UNSEEN in [note.text for note in found.call.notes]
    system.wait_until_clean()


def test_a_pbx_without_cdrs_loses_nothing(system: SystemUnderTest, begin: datetime) -> None:
    file, cli = system.demo.home / "pbx/etc/cdr.conf", system.demo.pbx.cli
    before = file.read_text() if file.exists() else "[general]\nenable = yes\n"
    file.write_text("[general]\nenable = no\n")
    cli("module reload cdr")
    try:
        assert "disabled" in cli("cdr show status").lower()
        with system.rules(AUTOMATIC):
            _stop(system)
            caller, staff = _inbound(system, "0311160012")
            caller.hangup()
            staff.wait_ended()
            system.demo.start_controller()
            found = system.recording_of("+81311160012", begin)
    finally:
        file.write_text(before)
        cli("module reload cdr")
    assert found.recording is not None
    heard = system.listen(found.recording)
    as_long_as(heard, talk_seconds(found.call))
    assert hears(heard.external, heard.rate, OUTSIDE_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)


def test_a_phone_is_itself_whatever_number_it_presents(system: SystemUnderTest, begin: datetime) -> None:
    """2101, who is never recorded, shows the office's number; the rule is that of the phone."""
    before = system.settled_keys()
    cli = system.demo.pbx.cli
    cli("dialplan add extension _8.,1,Set(CALLERID(num)=0312340000) into from-phones")
    cli("dialplan add extension _8.,2,Goto(${EXTEN:1},1) into from-phones")
    try:
        with system.rules(AUTOMATIC, {"mode": "never", "scope": "extension", "target": "2101"}):
            _stop(system)
            staff, _ = _outbound(system, "80311160005", 1.0)
            assert not system.app.pbx.stored(), "nothing is recorded for a moment"
            staff.hangup()
            system.demo.start_controller()
            call = system.call_of("+81311160005", begin)
    finally:
        cli("dialplan reload")
    assert (call.extension, call.decision and call.decision.mode) == ("2101", "never")
    assert system.settled_keys() == before


def test_an_outbound_call_that_is_transferred_is_recorded_on_both_sides_of_it(
    system: SystemUnderTest, begin: datetime
) -> None:
    """Two recordings, both filed as the call to the outside that it is. The rule is for those alone."""
    with system.rules({"mode": "automatic", "direction": "outbound"}):
        _stop(system)
        staff, other = _outbound(system, "0311160006", SPOKEN)
        _transferred(system, staff, other, SPOKEN)
        other.hangup()
        system.demo.start_controller()
        eventually(
            lambda: len([each for each in system.calls_since(begin) if each.recording]) > 1,
            what="both recordings",
        )
        found = system.calls_since(begin)
    first, second = sorted(found, key=lambda each: each.call.started_at)
    for each, extension, hertz in ((first, "2101", STAFF_HZ), (second, "2102", OTHER_HZ)):
        assert (each.call.direction, each.call.number) == (Direction.OUTBOUND, "+81311160006")
        assert each.call.extension == extension and each.recording is not None
        heard = system.listen(each.recording)
        assert heard.seconds > SPOKEN - 0.3
        assert hears(heard.external, heard.rate, OUTSIDE_HZ) and hears(heard.staff, heard.rate, hertz)
    assert first.call.linkedid == second.call.linkedid
    assert MOVED in [note.text for note in first.call.notes]
    assert "the call was transferred here" in " ".join(note.text for note in second.call.notes)
    system.wait_until_clean()


def test_an_outbound_call_that_is_connected_with_another_says_what_is_missing(
    system: SystemUnderTest, begin: datetime
) -> None:
    """No dialplan is asked when two calls are connected, so nobody can record the rest."""
    with system.rules({"mode": "automatic", "direction": "outbound"}):
        _stop(system)
        staff, other = _outbound(system, "0311160011", 1.0)
        asking = system.phone("2101").dial("2102", Sound(STAFF_HZ))
        colleague = system.phone("2102").pick_up(Sound(OTHER_HZ))
        asking.wait_established()
        staff.connect_with(asking)
        talk_for([colleague, other], 0.5)
        other.hangup()
        system.demo.start_controller()
        found = system.recording_of("+81311160011", begin)
    assert found.recording is not None and MOVED in [note.text for note in found.call.notes]
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, OUTSIDE_HZ) and hears_no(heard.staff, heard.rate, OTHER_HZ)
    system.wait_until_clean()


def test_a_call_that_was_captured_is_not_recorded_twice_when_it_is_transferred(
    system: SystemUnderTest, begin: datetime
) -> None:
    with system.rules(AUTOMATIC):
        system.wait_for_mirror()
        staff, other = _outbound(system, "0311160007", 1.0)
        system.controller.stop()
        _transferred(system, staff, other, 1.0)
        other.hangup()
        system.demo.start_controller()
        found = system.recording_of("+81311160007", begin)
        system.wait_until_clean()
        assert found.recording is not None and len(system.calls_since(begin)) == 1
        as_long_as(system.listen(found.recording), len(other.heard()) / other.rate)


def test_sound_whose_disk_is_away_is_asked_for_again(system: SystemUnderTest, begin: datetime) -> None:
    """A queue does not tell that somebody answered, so that only the files can."""
    folder = system.demo.home / "pbx/spool/recording"
    elsewhere = folder.with_name("elsewhere")
    with system.rules(AUTOMATIC):
        _stop(system)
        caller = system.caller("0311160008").dial("6000", Sound(OUTSIDE_HZ))
        staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
        talk_for([caller, staff], 1.5)
        caller.hangup()
        staff.wait_ended()
        eventually(lambda: not system.app.pbx.channels(), what="the end of the call")
        folder.rename(elsewhere)
        folder.mkdir()
        try:
            system.demo.start_controller()
            talk = system.caller("0311160010").dial("2102")
            system.phone("2102").wait_ring()
            talk.hangup()
            system.call_of("+81311160010", begin)
            assert [each.call.number for each in system.calls_since(begin)] == ["+81311160010"]
        finally:
            shutil.rmtree(folder)
            elsewhere.rename(folder)
        found = system.recording_of("+81311160008", begin)
    assert found.recording is not None
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, OUTSIDE_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)
    system.wait_until_clean()


def test_nothing_counts_as_destroyed_where_the_folder_is_away(system: SystemUnderTest) -> None:
    """The PBX answers then that there is no such recording, which is so of all."""
    folder = system.demo.home / "pbx/spool/recording"
    elsewhere = folder.with_name("elsewhere")
    system.wait_until_clean()
    folder.rename(elsewhere)
    try:
        with pytest.raises(AriRefused):
            system.app.pbx.destroy("callrec/nothing-1-external")
    finally:
        elsewhere.rename(folder)
    system.app.pbx.destroy("callrec/nothing-1-external")
