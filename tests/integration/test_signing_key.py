"""The key that signs: what it signs is verified without callrec, and nothing is lost while it is gone."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callrec import signing
from callrec.catalogue import custody
from callrec.catalogue.calls import ArchivedRecording
from callrec.demo.processes import Child
from callrec.demo.softphones import Sound, Talk
from callrec.evidence.keys import KeyFolder
from callrec.signing import opened
from tests.integration.system import SystemUnderTest, eventually, talk_for

NUMBER = "0311170001"
pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)


def _connected(system: SystemUnderTest) -> tuple[Talk, Talk]:
    """Somebody outside, and staff who have answered."""
    caller = system.caller(NUMBER).dial("2101", Sound(500))
    return caller, system.phone("2101").pick_up(Sound(1000))


@pytest.fixture(scope="module")
def kept(system: SystemUnderTest) -> ArchivedRecording:
    """The recording of a call that was announced."""
    begin = system.app.now
    with system.rule("automatic", announce="on-start", languages=("en",)):
        caller, staff = _connected(system)
        eventually(lambda: _is_announced(system), what="the end of the announcement")
        talk_for([staff], 0.5)
        caller.hangup()
        found = system.recording_of("+81" + NUMBER[1:], begin).recording
    assert found
    return found


def _is_announced(system: SystemUnderTest) -> bool:
    calls = [each.call for each in system.app.spool.checkpoints()]
    return any(each.complete for call in calls for each in call.announcements)


def _manifest(system: SystemUnderTest, kept: ArchivedRecording) -> bytes:
    """As it lies in the bucket."""
    found: bytes = system.s3.get_object(Bucket=system.demo.s3.bucket, Key=kept.manifest_key)["Body"].read()
    return found


def test_a_manifest_says_what_a_court_needs(system: SystemUnderTest, kept: ArchivedRecording) -> None:
    found: dict[str, Any] = json.loads(_manifest(system, kept))
    decision = found["call"]["decision"]
    (rule,) = found["rules"]
    assert (rule["rule"], rule["version"]) == (decision["rule"], decision["version"])
    assert 'mode = "automatic"' in rule["text"] and 'announce = "on-start"' in rule["text"]
    (announced,) = found["announced"]
    assert announced["text"] == system.app.library.get("notice", "en").text
    assert announced["text_sha256"] == found["call"]["announcements"][0]["text_sha256"]
    clocks = found["clocks"]
    assert abs(clocks["store_offset_s"]) <= 2 and abs(clocks["pbx_offset_s"]) <= 2
    assert clocks["synchronised"] in (True, False) and found["facilities"] == ["shiba"]
    assert opened(_manifest(system, kept), system.app.keys.public)


def _by_openssl(folder: Path, manifest: bytes, key: bytes) -> subprocess.CompletedProcess[str]:
    """The commands that callrec.signing tells, as they stand there."""
    (folder / "FILE.json").write_bytes(manifest)
    (folder / "KEY.pem").write_bytes(key)
    commands = re.findall(r"^    (\S.*)$", signing.__doc__ or "", re.MULTILINE)
    assert len(commands) == 3
    script = "\n".join(["set -e", *commands])
    return subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, check=False)


def test_its_signature_verifies_with_plain_openssl(
    system: SystemUnderTest, kept: ArchivedRecording, tmp_path: Path
) -> None:
    manifest = _manifest(system, kept)
    key = (system.app.keys.folder / f"{json.loads(manifest)['key_id']}.pem").read_bytes()
    done = _by_openssl(tmp_path, manifest, key)
    assert done.returncode == 0 and "Signature Verified Successfully" in done.stdout, done
    for forged in (manifest.replace(b"+8131117", b"+8131118", 1), manifest.replace(b"2101", b"2102", 1)):
        assert forged != manifest and _by_openssl(tmp_path, forged, key).returncode == 1


@contextmanager
def _gone(keys: KeyFolder) -> Iterator[None]:
    """The signing key is somewhere else."""
    away = keys.folder / "away"
    keys.signing_file.rename(away)
    try:
        yield
    finally:
        away.rename(keys.signing_file)


def test_a_key_that_goes_during_a_call_is_told_before_its_end_and_loses_nothing(
    system: SystemUnderTest, begin: datetime
) -> None:
    keys = system.app.keys
    told = f"the signing key {keys.signing_file} is not there: put it back, or make one: callrec evidence key"
    with system.rule("automatic"):
        caller, staff = _connected(system)
        with _gone(keys):
            eventually(lambda: _told(system, told), what="the problem")
            assert not staff.ended.is_set(), "the call goes on"
            shown, checked = system.callrec("status"), system.callrec("doctor")
            assert shown.returncode == 1 and told in _unfolded(shown.stdout)
            assert checked.returncode == 1 and told in _unfolded(checked.stdout + checked.stderr)
            talk_for([staff], 0.5)
            caller.hangup()
            eventually(lambda: _told(system, told) and system.app.spool.waiting())
            assert not any(each.recording for each in system.calls_since(begin)), (
                "it is not archived unsigned"
            )
        kept = system.recording_of("+81" + NUMBER[1:], begin).recording
    assert kept and opened(_manifest(system, kept), keys.public)
    assert system.callrec("verify", kept.id).returncode == 0
    eventually(lambda: not _told(system, told), what="its end")


def _told(system: SystemUnderTest, problem: str) -> bool:
    return any(each.startswith(problem) for each in system.status()["problems"])


def _unfolded(text: str) -> str:
    return " ".join(text.split())


def test_a_new_key_signs_at_once_and_the_old_one_verifies(
    system: SystemUnderTest, kept: ArchivedRecording
) -> None:
    """Nothing is restarted."""
    old = system.app.keys.signer().key_id
    done = system.callrec("evidence", "key", "new")
    assert done.returncode == 0 and "next: back up" in done.stdout, done
    new = system.app.keys.signer().key_id
    listed = json.loads(system.callrec("evidence", "key", "list", "--json").stdout)
    assert [each["key_id"] for each in listed if each["signs"]] == [new] and new != old
    later = system.record_call("0311170002")
    assert json.loads(_manifest(system, later))["key_id"] == new
    for each in (kept, later):
        assert opened(_manifest(system, each), system.app.keys.public)
        assert system.callrec("verify", each.id).returncode == 0
    with system.app.database.read() as connection:
        entries = [each for each in custody.of(connection, "") if each.action == "key-made"]
    assert entries[-1].details["key"] == new and entries[-1].who == system.app.who


def test_the_records_of_keys_are_in_the_bucket_under_lock(system: SystemUnderTest) -> None:
    keys = system.app.keys
    for key_id in keys.key_ids():
        name = {"Bucket": system.demo.s3.bucket, "Key": f"evidence/keys/{key_id}.json"}
        found = system.s3.get_object(**name)
        assert found["Body"].read() == keys.record_bytes(key_id)
        assert found["ObjectLockRetainUntilDate"] > system.app.now + timedelta(days=3652)
        assert found["ObjectLockMode"] == "GOVERNANCE"


# --- what is secret


def _secrets(system: SystemUnderTest) -> dict[str, str]:
    """All that nobody may see of this system, by what it is."""
    s3, pbx = system.demo.s3, system.demo.pbx
    (private,) = [
        line for line in system.app.keys.signing_file.read_text().splitlines() if not line.startswith("---")
    ]
    return {
        "the private key": private,
        "the S3 secret of the demo": s3.secret_key,
        **{f"the S3 secret of {name}": each.secret_key for name, each in s3.keys.items()},
        "the ARI password": pbx.ari_password,
        "the AMI password": pbx.ami_password,
    }


def _shown(text: str, secrets: dict[str, str]) -> list[str]:
    return [what for what, secret in secrets.items() if secret in text]


def test_no_process_shows_a_secret(system: SystemUnderTest, kept: ArchivedRecording) -> None:
    """Everybody on the machine sees arguments; the environment goes to each child."""
    demo, secrets = system.demo, _secrets(system)
    children = [demo.pbx.child, demo.s3.child, demo.controller, demo.desk]
    for child in children:
        assert isinstance(child, Child)
        for name in ("cmdline", "environ"):
            text = Path(f"/proc/{child.pid}/{name}").read_text("utf-8", "replace")
            assert not _shown(text, secrets), f"{name} of {child.name}"


def test_no_log_shows_a_secret(system: SystemUnderTest, kept: ArchivedRecording) -> None:
    secrets = _secrets(system)
    for log in (system.demo.home / "controller.log", system.demo.home / "desk.log"):
        text = log.read_text("utf-8", "replace")
        assert text and not _shown(text, secrets), log.name


def test_a_broken_key_shows_nothing_of_itself(
    system: SystemUnderTest, kept: ArchivedRecording, tmp_path: Path
) -> None:
    """Whoever looks for the fault is told more, but not that."""
    keys, secrets = KeyFolder(tmp_path), _secrets(system)
    whole = system.app.keys.signing_file.read_bytes()
    keys.signing_file.write_bytes(whole[:-40])
    keys.signing_file.chmod(0o600)
    environment = {"CALLREC_DEBUG": "1", "CALLREC_EVIDENCE__KEYS": str(tmp_path)}
    for command in (["evidence", "key", "list"], ["evidence", "key", "new"], ["doctor"]):
        done = system.callrec(*command, **environment)
        said = done.stdout + done.stderr
        assert done.returncode in (1, 2) and str(keys.signing_file) in _unfolded(said), said
        assert "Traceback" not in said
        assert not _shown(said, {**secrets, "a part of the key": secrets["the private key"][16:48]})
