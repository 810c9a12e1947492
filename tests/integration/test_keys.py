"""The keys in real calls: what is kept, what each party hears, and what is nowhere any more."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest

from callrec.catalogue.calls import ArchivedRecording
from callrec.demo.softphones import Sound, Talk
from callrec.model.calls import CallRecord, KeyResult
from tests.integration.system import Heard, SystemUnderTest, eventually, frozen, talk_for
from tests.integration.times import (
    KEY_SECONDS,
    PAUSE_SECONDS,
    STOP_SECONDS,
    as_long_as,
    first_sample,
    stretch,
)
from tests.listen import hears, hears_no, hears_to_the_end, is_silent

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
CALLER_HZ, STAFF_HZ = 500.0, 1000.0


def _call(
    system: SystemUnderTest, number: str, extension: str = "2101", seconds: float = 1.0
) -> tuple[Talk, Talk]:
    """A call from outside that is answered, and has lasted for so many seconds."""
    caller = system.caller(number).dial(extension, Sound(CALLER_HZ))
    staff = system.phone(extension).pick_up(Sound(STAFF_HZ))
    caller.wait_established()
    talk_for([staff, caller], seconds)
    return caller, staff


def _outside(number: str) -> str:
    return "+81" + number[1:]


def _press(staff: Talk, key: str, others: list[Talk], seconds: float = 1.0) -> None:
    staff.press(key)
    talk_for([staff, *others], seconds)


def _kept(
    system: SystemUnderTest, number: str, begin: datetime
) -> tuple[CallRecord, ArchivedRecording, Heard]:
    """The one recording of the one call."""
    system.recording_of(_outside(number), begin)
    system.wait_until_clean()
    (found,) = [each for each in system.calls_since(begin) if each.recording]
    assert found.recording is not None
    return found.call, found.recording, system.listen(found.recording)


def _seconds(begin: datetime | None, end: datetime | None) -> float:
    assert begin and end
    return (end - begin).total_seconds()


def _kill(system: SystemUnderTest) -> None:
    assert system.demo.controller is not None
    system.demo.controller.kill()


def _effects(call: CallRecord) -> list[KeyResult]:
    return [each.result for each in call.key_presses]


def _row(system: SystemUnderTest, number: str, begin: datetime) -> CallRecord:
    system.call_of(_outside(number), begin)
    system.wait_until_clean()
    return system.call_of(_outside(number), begin)


def _nowhere(system: SystemUnderTest, number: str, begin: datetime, before: list[str]) -> CallRecord:
    """The row of a call of which nothing is anywhere."""
    call = _row(system, number, begin)
    assert not [each for each in system.calls_since(begin) if each.recording]
    assert system.keys() == before, "nothing of it is in the bucket"
    folder = system.demo.pbx.home / "spool/recording/callrec"
    assert not list(folder.glob("*")), "nothing of it is on the PBX's disk"
    return call


def test_manual_starts_stops_and_starts_again(system: SystemUnderTest, begin: datetime) -> None:
    number = "0311150001"
    with system.rule("manual", announce="on-start"):
        caller, staff = _call(system, number)
        assert not system.app.pbx.stored() and not system.status()["live"]
        _press(staff, "*1", [caller], 9.0)
        _press(staff, "*1", [caller], 1.0)
        _press(staff, "*4", [caller], STOP_SECONDS + 1.0)
        _press(staff, "*1", [caller], KEY_SECONDS + 1.0)
        staff.hangup()
        call, kept, heard = _kept(system, number, begin)
    assert _effects(call) == ["started", "unchanged", "stopped", "started"]
    capture = system.manifest(kept)["capture"]
    assert [each["number"] for each in capture["segments"]] == [1, 2]
    assert capture["kept_because"] == "key"
    for press, segment in (
        (call.key_presses[0], capture["segments"][0]),
        (call.key_presses[3], capture["segments"][1]),
    ):
        late = _seconds(press.at, first_sample(segment))
        assert late < KEY_SECONDS, f"from the last digit to the first sample: {late:.3f} s"
    rate = heard.rate
    assert hears_to_the_end(heard.external, rate, CALLER_HZ) and hears_no(heard.external, rate, STAFF_HZ)
    assert hears_to_the_end(heard.staff, rate, STAFF_HZ)
    between = partial(stretch, heard.rate, capture)
    _, _, stopped, again = (each.at for each in call.key_presses)
    for track in (heard.external, heard.staff):
        assert is_silent(between(track, stopped + timedelta(seconds=STOP_SECONDS), again)), "nothing of it"
    assert call.announcements[0].complete and len(call.announcements) == 1


def test_the_tones_are_for_staff_only(system: SystemUnderTest, begin: datetime) -> None:
    number = "0311150002"
    with system.rule("manual"):
        caller = system.caller(number).dial("2101")
        staff = system.phone("2101").pick_up()
        caller.wait_established()
        for key in ("*1", "*5", "*5", "*4"):
            _press(staff, key, [caller], 1.0)
        caller.hangup()
        call, _, heard = _kept(system, number, begin)
    assert _effects(call) == ["started", "paused", "resumed", "stopped"]
    assert is_silent(caller.heard()), "the caller hears neither tones nor digits"
    assert not caller.digits
    assert is_silent(heard.external) and is_silent(heard.staff)
    assert not is_silent(staff.heard())


def test_never_refuses_and_only_staff_hear_that(system: SystemUnderTest, begin: datetime) -> None:
    number = "0311150003"
    before = system.settled_keys()
    with system.rule("never"):
        caller = system.caller(number).dial("2101")
        staff = system.phone("2101").pick_up()
        caller.wait_established()
        _press(staff, "*1", [caller], 1.0)
        caller.hangup()
        call = _nowhere(system, number, begin, before)
    assert _effects(call) == ["refused"]
    assert is_silent(caller.heard()) and not is_silent(staff.heard())


def test_standby_keeps_the_whole_call_when_the_key_is_pressed(
    system: SystemUnderTest, begin: datetime
) -> None:
    number = "0311150004"
    with system.rule("standby"):
        caller, staff = _call(system, number)
        _press(staff, "*1", [caller], 0.5)
        caller.hangup()
        call, kept, heard = _kept(system, number, begin)
    assert _effects(call) == ["kept"] and kept.kept_because == "key"
    talk = _seconds(call.answered_at, call.ended_at)
    as_long_as(heard, talk, "from its first second")
    assert hears(heard.external, heard.rate, CALLER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)


@pytest.mark.parametrize("who", ["caller", "staff", "killed", "away", "link lost"])
def test_standby_without_a_key_is_nowhere_afterwards(
    system: SystemUnderTest, begin: datetime, who: str
) -> None:
    number = f"031115001{len(who)}"
    before = system.settled_keys()
    with system.rule("standby"):
        caller, staff = _call(system, number)
        eventually(lambda: system.status()["live"], what="the capture")
        match who:
            case "killed":
                _kill(system)
                talk_for([staff], 0.5)
                caller.hangup()
                system.demo.start_controller()
            case "away":
                _kill(system)
                talk_for([staff], 0.5)
                system.demo.start_controller()
                talk_for([staff], 0.5)
                caller.hangup()
            case "link lost":
                assert system.demo.pbx.child is not None
                with frozen(system.demo.pbx.child):
                    eventually(lambda: not system.status()["link_up"], what="the loss of the link")
                eventually(lambda: system.status()["link_up"], what="the return of the link")
                caller.hangup()
            case "staff":
                staff.hangup()
            case _:
                caller.hangup()
        eventually(lambda: _row(system, number, begin).discarded_at, what="the destruction")
        _nowhere(system, number, begin, before)


@pytest.mark.parametrize("over", [False, True], ids=["goes on", "is over"])
def test_a_key_pressed_while_the_controller_is_dead_counts(
    system: SystemUnderTest, begin: datetime, over: bool
) -> None:
    number = f"031115002{int(over)}"
    with system.rule("standby"):
        caller, staff = _call(system, number)
        _kill(system)
        _press(staff, "*1", [caller], 0.5)
        if over:
            caller.hangup()
        system.demo.start_controller()
        if not over:
            talk_for([staff], 0.5)
            caller.hangup()
        call, _, heard = _kept(system, number, begin)
    assert _effects(call) == ["kept"]
    assert heard.seconds > 1.5 and hears(heard.external, heard.rate, CALLER_HZ)


def test_the_key_works_in_a_call_that_began_while_the_controller_was_dead(
    system: SystemUnderTest, begin: datetime
) -> None:
    number = "0311150030"
    with system.rule("manual"):
        system.wait_for_mirror()
        _kill(system)
        caller, staff = _call(system, number)
        system.demo.start_controller()
        _press(staff, "*1", [caller], 1.0)
        caller.hangup()
        call, _, heard = _kept(system, number, begin)
        calls = [each.call for each in system.calls_since(begin)]
    assert _effects(call) == ["started"] and calls == [call], "one call, one row"
    assert hears(heard.external, heard.rate, CALLER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)


def test_automatic_is_marked_by_the_key(system: SystemUnderTest, begin: datetime) -> None:
    number = "0311150005"
    with system.rule("automatic", retain_days=10, retain_incident_days=1000):
        caller, staff = _call(system, number)
        _press(staff, "*1", [caller], 0.5)
        caller.hangup()
        call, kept, _ = _kept(system, number, begin)
    assert _effects(call) == ["marked"] and call.incident
    assert kept.incident and kept.kept_because == "key"
    assert _seconds(call.ended_at, kept.retain_until) == timedelta(days=1000).total_seconds()


def test_a_privacy_pause_is_silence_and_the_clock_goes_on(system: SystemUnderTest, begin: datetime) -> None:
    number = "0311150006"
    with system.rule("automatic"):
        caller, staff = _call(system, number)
        _press(staff, "*5", [caller], 2.0)
        _press(staff, "*5", [caller], 2.0)
        _press(staff, "*5", [caller], 1.0)
        caller.hangup()
        call, kept, heard = _kept(system, number, begin)
    assert _effects(call) == ["paused", "resumed", "paused"]
    talk = _seconds(call.answered_at, call.ended_at)
    as_long_as(heard, talk, "the clock of the recording is the clock of the call")
    first, last = system.manifest(kept)["capture"]["silences"]
    assert last["finished_at"] is None and first["reason"] == "key" and call.answered_at
    between = partial(stretch, heard.rate, system.manifest(kept)["capture"])
    late = timedelta(seconds=PAUSE_SECONDS)
    pause, resumed, again = (each.at for each in call.key_presses)
    for track, hertz in ((heard.external, CALLER_HZ), (heard.staff, STAFF_HZ)):
        assert is_silent(between(track, pause + late, resumed - late)), "exact zeros"
        assert hears(between(track, resumed + late, again - late), heard.rate, hertz)
        assert hears(between(track, call.answered_at + late, pause - late), heard.rate, hertz)
        assert is_silent(track[-heard.rate // 3 :])


def test_the_same_digits_from_outside_do_nothing(system: SystemUnderTest, begin: datetime) -> None:
    number = "0311150007"
    before = system.settled_keys()
    with system.rule("standby"):
        caller, staff = _call(system, number)
        _press(caller, "*1", [staff], 1.0)
        caller.hangup()
        call = _nowhere(system, number, begin, before)
    assert _effects(call) == [] and call.discarded_at


def test_a_transfer_to_never_is_silent_from_there(system: SystemUnderTest, begin: datetime) -> None:
    number = "0311150008"
    with system.rules({"mode": "automatic"}, {"mode": "never", "scope": "extension", "target": "2102"}):
        caller, staff = _call(system, number, seconds=2.0)
        staff.transfer("2102")
        colleague = system.phone("2102").pick_up(Sound(1500.0))
        talk_for([colleague, caller], 1.5)
        caller.hangup()
        call, kept, heard = _kept(system, number, begin)
    (turn,) = call.decision_changes
    assert turn.extensions == ("2102",) and turn.decision.mode == "never"
    assert [each["reason"] for each in system.manifest(kept)["capture"]["silences"]] == ["never"]
    last = heard.rate
    assert is_silent(heard.external[-last:]) and is_silent(heard.staff[-last:])
    assert hears_no(heard.staff, heard.rate, 1500.0), "nothing of what the other extension said"
    assert hears(heard.external[:last], heard.rate, CALLER_HZ)


def test_a_transfer_to_never_while_the_controller_is_dead(system: SystemUnderTest, begin: datetime) -> None:
    """It is silent from when that phone rang: the PBX records on, the archive gets nothing of it."""
    number = "0311150031"
    with system.rules({"mode": "automatic"}, {"mode": "never", "scope": "extension", "target": "2102"}):
        caller, staff = _call(system, number, seconds=2.0)
        _kill(system)
        staff.transfer("2102")
        colleague = system.phone("2102").pick_up(Sound(1500.0))
        talk_for([colleague, caller], 1.0)
        system.demo.start_controller()
        talk_for([colleague, caller], 0.5)
        caller.hangup()
        call, kept, heard = _kept(system, number, begin)
    assert [each["reason"] for each in system.manifest(kept)["capture"]["silences"]] == ["never"]
    assert hears(heard.external[: heard.rate], heard.rate, CALLER_HZ)
    assert hears_no(heard.staff, heard.rate, 1500.0) and is_silent(heard.external[-heard.rate :])
    as_long_as(heard, _seconds(call.answered_at, call.ended_at))


@pytest.mark.parametrize("first", ["manual", "never"])
def test_a_transfer_to_automatic_begins_there(system: SystemUnderTest, begin: datetime, first: str) -> None:
    number = f"03111500{len(first) + 20}"
    rules = [
        {"mode": first, "scope": "extension", "target": "2101"},
        {"mode": "automatic", "scope": "extension", "target": "2102"},
    ]
    with system.rules(*rules):
        caller, staff = _call(system, number)
        staff.transfer("2102")
        colleague = system.phone("2102").pick_up(Sound(1500.0))
        talk_for([colleague, caller], 1.5)
        caller.hangup()
        call, kept, heard = _kept(system, number, begin)
    assert hears(heard.staff, heard.rate, 1500.0) and hears_no(heard.staff, heard.rate, STAFF_HZ)
    assert kept.kept_because == "automatic"
    joined = next(each.joined_at for each in call.participants if each.extension == "2102")
    as_long_as(heard, _seconds(joined, call.ended_at))
