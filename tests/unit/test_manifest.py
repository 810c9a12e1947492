"""Manifests of all versions are read; those of today are signed; what is none is refused in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callrec import manifest
from callrec.errors import EvidenceBroken
from callrec.evidence.keys import PublicKeyRing, SigningKey
from callrec.manifest import (
    AnnouncedWords,
    AudioFacts,
    ClockState,
    Manifest,
    Placement,
    RuleText,
    Software,
)
from callrec.model.calls import DecisionChange, FeatureCode, KeyPress, KeyResult, remark
from callrec.model.captures import KeptBecause, Silence, SilenceReason, Track
from callrec.signing import canonical, opened
from tests.unit.samples import DECISION, END, RECORDING_ID, START, call, captured_call, segment

VERSION_1 = """
{
  "schema": "callrec-manifest/1",
  "recording_id": "01a20000-0000-7000-8000-000000000001",
  "facility_name": "芝地区総合支所",
  "call": {
    "id": "01a20000-0000-7000-8000-00000000000a", "pbx": "pbx", "linkedid": "1.0",
    "direction": "inbound", "facility": "shiba", "extension": "2101", "number": "+81312345678",
    "dialled": "2101", "started_at": "2026-11-22T01:00:00Z", "answered_at": "2026-11-22T01:00:02Z",
    "ended_at": "2026-11-22T01:00:12Z", "outcome": "answered",
    "decision": {
      "mode": "automatic", "announce": "none", "languages": ["ja"], "prompt": "notice", "retain_days": 90,
      "retain_incident_days": 1827, "rule": 1, "version": 1, "reason": "facility", "considered": [],
      "beep_s": null
    },
    "participants": [],
    "announcements": [],
    "notes": [{
      "text": "the call went on in call 7", "template": "the call went on in call {keys}",
      "values": {"keys": "7"}
    }],
    "keys": [{
      "id": "1.1-1-3.0", "key": "keep", "effect": "started", "channel": "1.1", "extension": "2101",
      "at": "2026-11-22T01:00:03Z"
    }],
    "turns": [{
      "at": "2026-11-22T01:00:06Z", "extensions": ["2102"],
      "decision": {
        "mode": "automatic", "announce": "none", "languages": ["ja"], "prompt": "notice", "retain_days": 90,
        "retain_incident_days": 1827, "rule": 1, "version": 1, "reason": "facility", "considered": [],
        "beep_s": null
      }
    }],
    "incident": false, "discarded_at": null
  },
  "capture": {
    "recording_id": "01a20000-0000-7000-8000-000000000001", "started_at": "2026-11-22T01:00:02Z",
    "kept_because": "key",
    "parts": [{
      "number": 1, "channel": "1.0",
      "external": {
        "name": "callrec/r-1-external", "started_at": "2026-11-22T01:00:02Z",
        "finished_at": "2026-11-22T01:00:12Z", "failed": null
      },
      "staff": {
        "name": "callrec/r-1-staff", "started_at": "2026-11-22T01:00:02Z", "finished_at": null,
        "failed": "it ended"
      },
      "requested_at": null, "standby": false
    }],
    "gaps": [], "ended_at": "2026-11-22T01:00:12Z",
    "pauses": [{"started_at": "2026-11-22T01:00:05Z", "finished_at": null, "reason": "key"}]
  },
  "placements": [{"part": 1, "offset_s": 0.0, "duration_s": 10.0, "missing": ["staff"]}],
  "audio": {
    "format": "flac", "sample_rate": 8000, "channels": 2, "frames": 80000,
    "pcm_sha256": "aaaa", "sha256": "bbbb", "size": 100
  },
  "tracks": ["external party", "staff"],
  "incident": false,
  "retain_until": "2027-02-20T01:00:12Z",
  "software": {"callrec": "0.1", "pbx": "22.10.1", "libsndfile": "1.2.2"},
  "created_at": "2026-11-22T01:00:20Z"
}
""".encode()
"""As version 1 wrote it, but for the spaces."""


def sample() -> Manifest:
    """The same recording in the names of today."""
    made = call(
        participants=(),
        notes=(remark("the call went on in call {keys}", keys="7"),),
        key_presses=(
            KeyPress(
                "1.1-1-3.0", FeatureCode.KEEP, KeyResult.STARTED, "1.1", "2101", START + timedelta(seconds=3)
            ),
        ),
        decision_changes=(DecisionChange(START + timedelta(seconds=6), ("2102",), DECISION),),
    )
    began = START + timedelta(seconds=2)
    broken = segment(staff=Track("callrec/r-1-staff", began, None, "it ended"))
    captured = captured_call(
        segments=(broken,),
        kept_because=KeptBecause.KEY,
        silences=(Silence(START + timedelta(seconds=5), None, SilenceReason.PRIVACY),),
    )
    return Manifest(
        schema=manifest.SCHEMA,
        recording_id=RECORDING_ID,
        facility_name="芝地区総合支所",
        call=made,
        capture=captured.capture,
        placements=(Placement(1, 0.0, 10.0, ("staff",)),),
        audio=AudioFacts("flac", 8000, 2, 80000, "aaaa", "bbbb", 100),
        tracks=("external party", "staff"),
        incident=False,
        retain_until=END + timedelta(days=90),
        software=Software("0.1", "22.10.1", "1.2.2"),
        created_at=START + timedelta(seconds=20),
    )


def plain(**changes: Any) -> dict[str, Any]:
    """Version 1 as plain JSON."""
    found: dict[str, Any] = json.loads(VERSION_1)
    return {**found, **changes}


VERSION_2 = """
{
  "schema": "callrec-manifest/2", "recording_id": "01a20000-0000-7000-8000-000000000001",
  "facility_name": "芝地区総合支所",
  "call": {
    "id": "01a20000-0000-7000-8000-00000000000a", "pbx": "pbx", "linkedid": "1.0",
    "direction": "inbound", "facility": "shiba", "extension": "2101", "number": "+81312345678",
    "dialled": "2101", "started_at": "2026-11-22T01:00:00Z", "answered_at": "2026-11-22T01:00:02Z",
    "ended_at": "2026-11-22T01:00:12Z", "outcome": "answered",
    "decision": {
      "mode": "automatic", "announce": "none", "languages": ["ja"], "prompt": "notice",
      "retain_days": 90, "retain_incident_days": 1827, "rule": 1, "version": 1, "reason": "facility",
      "considered": [], "beep_s": null, "unannounced": "record"
    },
    "participants": [], "announcements": [],
    "notes": [
      {
        "text": "the call went on in call 7", "template": "the call went on in call {keys}",
        "values": {"keys": "7"}
      }
    ],
    "key_presses": [
      {
        "id": "1.1-1-3.0", "key": "keep", "result": "started", "channel": "1.1", "extension": "2101",
        "at": "2026-11-22T01:00:03Z"
      }
    ],
    "decision_changes": [
      {
        "at": "2026-11-22T01:00:06Z", "extensions": ["2102"],
        "decision": {
          "mode": "automatic", "announce": "none", "languages": ["ja"], "prompt": "notice",
          "retain_days": 90, "retain_incident_days": 1827, "rule": 1, "version": 1,
          "reason": "facility", "considered": [], "beep_s": null, "unannounced": "record"
        }
      }
    ],
    "incident": false, "discarded_at": null, "unannounced_at": null
  },
  "capture": {
    "recording_id": "01a20000-0000-7000-8000-000000000001", "started_at": "2026-11-22T01:00:02Z",
    "kept_because": "key",
    "segments": [
      {
        "number": 1, "channel": "1.0",
        "external": {
          "name": "callrec/r-1-external", "started_at": "2026-11-22T01:00:02Z",
          "finished_at": "2026-11-22T01:00:12Z", "failed": null, "closed_at": null, "unwatched": false
        },
        "staff": {
          "name": "callrec/r-1-staff", "started_at": "2026-11-22T01:00:02Z", "finished_at": null,
          "failed": "it ended", "closed_at": null, "unwatched": false
        },
        "requested_at": null, "standby": false
      }
    ],
    "gaps": [], "ended_at": "2026-11-22T01:00:12Z",
    "silences": [{"started_at": "2026-11-22T01:00:05Z", "finished_at": null, "reason": "key"}]
  },
  "placements": [{"segment": 1, "offset_s": 0.0, "duration_s": 10.0, "missing": ["staff"]}],
  "audio": {
    "format": "flac", "sample_rate": 8000, "channels": 2, "frames": 80000, "pcm_sha256": "aaaa",
    "sha256": "bbbb", "size": 100
  },
  "tracks": ["external party", "staff"], "incident": false, "retain_until": "2027-02-20T01:00:12Z",
  "software": {"callrec": "0.1", "pbx": "22.10.1", "libsndfile": "1.2.2"},
  "created_at": "2026-11-22T01:00:20Z"
}
""".encode()
"""As version 2 wrote it, but for the spaces."""
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"sample" + b"." * 26))
RING = PublicKeyRing({KEY.key_id: KEY.public_key})


def whole() -> Manifest:
    """One with all that version 3 says."""
    return replace(
        sample(),
        facilities=("azabu", "shiba"),
        rules=(RuleText(1, 1, '[[rule]]\nmode = "automatic"  # 自動\n', START, "sato"),),
        announced=(AnnouncedWords("notice", "ja", "ab" * 32, "この通話は録音されます。"),),
        clocks=ClockState(START, True, 0.0021, 1.0, -1.0),
    )


def test_what_is_written_is_read() -> None:
    assert manifest.read(manifest.write(sample())) == sample()
    signed = manifest.sign(whole(), KEY)
    assert manifest.read(manifest.write(signed)) == signed and signed.is_signed


def test_what_is_signed_is_the_file_itself() -> None:
    """Also after it was read, which drops what does not matter to us, and written again."""
    signed = manifest.sign(whole(), KEY)
    data = manifest.write(signed)
    found = opened(data, RING)
    assert canonical(found) == data == manifest.write(manifest.read(data))
    assert (found["key_id"], found["signature"]) == (signed.key_id, signed.signature)
    assert found["rules"][0]["text"].endswith("# 自動\n") and found["clocks"]["pbx_offset_s"] == -1.0


def test_what_was_signed_once_is_verified_for_ever() -> None:
    """Whatever later versions of callrec write: the file is that of the first which signed."""
    data = (Path(__file__).parent / "manifest-3.json").read_bytes()
    assert opened(data, RING)["schema"] == "callrec-manifest/3"
    assert manifest.read(data) == manifest.sign(whole(), KEY)


def test_a_signature_is_of_one_manifest() -> None:
    signed = manifest.sign(whole(), KEY)
    for other in (replace(signed, incident=True), replace(signed, rules=()), replace(signed, clocks=None)):
        with pytest.raises(EvidenceBroken, match="does not fit"):
            opened(manifest.write(other), RING)
    assert manifest.sign(signed, KEY) == signed, "signed anew, it is the same"


def test_version_2_is_read_and_is_not_signed() -> None:
    found = manifest.read(VERSION_2)
    assert found == sample() and not found.is_signed and found.clocks is None


def test_version_1_is_read_in_the_names_of_today() -> None:
    assert manifest.read(VERSION_1) == sample()


def test_version_1_said_by_an_empty_text_that_nothing_keeps_a_recording() -> None:
    found = plain(capture={**plain()["capture"], "kept_because": ""})
    assert manifest.read(json.dumps(found).encode()).capture.kept_because is None


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (json.dumps(plain(schema="callrec-manifest/4")).encode(), "schema: write one of"),
        (json.dumps(plain(capture=None)).encode(), "capture: "),
        (json.dumps(plain(call={"keys": [None]})).encode(), "call."),
        (json.dumps(plain(more=1)).encode(), "more: "),
        (manifest.write(sample()).replace(b'"key_presses"', b'"keys"'), "call.keys: "),
        (b"[]", "JSON: a table belongs there"),
        (b"\xff", "JSON: "),
        (VERSION_1[:-20], "JSON: "),
    ],
)
def test_what_is_no_manifest_is_refused_in_one_line(data: bytes, problem: str) -> None:
    with pytest.raises(EvidenceBroken) as refused:
        manifest.read(data)
    assert problem in str(refused.value) and "\n" not in str(refused.value)
