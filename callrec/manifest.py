"""The evidence beside a recording: who, when, why, what was announced, and the hashes of the sound.

A manifest is JSON, described by a versioned JSON Schema (docs/manifest.schema.json, made from these
types). Reading and checking only; where it is kept is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from callrec.errors import EvidenceBroken
from callrec.model.calls import CallRecord
from callrec.model.captures import Capture

SCHEMA: Literal["callrec-manifest/1"] = "callrec-manifest/1"


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """What a file of sound is. `pcm_sha256`: of the 16-bit little-endian samples, left, right, left …"""

    format: str
    sample_rate: int
    channels: int
    frames: int
    pcm_sha256: str
    sha256: str
    size: int

    @property
    def duration_s(self) -> float:
        return self.frames / self.sample_rate


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one part of the capture stands in the file. Seconds."""

    segment: int
    offset_s: float
    duration_s: float
    missing: tuple[str, ...] = ()
    """Tracks of which the PBX had no sound: silence stands in for them."""


@dataclass(frozen=True, slots=True)
class Software:
    callrec: str
    pbx: str
    libsndfile: str


@checked(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Manifest:
    """The manifest of one recording. Times are UTC with offset."""

    schema: Literal["callrec-manifest/1"]
    recording_id: str
    facility_name: str
    call: CallRecord
    capture: Capture
    placements: tuple[Placement, ...]
    audio: AudioFacts
    tracks: tuple[str, str]
    incident: bool
    retain_until: datetime
    software: Software
    created_at: datetime


_ADAPTER = TypeAdapter(Manifest)


def write(manifest: Manifest) -> bytes:
    """The manifest as UTF-8 JSON."""
    return _ADAPTER.dump_json(manifest, indent=2) + b"\n"


def read(data: bytes) -> Manifest:
    """The manifest in `data`. Raises EvidenceBroken when it is none."""
    try:
        return _ADAPTER.validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise EvidenceBroken(
            "the manifest cannot be read: {key}: {problem}",
            key=".".join(map(str, first["loc"])),
            problem=first["msg"],
        ) from error


def schema() -> dict[str, Any]:
    """The JSON Schema of a manifest."""
    return {"$id": SCHEMA, **_ADAPTER.json_schema()}


def differences(manifest: Manifest, found: AudioFacts) -> list[str]:
    """What of the sound is not as the manifest says; empty when the recording is whole and untouched."""
    names = ("format", "sample_rate", "channels", "frames", "pcm_sha256", "sha256", "size")
    return [
        f"{name}: {getattr(manifest.audio, name)} in the manifest, {getattr(found, name)} in the file"
        for name in names
        if getattr(manifest.audio, name) != getattr(found, name)
    ]
