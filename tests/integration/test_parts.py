"""Wrong passwords, missing parts, and everything an admin meets when setting up."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import soundfile

from callrec.spool import version
from tests.integration.system import SystemUnderTest, eventually, frozen
from tests.listen import Samples, hears, likeness, voiced
from tests.unit.wave import tone, write_wav

NOWHERE = "http://127.0.0.1:1"
HERTZ = {"zh": 2300.0, "ko": 2900.0}
"""What stands for words in a language that the shipped voice does not speak."""
ALL_THREE = [("ja", True), ("zh", True), ("ko", True)]


def test_all_is_well(system: SystemUnderTest) -> None:
    system.callrec("status", "--seen")  # what tests before have left to be told
    done = system.callrec("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not system.problems() and system.callrec("status").returncode == bool(system.standing)


@pytest.mark.parametrize(
    ("variable", "value", "command", "code", "complaint"),
    [
        ("CALLREC_PBX__ARI_PASSWORD", "wrong", "serve", 3, "does not accept user callrec"),
        ("CALLREC_PBX__ARI_URL", NOWHERE + "/ari", "serve", 3, "the PBX does not answer"),
        ("CALLREC_CATALOGUE__URL", "sqlite:////nowhere/at/all.db", "serve", 3, "there is no database"),
        ("CALLREC_CATALOGUE__URL", "postgresql://x:hunter2@127.0.0.1:1/x", "search", 3, "does not answer"),
        ("CALLREC_CATALOGUE__URL", "nonsense", "search", 2, "is no database URL"),
        ("CALLREC_ARCHIVE__SECRET_KEY", "wrong", "verify", 3, "does not let us use bucket"),
        ("CALLREC_ARCHIVE__BUCKET", "nothing-here", "verify", 3, "there is no bucket nothing-here"),
        ("CALLREC_ARCHIVE__ENDPOINT_URL", NOWHERE, "verify", 3, "the S3 server does not answer"),
    ],
)
def test_a_part_that_cannot_be_used_is_one_line(
    system: SystemUnderTest,
    tmp_path: Path,
    variable: str,
    value: str,
    command: str,
    code: int,
    complaint: str,
) -> None:
    version.make(tmp_path)
    arguments = [command]
    if command == "search":
        arguments.append("today")
    if command == "verify":
        arguments.append(system.record_call("0311140009").id)
    done = system.callrec(*arguments, **{variable: value, "CALLREC_SPOOL__DIRECTORY": str(tmp_path)})
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert complaint in line and "hunter2" not in line and "wrong" not in line


@pytest.mark.parametrize(
    ("variable", "value", "part"),
    [
        ("CALLREC_PBX__AMI_PASSWORD", "wrong", "PBX: AMI"),
        ("CALLREC_PBX__ARI_PASSWORD", "wrong", "PBX: ARI"),
        ("CALLREC_ARCHIVE__BUCKET", "nothing-here", "archive"),
        ("CALLREC_PROMPTS__DIRECTORY", "/nowhere", "announcements"),
    ],
)
def test_doctor_names_the_part_that_is_ill(
    system: SystemUnderTest, variable: str, value: str, part: str
) -> None:
    done = system.callrec("doctor", "--json", **{variable: value})
    assert done.returncode == 1
    assert part in [row["part"] for row in json.loads(done.stdout) if not row["ok"]]


@pytest.mark.parametrize("system", ["sqlite"], indirect=True)
def test_doctor_ends_also_when_the_pbx_is_frozen(system: SystemUnderTest) -> None:
    """All that need it wait for it at once (how long all may take is test_run.py's matter)."""
    assert system.demo.pbx.child
    with frozen(system.demo.pbx.child):
        done = system.callrec("doctor", "--json")
    rows = {row["part"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 1 and rows["database"]["ok"] and rows["archive"]["ok"]
    assert "the PBX does not answer" in rows["PBX: ARI"]["found"] + rows["PBX: AMI"]["found"]


def test_doctor_sees_a_bucket_without_lock(system: SystemUnderTest) -> None:
    system.s3.create_bucket(Bucket="unlocked")
    done = system.callrec("doctor", "--json", CALLREC_ARCHIVE__BUCKET="unlocked")
    (row,) = [row for row in json.loads(done.stdout) if row["part"] == "archive"]
    assert not row["ok"] and "has no Object Lock" in row["found"]


@pytest.mark.parametrize("context", ["callrec-gate", "callrec-journal"])
def test_doctor_sees_a_dialplan_without_the_gate(system: SystemUnderTest, context: str) -> None:
    system.demo.pbx.cli(f"dialplan remove context {context}")
    try:
        row = _row(system, "PBX: includes")
        assert not row["ok"] and f"has no {context}" in row["found"]
    finally:
        system.demo.pbx.cli("dialplan reload")


def test_doctor_sees_a_pbx_that_cannot_record(system: SystemUnderTest) -> None:
    folder = system.demo.home / "pbx/spool/recording"
    system.wait_until_clean()
    folder.rename(folder.with_name("elsewhere"))
    try:
        row = _row(system, "PBX: recordings")
        assert not row["ok"] and "has no folder for recordings" in row["found"]
    finally:
        folder.with_name("elsewhere").rename(folder)


@pytest.mark.parametrize(
    ("rights", "found"),
    [
        ("write = reporting", "may not do StopMixMonitor:"),
        ("write = all", "may do Command, DBPut, MixMonitor, ModuleLoad, Originate, UpdateConfig, more than"),
    ],
)
def test_doctor_sees_an_ami_user_with_other_rights(system: SystemUnderTest, rights: str, found: str) -> None:
    file = system.demo.home / "pbx/etc/callrec/manager.conf"
    text = file.read_text()
    file.write_text(text.replace("write = reporting,call", rights))
    system.demo.pbx.cli("manager reload")
    try:
        row = _row(system, "PBX: AMI")
        assert not row["ok"] and found in row["found"]
    finally:
        file.write_text(text)
        system.demo.pbx.cli("manager reload")


@pytest.mark.parametrize("system", ["postgresql"], indirect=True)
def test_answering_first_is_heard_just_the_same(system: SystemUnderTest, begin: datetime) -> None:
    """With answer_first the call is answered before the announcement, and still counts as unanswered."""
    prompt = voiced(_sound(system.app.library.directory / "ja/notice.wav"))
    answering_first = system.restarted_with(CALLREC_PROMPTS__ANSWER_FIRST="true")
    with answering_first, system.rule("automatic", announce="before-connect"):
        caller = system.caller("0311140001").dial("2101")
        caller.wait_established()
        phone = system.phone("2101").wait_ring()
        assert likeness(prompt, caller.heard()) > 0.9
        phone.reject()
        caller.hangup()
        call = system.call_of("+81311140001", begin)
    assert call.outcome == "busy" and call.answered_at is None
    assert [each.complete for each in call.announcements] == [True]


@pytest.mark.parametrize("system", ["sqlite"], indirect=True)
def test_both_languages_are_played_one_after_the_other(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic", announce="before-connect", languages=("ja", "en")):
        caller = system.caller("0311140002").dial("2101")
        system.phone("2101").wait_ring()
        heard = caller.heard()
        caller.hangup()
        call = system.call_of("+81311140002", begin)
    for language in ("ja", "en"):
        assert likeness(voiced(_sound(system.app.library.directory / language / "notice.wav")), heard) > 0.9
    assert [(each.language, each.complete) for each in call.announcements] == [("ja", True), ("en", True)]


@pytest.mark.parametrize("system", ["sqlite"], indirect=True)
def test_languages_that_an_office_adds_are_played_by_callrec_and_by_the_fallback(
    system: SystemUnderTest, begin: datetime, tmp_path: Path
) -> None:
    for language, words in (("zh", "本次通话将被录音。"), ("ko", "이 통화는 녹음됩니다.")):
        source = write_wav(tmp_path / f"{language}.wav", tone(HERTZ[language], 1, 16000), 16000)
        added = ["--name", "short", "--language", language, "--text", words]
        assert system.callrec("prompt", "add", str(source), *added).returncode == 0
    rule = {"announce": "before-connect", "languages": ("ja", "zh", "ko"), "prompt": "short"}
    with system.rule("automatic", **rule):
        system.wait_for_mirror()
        _hears_all_three(system, "0311140021")
        call = system.call_of("+81311140021", begin)
        assert [(each.language, each.complete) for each in call.announcements] == ALL_THREE
        assert system.demo.controller is not None
        system.demo.controller.stop()
        _hears_all_three(system, "0311140022")
        system.demo.start_controller()
        call = system.call_of("+81311140022", begin)
    assert [(each.language, each.complete) for each in call.announcements] == ALL_THREE


def _hears_all_three(system: SystemUnderTest, number: str) -> None:
    """Somebody calls 2101, hears the announcement in Japanese, Chinese and Korean, and gives up."""
    caller = system.caller(number).dial("2101")
    system.phone("2101").wait_ring()
    heard = caller.heard()
    caller.hangup()
    assert likeness(voiced(_sound(system.app.library.directory / "ja/short.wav")), heard) > 0.9
    begins = [_first_second_of(heard, hertz) for hertz in HERTZ.values()]
    assert begins == sorted(begins), "one after the other"


def _first_second_of(heard: Samples, hertz: float) -> int:
    """At which sample a whole second of a tone begins, about."""
    step = 800
    starts = range(0, len(heard) - 7000, step)
    return next(at for at in starts if hears(heard[at : at + 7000], 8000, hertz))


def test_a_caller_who_hangs_up_during_the_announcement(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic", announce="before-connect"):
        caller = system.caller("0311140003").dial("2101")
        eventually(lambda: len(caller.heard()) > 8000, what="hearing the announcement")
        caller.hangup()
        call = system.call_of("+81311140003", begin)
    assert call.outcome == "unanswered"
    assert [each.complete for each in call.announcements] == [False]


@pytest.mark.parametrize("system", ["postgresql"], indirect=True)
def test_an_own_announcement_is_added_and_played_to_a_phone(system: SystemUnderTest, tmp_path: Path) -> None:
    source = write_wav(tmp_path / "own.wav", tone(700, 2, 44100), 44100)
    words = ["--name", "own", "--language", "ja", "--text", "録音しています。"]
    assert system.callrec("prompt", "add", str(source), *words).returncode == 0
    phone = system.phone("2102")
    assert system.callrec("prompt", "play", "own", "--to", "2102").returncode == 0
    talk = phone.pick_up()
    talk.wait_ended()
    heard = voiced(talk.heard())
    assert hears(heard, talk.rate, 700) and len(heard) > 1.5 * talk.rate
    system.wait_until_clean()
    silent = write_wav(tmp_path / "silent.wav", tone(700, 2, loud=0))
    nobody = system.callrec("prompt", "play", "own", "--to", "2999")
    assert nobody.returncode == 1 and "the PBX has no phone 2999" in nobody.stderr
    done = system.callrec("prompt", "add", str(silent), *words)
    assert done.returncode == 2 and "is silent" in done.stderr


def _row(system: SystemUnderTest, part: str) -> dict[str, Any]:
    """What doctor says of one part."""
    rows = json.loads(system.callrec("doctor", "--json").stdout)
    (row,) = [row for row in rows if row["part"] == part]
    return dict(row)


def _sound(path: Path) -> Samples:
    samples: Samples = soundfile.read(path, dtype="int16")[0]
    return samples
