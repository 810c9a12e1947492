"""Sound that is not there, though the PBX reports nothing: it is looked for, noted and told in the status."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from callrec.catalogue.finding import SearchHit
from callrec.demo.softphones import Sound, Talk
from tests.integration.sip import AnsweringPhone, SipCall
from tests.integration.system import Heard, SystemUnderTest, eventually, talk_for
from tests.listen import is_silent

GIB = 1 << 30


@pytest.fixture(autouse=True)
def _seen(system: SystemUnderTest) -> Iterator[None]:
    """What other tests have left to be told is not told here, nor what these leave in others."""
    system.callrec("status", "--seen")
    yield
    system.wait_until_clean()
    system.callrec("status", "--seen")


def _call(system: SystemUnderTest, number: str, **speaks: Any) -> SipCall:
    """A call of staff to the outside, from a phone that speaks in this way."""
    pbx = system.demo.pbx
    return SipCall(pbx.ports.sip, "2101", pbx.sip_passwords["2101"], number, **speaks)


@contextmanager
def _talking(system: SystemUnderTest, number: str, **speaks: Any) -> Iterator[Talk]:
    """Such a call while somebody outside talks; ends it."""
    answered: list[Talk] = []
    line = system.phone("outside")
    waiting = threading.Thread(target=lambda: answered.append(line.pick_up(Sound(500))))
    waiting.start()
    with _call(system, number, **speaks):
        waiting.join()
        yield answered[0]


def _problems(system: SystemUnderTest) -> list[str]:
    """What `callrec status` says is wrong."""
    done = system.callrec("status", "--json")
    problems: list[str] = json.loads(done.stdout)["problems"]
    assert done.returncode == (1 if problems else 0)
    return [each for each in problems if each not in system.standing]


def _has_been_announced(system: SystemUnderTest) -> bool:
    """Whether the PBX has reported the end of the announcement in the call under way."""
    told = [each.call.announcements for each in system.app.spool.checkpoints()]
    return any(each.finished_at for announcements in told for each in announcements)


def _notes(found: SearchHit) -> list[str]:
    return [each.text for each in found.call.notes]


def _heard(system: SystemUnderTest, found: SearchHit) -> Heard:
    assert found.recording is not None
    return system.listen(found.recording)


def test_an_announcement_that_nobody_heard_is_not_complete(system: SystemUnderTest, begin: datetime) -> None:
    """Staff's phone sends no packets: there is nothing into which the announcement could be mixed."""
    with system.rule("automatic", announce="on-start", languages=("en",)):
        with _talking(system, "0311180001", mute=True) as outside:
            eventually(lambda: _has_been_announced(system), what="the end of the announcement")
        found = system.recording_of("+81311180001", begin)
    (played,) = found.call.announcements
    assert played.finished_at is not None and not played.complete and played.in_recording is False
    assert found.recording is not None and not found.recording.announced
    assert is_silent(outside.heard()) and is_silent(_heard(system, found).staff)
    assert "announcement notice was played, but not found in the recording" in _notes(found)
    assert "played, not found in the recording" in system.callrec("show", found.call.id).stdout
    assert any("was played, but not found" in each and found.call.id in each for each in _problems(system))


def test_a_side_that_is_silent_is_noted(system: SystemUnderTest, begin: datetime) -> None:
    """A phone whose microphone sends digital silence: as a codec that the PBX cannot decode."""
    with system.rule("automatic"):
        with _talking(system, "0311180002") as outside:
            talk_for([outside], 3.6)
        found = system.recording_of("+81311180002", begin)
    (note,) = _notes(found)
    assert note.startswith("no sound of what the recorded party heard, from second 0.0 to ")
    (problem,) = _problems(system)
    assert "has no sound in 1 calls of the last day" in problem and found.call.id in problem
    assert note in system.callrec("show", found.call.id).stdout
    system.callrec("status", "--seen")
    assert not _problems(system), "somebody has seen it"


@pytest.mark.parametrize("system", ["sqlite"], indirect=True)
def test_a_codec_that_the_pbx_cannot_decode(system: SystemUnderTest, begin: datetime) -> None:
    with (
        _allowing(system, "g729"),
        system.rule("automatic"),
        AnsweringPhone(system.demo.pbx.ports.sip, "outside", "g729") as answering,
        _dialled_at(system, "0311180003", answering.port),
    ):
        row = _doctor(system, "PBX: codecs")
        assert not row["ok"] and "may speak g729, which the PBX cannot decode" in str(row["found"])
        with _call(system, "0311180003", codec="g729"):
            eventually(lambda: answering.seconds() > 3.6, what="the talk")
        found = system.recording_of("+81311180003", begin)
    heard = _heard(system, found)
    assert is_silent(heard.external) and is_silent(heard.staff)
    assert [each.split(",")[0] for each in _notes(found)] == [
        "no sound of the recorded party",
        "no sound of what the recorded party heard",
    ]
    assert [found.call.id in each for each in _problems(system)] == [True]
    assert _doctor(system, "PBX: codecs")["ok"]


@contextmanager
def _dialled_at(system: SystemUnderTest, number: str, port: int) -> Iterator[None]:
    """The dialplan has a number that is reached at this port."""
    dial = f"Dial(PJSIP/outside/sip:outside@127.0.0.1:{port},20,tT)"
    for priority, step in enumerate([f"Gosub(callrec-gate,s,1(outbound,2101,{number}))", dial], 1):
        system.demo.pbx.cli(f"dialplan add extension {number},{priority},{step} into from-phones")
    yield
    system.demo.pbx.cli(f"dialplan remove extension {number}@from-phones")


@contextmanager
def _allowing(system: SystemUnderTest, codec: str) -> Iterator[None]:
    """Phones and the line may speak one more codec."""
    file = system.demo.home / "pbx/etc/pjsip.conf"
    text = file.read_text()
    file.write_text(re.sub(r"(?m)^allow = ", f"allow = {codec},", text))
    system.demo.pbx.cli("module reload res_pjsip.so")
    try:
        yield
    finally:
        file.write_text(text)
        system.demo.pbx.cli("module reload res_pjsip.so")


def _doctor(system: SystemUnderTest, part: str, **environment: str) -> dict[str, object]:
    """A row of `callrec doctor`."""
    rows = json.loads(system.callrec("doctor", "--json", **environment).stdout)
    (row,) = [each for each in rows if each["part"] == part]
    return dict(row)


def test_an_announcement_that_the_pbx_cannot_read(system: SystemUnderTest, begin: datetime) -> None:
    """The PBX does not see the folder that callrec does: the call is recorded, people are told at once."""
    elsewhere = {"CALLREC_PROMPTS__PBX_DIRECTORY": "/nowhere"}
    row = _doctor(system, "announcements", **elsewhere)
    assert not row["ok"] and "cannot read" in str(row["found"]) and "/nowhere/" in str(row["found"])
    with system.restarted_with(**elsewhere), system.rule("automatic", announce="before-connect"):
        caller = system.caller("0311180004").dial("2101", Sound(500))
        staff = system.phone("2101").wait_ring()
        (problem,) = eventually(lambda: _problems(system), what="the problem, while it rings")
        staff.sound = Sound(1000)
        staff.answer()
        talk_for([staff, caller], 1.0)
        caller.hangup()
        found = system.recording_of("+81311180004", begin)
    assert "the PBX could not play the announcement in 1 calls" in problem and found.call.id in problem
    assert not any(each.complete for each in found.call.announcements)
    assert "announcement notice could not be played by the PBX" in _notes(found)
    assert _doctor(system, "announcements")["ok"]


@pytest.mark.parametrize("system", ["sqlite"], indirect=True)
@pytest.mark.parametrize("gib", [2, 4])
def test_a_file_whose_length_the_pbx_miscounts_is_read_on(system: SystemUnderTest, gib: int) -> None:
    """Of 2 GiB and more Content-Length is negative, of 4 GiB and more too small; what comes is not."""
    path = system.demo.home / "pbx/spool/recording/callrec/long.wav"
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.truncate(gib * GIB + 100_000)  # takes no disk
    try:
        said, chunks = system.app.pbx.stream("callrec/long")
        came = 0
        while came < 1_000_000:
            came += len(next(chunks))
        chunks.close()
        assert said == (100_000 if gib == 4 else 100_000 - 2 * GIB), "as long as this is so"
        assert system.app.pbx.stored_size("callrec/long") == (gib * GIB + 100_000) % (4 * GIB)
    finally:
        path.unlink()
