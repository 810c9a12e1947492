"""Manifests of both versions are read; what is none is refused in one line."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from callrec import manifest
from callrec.errors import EvidenceBroken
from callrec.manifest import AudioFacts, Manifest, Placement, Software
from callrec.model.calls import DecisionChange, FeatureCode, KeyPress, KeyResult, remark
from callrec.model.captures import KeptBecause, Silence, SilenceReason, Track
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


def test_what_is_written_is_read() -> None:
    assert manifest.read(manifest.write(sample())) == sample()


def test_version_1_is_read_in_the_names_of_today() -> None:
    assert manifest.read(VERSION_1) == sample()


@pytest.mark.parametrize("written", [VERSION_1, manifest.write(sample())], ids=["version 1", "version 2"])
def test_the_capture_of_either_version(written: bytes) -> None:
    assert manifest.capture_of(json.loads(written)) == sample().capture


def test_version_1_said_by_an_empty_text_that_nothing_keeps_a_recording() -> None:
    found = plain(capture={**plain()["capture"], "kept_because": ""})
    assert manifest.capture_of(found).kept_because is None


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
