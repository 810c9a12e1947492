"""Why there is no recording, said of real calls; and what is given of one that there is: redacted, or by a
link."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pytest
import requests
import soundfile
from pydantic import SecretStr

from callrec import ids
from callrec.app import App
from callrec.archive.s3 import S3Store
from callrec.catalogue import custody
from callrec.catalogue.calls import ArchivedRecording
from callrec.demo.s3 import PURGE
from callrec.demo.softphones import Sound
from callrec.desk.operation import Operation, perform
from callrec.desk.operations import requests as operations
from callrec.evidence.absence_document import Absence, read
from callrec.model.access import Caller, Through
from callrec.model.calls import CallRecord
from callrec.model.captures import Track
from callrec.model.requests import RequestKind
from tests.integration.system import Heard, SystemUnderTest, eventually, talk_for
from tests.listen import hears, hears_no, is_silent
from tests.unit.bench import make_bench
from tests.unit.samples import DECISION, captured_call, segment

P = ParamSpec("P")
T = TypeVar("T")
NUMBERS = {"manual": "0311160001", "never": "0311160002", "standby": "0311160003", "automatic": "0311160004"}
CALLER_HZ, STAFF_HZ, TONE_HZ = 500, 1000, 440
LOCK_S = 1.5
on_one_database = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
"""For what is the same on all of them."""


def _outside(number: str) -> str:
    return "+81" + number[1:]


def _call(system: SystemUnderTest, number: str, seconds: float = 0.5) -> None:
    caller = system.caller(number).dial("2101", Sound(CALLER_HZ))
    staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
    talk_for([staff], seconds)
    caller.hangup()


def _is_over(system: SystemUnderTest, mode: str, begin: datetime) -> CallRecord:
    """The row of the call of a mode, once nothing more becomes of it."""

    def look() -> CallRecord | None:
        found = [each for each in system.calls_since(begin) if each.call.number == _outside(NUMBERS[mode])]
        if not found or not found[0].call.outcome:
            return None
        waits = {"standby": not found[0].call.discarded_at, "automatic": not found[0].recording}
        return None if waits.get(mode) else found[0].call

    return eventually(look, what=f"the row of the call by rule {mode}")


def _destroyed(system: SystemUnderTest, tmp_path: Path) -> str:
    """The id of a call of three days ago, whose recording was archived, and destroyed when its time was
    over."""
    store: Any = system.app.store
    bench = make_bench(tmp_path, system.app.database, store, timedelta(seconds=LOCK_S))
    id_, call_id, begin = ids.new(), ids.new(), system.app.now - timedelta(days=3)
    end = begin + timedelta(seconds=2)
    tracks = [Track(f"callrec/{id_}-1-{side}", begin, end) for side in ("external", "staff")]
    for track in tracks:
        bench.track(track.name, 500, 2.0)
    talk = {"id": call_id, "started_at": begin, "answered_at": begin, "ended_at": end}
    talk |= {"decision": replace(DECISION, retain_days=1)}
    segments = (segment(external=tracks[0], staff=tracks[1]),)
    bench.spool.hand_over(
        captured_call(recording_id=id_, segments=segments, started_at=begin, ended_at=end, call=talk)
    )
    bench.archiver.work()
    keys = system.demo.s3.keys[PURGE]
    archive = system.app.settings.archive.model_copy(
        update={"access_key": SecretStr(keys.access_key), "secret_key": SecretStr(keys.secret_key)}
    )
    purging = App(system.app.settings.model_copy(update={"archive": archive}))
    try:
        eventually(lambda: _purged(purging, id_), what="the end of the lock")
    finally:
        purging.close()
    return call_id


def _purged(here: App, recording_id: str) -> bool:
    purge = here.purge()
    wanted = [each for each in purge.verdicts() if each.recording.id == recording_id]
    return [each.outcome.value for each in purge.destroy(iter(wanted))] == ["destroyed"]


def _page(system: SystemUnderTest, path: Path, *scope: str) -> tuple[str, Absence]:
    """What stands on a page, and the document in it, once the commands on the page have verified both."""
    done = system.callrec("absence", *scope, "-o", str(path))
    assert done.returncode == 0, done.stderr
    html, folder = path.read_text("utf-8"), path.with_suffix("")
    folder.mkdir()
    shutil.copy(path, folder / "FILE.html")
    for key in system.app.settings.evidence.keys.glob("*.pem"):
        shutil.copy(key, folder)
    commands = unescape(html.partition('<pre id="commands">\n')[2].partition("</pre>")[0])
    told = subprocess.run(
        ["bash", "-e"], input=commands, cwd=folder, capture_output=True, text=True, check=True
    )
    page, said, signature = told.stdout.splitlines()
    assert page.split()[0] in said and signature == "Signature Verified Successfully"
    text = unescape(html.partition("<body>")[2].partition("<script")[0])
    return text, read((folder / "document.json").read_bytes(), system.app.keys.public)


@pytest.mark.parametrize("system", ["postgresql"], indirect=True)
def test_each_call_is_named_with_why_it_has_a_recording_or_none(
    system: SystemUnderTest, begin: datetime, tmp_path: Path
) -> None:
    lost = _destroyed(system, tmp_path / "bench")
    rules = [
        {"mode": mode, "scope": "caller", "target": _outside(number)} for mode, number in NUMBERS.items()
    ]
    with system.rules(*rules) as added:
        for number in NUMBERS.values():
            _call(system, number)
        made = {mode: _is_over(system, mode, begin) for mode in NUMBERS}
    since = f"{begin - timedelta(days=4):%Y-%m-%d}"
    scope = ("--extension", "2101", "--from", since, "--to", "now")
    text, document = _page(system, tmp_path / "page.html", *scope)
    found = {each.id: each for each in document.calls}
    reasons = {mode: [each.reason.value for each in found[call.id].findings] for mode, call in made.items()}
    assert reasons == {
        "manual": ["no-key"],
        "never": ["never"],
        "standby": ["discarded"],
        "automatic": ["kept"],
    }
    states = {mode: found[call.id].status.value for mode, call in made.items()}
    assert states == dict.fromkeys(NUMBERS, "absent") | {"automatic": "exists"}
    (gone,) = found[lost].findings
    assert (gone.reason, gone.because, found[lost].status) == ("destroyed", "rule", "absent")
    assert gone.custody_row and gone.at and gone.at > begin
    assert "Statement on recordings of calls" in text, "for one is there"
    for each in added:
        assert f"Rule {each.id}@1" in text
    assert f"Recording {gone.recording_id} was destroyed at" in text
    kept = system.recording_of(_outside(NUMBERS["automatic"]), begin).recording
    assert kept and f"the archive has recording {kept.id}" in text
    assert not [number for number in NUMBERS.values() if number[1:] in text], "nobody asked about a number"
    assert document.custody.is_whole and document.limits.controller_running and document.limits.link_up
    assert document.limits.unreadable == ()
    with system.app.database.read() as connection:
        rows = [each for each in custody.of(connection, "") if each.action == "absence-stated"]
    data = (tmp_path / "page/document.json").read_bytes()
    assert rows[-1].details["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_call_that_never_was(system: SystemUnderTest, begin: datetime, tmp_path: Path) -> None:
    span = ("--from", "yesterday", "--to", "now")
    text, document = _page(system, tmp_path / "page.html", "--number", "03-9999-8888", *span)
    assert document.calls == () and document.asked.number == "+81399998888"
    assert "Statement that there is no recording of calls" in text
    assert "callrec knows of no such call in this time." in text and "+81399998888" in text


# --- what is given of a recording


@pytest.fixture(scope="module")
def kept(system: SystemUnderTest) -> ArchivedRecording:
    return system.record_call("0311160005", 4.0)


@pytest.fixture(scope="module")
def request_number(system: SystemUnderTest, kept: ArchivedRecording) -> str:
    """The number of an approved request that lists the recording."""

    def ask(who: str, wanted: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return perform(wanted, system.app, Caller(who, frozenset(), Through.DIRECT), *args, **kwargs)

    number = ask("sato", operations.open_request, RequestKind.DISCLOSURE, "本人").number
    ask("sato", operations.add_to_request, number, [kept.id])
    ask("tanaka", operations.approve_request, number)
    return number


@pytest.fixture
def redacted(system: SystemUnderTest, kept: ArchivedRecording, tmp_path: Path) -> Path:
    """The folder with a redaction of it, as it was fetched: a tone for a second on the left, and later
    silence on both."""
    (tmp_path / "spans.toml").write_text(
        '[[span]]\nfrom = "0:01"\nto = "0:02"\ntrack = "external"\nwith = "tone"\n'
        '[[span]]\nfrom = "0:02.5"\nto = "0:03"\n'
    )
    made = system.callrec(
        "redact", kept.id, "--spans", str(tmp_path / "spans.toml"), "--ground", "法第78条第1項第2号"
    )
    assert made.returncode == 0, made.stderr
    return tmp_path


@on_one_database
def test_a_redaction_covers_what_was_asked_for_and_nothing_else(
    system: SystemUnderTest, kept: ArchivedRecording, request_number: str, redacted: Path
) -> None:
    fetched = ("fetch", kept.id, "--request", request_number, "-o", str(redacted))
    assert system.callrec(*fetched).returncode == 0
    assert system.callrec(*fetched, "--redaction", "1").returncode == 0
    before, rate = soundfile.read(redacted / f"{kept.id}.flac", dtype="int16", always_2d=True)
    after, _ = soundfile.read(redacted / f"{kept.id}.redacted-1.flac", dtype="int16", always_2d=True)
    covered = np.zeros(before.shape, bool)
    covered[rate : 2 * rate, 0] = covered[5 * rate // 2 : 3 * rate] = True
    assert before.shape == after.shape and (before[~covered] == after[~covered]).all()
    heard = Heard(after[:, 0], after[:, 1], rate)
    beep, speech = heard.external[rate : 2 * rate], heard.staff[rate : 2 * rate]
    assert hears(beep, rate, TONE_HZ) and hears_no(beep, rate, CALLER_HZ) and hears(speech, rate, STAFF_HZ)
    assert is_silent(heard.external[5 * rate // 2 : 3 * rate])
    assert is_silent(heard.staff[5 * rate // 2 : 3 * rate])
    assert hears(heard.external[3 * rate :][: rate // 2], rate, CALLER_HZ)
    assert (before[covered] != 0).any(), "there was something to cover"
    said = json.loads((redacted / f"{kept.id}.redacted-1.manifest.json").read_bytes())
    assert said["original_sha256"] == kept.sha256 and said["schema"] == "callrec-redaction/1"
    data = (redacted / f"{kept.id}.redacted-1.flac").read_bytes()
    assert hashlib.sha256(data).hexdigest() == said["audio"]["sha256"]
    assert system.callrec("verify", kept.id).returncode == 0, "the recording is as it was"
    base = kept.key.removesuffix(".flac")
    for name in ("flac", "manifest.json"):
        there = system.s3.head_object(Bucket=system.demo.s3.bucket, Key=f"{base}.redacted/1.{name}")
        until = there["ObjectLockRetainUntilDate"]
        assert kept.retain_until and until >= kept.retain_until.replace(microsecond=0)


def _get(url: str) -> tuple[int, bytes]:
    answer = requests.get(url, timeout=10)
    return answer.status_code, answer.content


@on_one_database
def test_a_link_gives_the_recording_until_it_expires(
    system: SystemUnderTest, kept: ArchivedRecording, request_number: str
) -> None:
    link = ("link", kept.id, "--request", request_number)
    (url,) = system.callrec(*link).stdout.splitlines()
    over = {"Bucket": system.demo.s3.bucket, "Key": kept.key, "Body": b"put over it"}
    system.s3.put_object(**over)
    status, data = _get(url)
    assert status == 200 and hashlib.sha256(data).hexdigest() == kept.sha256, "the version that was proved"
    other = system.app.settings.archive.model_copy(update={"secret_key": SecretStr("another")})
    assert _get(S3Store(other).presigned(kept.key, kept.version, 60))[0] == 403
    assert _get(url.replace(kept.id[-4:], "0000", 1))[0] == 403
    (short,) = system.callrec(*link, "--expires", "5s").stdout.splitlines()
    assert _get(short)[0] == 200
    eventually(lambda: _get(short)[0] == 403, what="the end of the link")
    refused = system.callrec("link", kept.id, "--request", "2026-9999")
    assert refused.returncode == 4 and not refused.stdout
