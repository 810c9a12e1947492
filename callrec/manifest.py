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
from pydantic_core import from_json

from callrec.errors import EvidenceBroken
from callrec.model.calls import CallRecord
from callrec.model.captures import Capture

SCHEMA: Literal["callrec-manifest/2"] = "callrec-manifest/2"
VERSION_1 = "callrec-manifest/1"
RENAMED: dict[tuple[str, ...], dict[str, str]] = {
    ("call",): {"keys": "key_presses", "turns": "decision_changes"},
    ("call", "key_presses"): {"effect": "result"},
    ("capture",): {"parts": "segments"},
    ("placements",): {"part": "segment"},
}
"""By the place in a manifest: what was named otherwise in version 1, and its name since."""


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

    schema: Literal["callrec-manifest/2"]
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
    """The manifest in `data`, of version 1 too. Raises EvidenceBroken when it is none."""
    try:
        return _ADAPTER.validate_python(_in_names_of_today(from_json(data)))
    except ValueError as error:
        key, problem = _first_problem(error)
        raise EvidenceBroken(
            "the manifest cannot be read: {key}: {problem}", key=key, problem=problem
        ) from error


def capture_of(manifest: dict[str, Any]) -> Capture:
    """The capture in a manifest that the catalogue has as plain JSON, of whichever version."""
    return TypeAdapter(Capture).validate_python(_in_names_of_today(manifest)["capture"])


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


def _in_names_of_today(found: Any) -> Any:
    """A manifest of version 1 as one of version 2; anything else as it is.

    Only in memory: what is archived is never written anew, so version 1 has to be read for ever.
    """
    if not isinstance(found, dict) or found.get("schema") != VERSION_1:
        return found
    return {**_renamed(found, ()), "schema": SCHEMA}


def _renamed(found: Any, place: tuple[str, ...]) -> Any:
    match found:
        case dict():
            names, values = RENAMED.get(place, {}), list[Any](found.values())
            named = [names.get(name, name) for name in map(str, found)]
            return {name: _renamed(value, (*place, name)) for name, value in zip(named, values, strict=True)}
        case list():
            return [_renamed(each, place) for each in found]
        case "" if place == ("capture", "kept_because"):
            return None
    return found


def _first_problem(error: ValueError) -> tuple[str, str]:
    """Where in a manifest something is wrong first, and what."""
    if not isinstance(error, ValidationError):
        return "JSON", str(error)
    first = error.errors()[0]
    return ".".join(map(str, first["loc"])) or "JSON", first["msg"]
