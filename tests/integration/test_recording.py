"""Calls that are recorded, and calls that are not: listened to, in the bucket and at the phones."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import soundfile

from callrec.demo.softphones import Sound
from callrec.model.calls import Outcome
from callrec.model.captures import Custody
from callrec.model.rules import Direction, Mode
from tests.integration.full_disk import try_on_full_disk
from tests.integration.system import WIDEBAND, WIDEBAND_PHONE, SystemUnderTest, talk_for, talk_seconds
from tests.integration.times import START_SECONDS, as_long_as, first_sample
from tests.listen import Samples, hears, hears_no, is_silent, likeness, voiced

CALLER_HZ, STAFF_HZ = 500.0, 1000.0


def _prompt(system: SystemUnderTest, language: str = "ja") -> Samples:
    """What is spoken in the prompt, at 8 kHz."""
    path = system.app.library.directory / language / "notice.wav"
    return voiced(soundfile.read(path, dtype="int16")[0])


def test_inbound_call_is_announced_and_recorded(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic", announce="before-connect"):
        phone, outside = system.phone("2101"), system.caller("0311110001")
        caller = outside.dial("2101", Sound(CALLER_HZ))
        staff = phone.wait_ring()
        announced = caller.heard()
        assert likeness(_prompt(system), announced) > 0.9, "the caller heard the prompt before the phone rang"
        staff.sound = Sound(STAFF_HZ)
        staff.answer()
        talk_for([staff, caller], 4.0)
        staff.hangup()
        caller.wait_ended()
        found = system.recording_of("+81311110001", begin)

    kept, call = found.recording, found.call
    assert kept is not None
    heard = system.listen(kept)
    as_long_as(heard, talk_seconds(call))
    as_long_as(heard, len(staff.heard()) / staff.rate, "that the phone heard")
    assert hears(heard.external, heard.rate, CALLER_HZ) and hears_no(heard.external, heard.rate, STAFF_HZ)
    assert hears(heard.staff, heard.rate, STAFF_HZ) and hears_no(heard.staff, heard.rate, CALLER_HZ)

    assert call.direction is Direction.INBOUND and call.outcome is Outcome.ANSWERED
    assert (call.extension, call.facility) == ("2101", "shiba")
    assert [each.complete for each in call.announcements] == [True]
    assert call.announcements[0].finished_at is not None and call.answered_at is not None
    assert call.announcements[0].finished_at <= call.answered_at

    manifest = system.manifest(kept)
    assert manifest["audio"]["sha256"] == kept.sha256
    head = system.app.store.head(kept.key)
    assert head.sha256 == kept.sha256, "the server's own checksum"
    assert head.retain_until is not None and kept.retain_until is not None
    assert abs(head.retain_until - kept.retain_until) < timedelta(seconds=1)
    assert kept.state is Custody.ARCHIVED
    system.wait_until_clean()


def test_recording_begins_with_the_first_word(system: SystemUnderTest, begin: datetime) -> None:
    """Both tracks; and of what the caller was given to hear nothing is missing."""
    with system.rule("automatic"):
        caller = system.caller("0311110020").dial("2101", Sound(CALLER_HZ))
        staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
        talk_for([staff, caller], 1.5)
        caller.hangup()
        found = system.recording_of("+81311110020", begin)
    assert found.recording is not None and found.call.answered_at is not None
    (segment,) = system.manifest(found.recording)["capture"]["segments"]
    late = (first_sample(segment) - found.call.answered_at).total_seconds()
    assert late < START_SECONDS, f"the first sample came {late:.3f} s after the bridge"
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, CALLER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)
    said, kept = len(voiced(caller.heard())) / caller.rate, len(voiced(heard.staff)) / heard.rate
    assert kept > said - START_SECONDS, f"{kept:.3f} s of the {said:.3f} s that the caller heard"


def test_outbound_call_is_announced_to_both_and_inside_the_recording(
    system: SystemUnderTest, begin: datetime
) -> None:
    with system.rule("automatic", announce="on-start"):
        phone, outside = system.phone("2101"), system.phone("outside")
        staff = phone.dial("0311110003")
        other = outside.pick_up()
        talk_for([staff, other], 8.0)
        other.hangup()
        staff.wait_ended()
        found = system.recording_of("+81311110003", begin)

    prompt = _prompt(system)
    assert likeness(prompt, staff.heard()) > 0.8, "staff heard it"
    assert likeness(prompt, other.heard()) > 0.8, "the other party heard it"
    assert found.recording is not None
    heard = system.listen(found.recording)
    assert likeness(prompt, heard.staff) > 0.8, "it is in what the other party was given to hear"
    assert is_silent(heard.external)
    assert found.call.direction is Direction.OUTBOUND
    assert (found.call.extension, found.call.dialled) == ("2101", "0311110003")
    assert [each.complete for each in found.call.announcements] == [True]
    assert found.recording.announced


def test_outbound_call_keeps_both_voices_apart(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"):
        staff = system.phone("2102").dial("0311110004", Sound(STAFF_HZ))
        other = system.phone("outside").pick_up(Sound(CALLER_HZ))
        talk_for([staff, other], 2.0)
        staff.hangup()
        found = system.recording_of("+81311110004", begin)
    assert found.recording is not None
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, CALLER_HZ) and hears_no(heard.external, heard.rate, STAFF_HZ)
    assert hears(heard.staff, heard.rate, STAFF_HZ) and hears_no(heard.staff, heard.rate, CALLER_HZ)


def test_internal_call(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic", direction="internal"):
        caller = system.phone("2101").dial("2201", Sound(CALLER_HZ))
        called = system.phone("2201").pick_up(Sound(STAFF_HZ))
        talk_for([caller, called], 2.0)
        called.hangup()
        found = system.recording_of("2101", begin)
    assert found.recording is not None
    heard = system.listen(found.recording)
    assert hears(heard.external, heard.rate, CALLER_HZ), "left is the caller"
    assert hears(heard.staff, heard.rate, STAFF_HZ), "right is the one called"
    assert found.call.direction is Direction.INTERNAL
    assert (found.call.extension, found.call.facility) == ("2201", "azabu")
    for extension in ("2101", "2201"):
        done = system.callrec("search", "today", "--extension", extension, "--json")
        assert found.recording.id in done.stdout, "either of them finds it"


@pytest.mark.parametrize("scope", ["everywhere", "facility", "extension"])
def test_never_leaves_nothing_anywhere(system: SystemUnderTest, begin: datetime, scope: str) -> None:
    number = {"everywhere": "0311110005", "facility": "0311110006", "extension": "0311110007"}[scope]
    target = {"everywhere": None, "facility": "shiba", "extension": "2101"}[scope]
    before = system.settled_keys()
    with system.rules({"mode": "automatic"}, {"mode": "never", "scope": scope, "target": target}):
        caller = system.caller(number).dial("2101", Sound(CALLER_HZ))
        staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
        talk_for([staff], 1.5)
        names = [each.name for each in system.app.pbx.channels()]
        assert not [name for name in names if name.startswith("Snoop")]
        assert not list((system.demo.home / "pbx/spool/recording").rglob("*.wav*"))
        caller.hangup()
        call = system.call_of("+81" + number[1:], begin)
    assert call.outcome is Outcome.ANSWERED
    assert call.decision is not None and call.decision.mode is Mode.NEVER
    assert call.decision.reason == "never"
    assert system.settled_keys() == before


def test_without_a_rule_nothing_is_recorded_and_the_call_says_so(
    system: SystemUnderTest, begin: datetime
) -> None:
    with system.rule("automatic", scope="facility", target="azabu"):
        caller = system.caller("0311110008").dial("2101", Sound(CALLER_HZ))
        staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
        talk_for([staff], 1.0)
        caller.hangup()
        call = system.call_of("+81311110008", begin)
    assert call.decision is not None
    assert (call.decision.mode, call.decision.rule, call.decision.reason) == (Mode.NEVER, None, "no-rule")


def test_unanswered_call(system: SystemUnderTest, begin: datetime) -> None:
    before = system.settled_keys()
    with system.rule("automatic"):
        caller = system.caller("0311110009").dial("2101")
        staff = system.phone("2101").wait_ring()
        caller.hangup()
        staff.wait_ended()
        call = system.call_of("+81311110009", begin)
    assert call.outcome is Outcome.UNANSWERED and call.answered_at is None
    assert system.settled_keys() == before
    done = system.callrec("search", "today", "--number", "0311110009", "--all-calls", "--json")
    assert '"outcome": "unanswered"' in done.stdout


def test_busy_call(system: SystemUnderTest, begin: datetime) -> None:
    before = system.settled_keys()
    with system.rule("automatic"):
        caller = system.caller("0311110010").dial("2101")
        system.phone("2101").wait_ring().reject()
        caller.wait_ended()
        call = system.call_of("+81311110010", begin)
    assert "486" in caller.close_reason, "the caller is told by signalling, the call was never answered"
    assert call.outcome is Outcome.BUSY
    assert system.settled_keys() == before


def test_wideband_call_is_captured_at_16_khz(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"):
        caller = system.caller("0311110011", codecs=(WIDEBAND,)).dial(WIDEBAND_PHONE, Sound(5500.0))
        staff = system.phone(WIDEBAND_PHONE).pick_up(Sound(6500.0))
        talk_for([staff, caller], 2.0)
        caller.hangup()
        found = system.recording_of("+81311110011", begin)
    assert found.recording is not None
    heard = system.listen(found.recording)
    assert heard.rate == 16000
    assert hears(heard.external, heard.rate, 5500.0), "a tone that 8 kHz could not carry"
    assert hears(heard.staff, heard.rate, 6500.0)


@pytest.mark.alone
def test_twenty_calls_at_once_are_not_mixed_up(system: SystemUnderTest, begin: datetime) -> None:
    tones = {f"03222200{i:02}": 300.0 + 50 * i for i in range(20)}
    outside = {number: system.caller(number) for number in tones}
    with system.rule("automatic"):
        phone = system.phone("2101")
        callers = {number: outside[number].dial("2101", Sound(tones[number])) for number in tones}
        answered = [phone.pick_up(Sound(2000.0)) for _ in callers]
        for talk in callers.values():
            talk.wait_established()
        talk_for([*callers.values(), *answered], 3.0)
        for talk in callers.values():
            talk.hangup()
        found = {number: system.recording_of("+81" + number[1:], begin, 40) for number in tones}
    for number, hertz in tones.items():
        kept = found[number].recording
        assert kept is not None
        heard = system.listen(kept)
        assert hears(heard.external, heard.rate, hertz), number
        others = [other for other in tones.values() if other != hertz]
        assert not any(hears(heard.external, heard.rate, other) for other in others), number
        assert hears(heard.staff, heard.rate, 2000.0)
    system.wait_until_clean()


@pytest.mark.parametrize("system", ["sqlite"], indirect=True)
def test_fetched_file_is_the_recording(system: SystemUnderTest, tmp_path: Path) -> None:
    id_ = system.record_call("0311110013", 1.5).id
    for kind in ("flac", "wav", "mp3", "opus"):
        done = system.callrec("fetch", id_[:13], "-o", str(tmp_path), "--format", kind)
        assert done.returncode == 0, done.stderr
        sound, rate = soundfile.read(tmp_path / f"{id_}.{kind}", dtype="int16", always_2d=True)
        assert hears(sound[:, 0], rate, CALLER_HZ) and hears(sound[:, 1], rate, STAFF_HZ)
    refused = system.callrec("fetch", id_, "-o", str(tmp_path), "--request", "R-7")
    assert refused.returncode == 4 and "there is no request R-7" in refused.stderr
    done = system.callrec("fetch", id_, "-o", str(tmp_path), "--clip", "0:00.5..0:01", "--format", "wav")
    assert done.returncode == 0, done.stderr
    assert soundfile.info(done.stdout.strip()).duration == pytest.approx(0.5, abs=0.001)
    tried = try_on_full_disk(
        tmp_path / "full",
        2,
        *("--config", str(system.demo.config), "fetch", id_, "-o", str(tmp_path / "full")),
    )
    assert (tried.code, tried.left, tried.again) == (1, [], 0) and "the disk is full" in tried.complaint
    assert {each.suffix for each in tried.made.iterdir()} == {".flac", ".json"}
    shown = system.callrec("show", id_)
    # Written down before the first byte goes out: so is the one for which the disk had no room.
    assert "芝地区総合支所" not in shown.stderr and shown.stdout.count("fetched") == 7
    assert (tmp_path / f"{id_}.manifest.json").exists()
