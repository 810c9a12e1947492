"""Parts that fail while calls go on: nothing is lost, no call waits, and the catalogue says what happened."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import soundfile

from callrec.demo.softphones import Sound, Talk
from callrec.model.calls import KeyResult, Outcome
from callrec.model.rules import Mode
from callrec.spool.directory import Spool
from tests.integration.system import SystemUnderTest, eventually, frozen, talk_for, talk_seconds
from tests.integration.times import LINK_SECONDS, as_long_as
from tests.listen import hears, hears_no, likeness, voiced

CALLER_HZ, STAFF_HZ = 500.0, 1000.0


def _call(system: SystemUnderTest, number: str, called: str = "2101") -> tuple[Talk, Talk]:
    caller = system.caller(number).dial(called, Sound(CALLER_HZ))
    staff = system.phone(called).pick_up(Sound(STAFF_HZ))
    caller.wait_established()
    return caller, staff


def _check_whole(system: SystemUnderTest, number: str, begin: datetime, staff: Talk) -> str:
    """The recording of the call is as long as the talk, with each voice in its track. Returns its id."""
    found = system.recording_of(number, begin)
    assert found.recording is not None
    heard = system.listen(found.recording)
    as_long_as(heard, talk_seconds(found.call))
    as_long_as(heard, len(staff.heard()) / staff.rate, "that the phone heard")
    assert hears(heard.external, heard.rate, CALLER_HZ) and hears_no(heard.external, heard.rate, STAFF_HZ)
    assert hears(heard.staff, heard.rate, STAFF_HZ) and hears_no(heard.staff, heard.rate, CALLER_HZ)
    return found.recording.id


def test_a_second_controller_refuses_to_start(system: SystemUnderTest, tmp_path: Path) -> None:
    done = system.callrec("serve")
    assert done.returncode == 4
    assert done.stderr.strip().splitlines()[-1].startswith("callrec: another callrec serve uses the spool")
    Spool(tmp_path)
    elsewhere = system.callrec("serve", CALLREC_SPOOL__DIRECTORY=str(tmp_path))
    assert elsewhere.returncode == 4, "also with another spool: it is the same PBX"
    assert "another callrec serve is connected to this PBX" in elsewhere.stderr
    assert system.status()["link_up"], "the first one was not disturbed"


def test_controller_killed_during_the_call_and_back_after_it(
    system: SystemUnderTest, begin: datetime
) -> None:
    """Also the call that is not recorded has its row, with why."""
    never = {"mode": "never", "scope": "extension", "target": "2102"}
    with system.rules({"mode": "automatic"}, never):
        caller, staff = _call(system, "0311120001")
        unrecorded, _ = _call(system, "0311120011", "2102")
        talk_for([staff], 1.5)
        system.controller.kill()
        talk_for([staff], 1.5)
        caller.hangup()
        unrecorded.hangup()
        staff.wait_ended()
        system.demo.start_controller()
        _check_whole(system, "+81311120001", begin, staff)
    call, other = system.call_of("+81311120001", begin), system.call_of("+81311120011", begin)
    for each in (call, other):
        assert "the controller was away during this call" in [note.text for note in each.notes]
    assert other.decision and (other.decision.mode, other.outcome) == (Mode.NEVER, Outcome.ANSWERED)
    system.wait_until_clean()


def test_controller_killed_and_back_during_the_call(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"):
        caller, staff = _call(system, "0311120002")
        talk_for([staff], 1.5)
        system.controller.kill()
        system.demo.start_controller()
        talk_for([staff], 1.5)
        staff.hangup()
        caller.wait_ended()
        _check_whole(system, "+81311120002", begin, staff)
    system.wait_until_clean()


def test_orderly_restart_during_the_call(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"):
        caller, staff = _call(system, "0311120003")
        talk_for([staff], 1.0)
        system.controller.stop()
        system.demo.start_controller()
        talk_for([staff], 1.0)
        caller.hangup()
        staff.wait_ended()
        _check_whole(system, "+81311120003", begin, staff)
    system.wait_until_clean()


def test_without_a_controller_the_dialplan_announces_and_records(
    system: SystemUnderTest, begin: datetime
) -> None:
    with system.rule("automatic", announce="before-connect"):
        system.wait_for_mirror()
        system.controller.stop()
        caller = system.caller("0311120004").dial("2101", Sound(CALLER_HZ))
        staff = system.phone("2101").wait_ring()
        prompt = voiced(soundfile.read(system.app.library.directory / "ja/notice.wav", dtype="int16")[0])
        assert likeness(prompt, caller.heard()) > 0.9
        staff.sound = Sound(STAFF_HZ)
        staff.answer()
        staff.press("*1")
        talk_for([staff], 2.0)
        staff.hangup()
        caller.wait_ended()
        unanswered = system.caller("0311120005").dial("2102")
        system.phone("2102").wait_ring()
        unanswered.hangup()
        system.demo.start_controller()
        _check_whole(system, "+81311120004", begin, staff)
    call = system.call_of("+81311120004", begin)
    assert call.notes[0].text == "callrec was away: the dialplan's fallback handled the call"
    assert [each.complete for each in call.announcements] == [True]
    assert call.announcements[0].language == "ja"
    assert [each.result for each in call.key_presses] == [KeyResult.MARKED] and call.incident
    assert system.call_of("+81311120005", begin).outcome is Outcome.UNANSWERED
    system.wait_until_clean()


def test_without_a_controller_outbound_voices_are_not_swapped(
    system: SystemUnderTest, begin: datetime
) -> None:
    with system.rule("automatic"):
        system.wait_for_mirror()
        system.controller.stop()
        outside = system.phone("outside")  # it must be registered before it is dialled
        staff = system.phone("2101").dial("0311120006", Sound(STAFF_HZ))
        other = outside.pick_up(Sound(CALLER_HZ))
        staff.wait_established()
        talk_for([staff, other], 1.5)
        staff.hangup()
        system.demo.start_controller()
        _check_whole(system, "+81311120006", begin, staff)
    system.wait_until_clean()


def test_without_a_controller_never_is_never(system: SystemUnderTest, begin: datetime) -> None:
    before = system.settled_keys()
    with system.rules({"mode": "automatic"}, {"mode": "never", "scope": "facility", "target": "shiba"}):
        system.wait_for_mirror()
        system.controller.stop()
        caller, staff = _call(system, "0311120007")
        talk_for([staff], 1.0)
        caller.hangup()
        system.demo.start_controller()
        call = system.call_of("+81311120007", begin)
    assert call.decision is not None and call.decision.mode == "never"
    assert system.settled_keys() == before


def test_without_a_controller_never_is_never_between_phones_too(
    system: SystemUnderTest, begin: datetime
) -> None:
    before = system.settled_keys()
    with system.rules({"mode": "automatic"}, {"mode": "never", "scope": "facility", "target": "shiba"}):
        system.wait_for_mirror()
        system.controller.stop()
        caller = system.phone("2201").dial("2101", Sound(CALLER_HZ))
        staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
        talk_for([staff], 1.0)
        caller.hangup()
        system.demo.start_controller()
        call = system.call_of("2201", begin)
    assert call.decision is not None and call.decision.mode == "never"
    assert system.settled_keys() == before


def test_without_a_controller_who_answers_a_queue_counts(system: SystemUnderTest, begin: datetime) -> None:
    """The dialplan knows the number dialled only; when callrec is back, it asks who answered."""
    before = system.settled_keys()
    with system.rules({"mode": "automatic"}, {"mode": "never", "scope": "extension", "target": "2102"}):
        system.wait_for_mirror()
        system.controller.stop()
        phones = [system.phone("2101"), system.phone("2102")]
        caller = system.caller("0311120011").dial("6000", Sound(CALLER_HZ))
        staff = phones[1].pick_up(Sound(STAFF_HZ))
        talk_for([staff], 1.0)
        caller.hangup()
        system.demo.start_controller()
        call = system.call_of("+81311120011", begin)
    assert (call.extension, call.dialled, call.decision and call.decision.mode) == ("2102", "6000", "never")
    assert any("was destroyed" in note.text for note in call.notes), call
    assert system.settled_keys() == before


def test_a_frozen_controller_holds_no_call_up(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"):
        system.wait_for_mirror()
        phone, outside = system.phone("2101"), system.caller("0311120008")
        with frozen(system.controller):
            caller = outside.dial("2101", Sound(CALLER_HZ))
            staff = phone.pick_up(Sound(STAFF_HZ))
            caller.wait_established()
            talk_for([staff], 1.5)
        talk_for([staff], 0.5)
        caller.hangup()
        staff.wait_ended()
        _check_whole(system, "+81311120008", begin, staff)
    assert len([each for each in system.calls_since(begin) if each.call.number == "+81311120008"]) == 1
    system.wait_until_clean()


def test_a_frozen_pbx_is_noticed_and_found_again(system: SystemUnderTest, begin: datetime) -> None:
    assert system.demo.pbx.child is not None
    with system.rule("automatic"):
        with frozen(system.demo.pbx.child):
            eventually(
                lambda: not system.status()["link_up"], LINK_SECONDS, "noticing that the PBX stands still"
            )
        eventually(lambda: system.status()["link_up"], LINK_SECONDS, "the link's return")
        caller, staff = _call(system, "0311120009")
        talk_for([staff], 1.0)
        caller.hangup()
        staff.wait_ended()
        _check_whole(system, "+81311120009", begin, staff)


def test_s3_away_keeps_recordings_in_the_spool(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"):
        system.demo.s3.stop()
        try:
            caller, staff = _call(system, "0311120010")
            talk_for([staff], 1.0)
            caller.hangup()
            staff.wait_ended()
            eventually(system.problems, what="the problem in the status")
            done = system.callrec("status", "--json")
            assert done.returncode == 1 and '"waiting_recordings": 1' in done.stdout
            assert "the S3 server does not answer" in done.stdout
        finally:
            system.demo.s3.start()
        _check_whole(system, "+81311120010", begin, staff)
    system.wait_until_clean()
    eventually(lambda: not system.problems(), what="a clean status")
