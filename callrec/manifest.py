"""Writes, reads and compares manifests: the evidence beside a recording of who, when, why, what was
announced, and the hashes of the sound.

A manifest is signed JSON (callrec.signing), described by a versioned JSON Schema: docs/manifest.schema.json,
which tests/reference.py makes of these types and their docstrings. The recording builder makes manifests;
where one is kept is not known here.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked
from pydantic_core import from_json

from callrec.errors import EvidenceBroken, Sentence
from callrec.model.calls import CallRecord
from callrec.model.captures import Capture
from callrec.signing import Signer, apart, canonical, signed
from callrec.wrong_values import words

SCHEMA: Literal["callrec-manifest/3"] = "callrec-manifest/3"  # decisions 14 and 19
KNOWN = tuple(f"callrec-manifest/{version}" for version in (1, 2, 3))
"""The versions that are read."""
RENAMED: dict[tuple[str, ...], dict[str, str]] = {
    ("call",): {"keys": "key_presses", "turns": "decision_changes"},
    ("call", "key_presses"): {"effect": "result"},
    ("capture",): {"parts": "segments", "pauses": "silences"},
    ("placements",): {"part": "segment"},
}
"""By the place in a manifest: what was named otherwise in version 1, and its name since."""


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """The sound file, as callrec read it back from its disk before it put it into the archive.

    Format, rate, channels and frames are what libsndfile told of it.
    """

    format: str
    """The format of the file: `flac`."""
    sample_rate: int
    """Samples per second and channel, in Hz: the highest of all tracks'; others were resampled to it."""
    channels: int
    """The number of channels: 2. Which is which stands in the manifest's `tracks`."""
    frames: int
    """Frames, each of one sample per channel. Divided by `sample_rate`, the duration in seconds."""
    pcm_sha256: str
    """SHA-256, in hexadecimal, of the decoded samples: 16-bit signed little-endian, left, right, left and so
    on, without header. The same for every lossless copy of the sound."""
    sha256: str
    """SHA-256, in hexadecimal, of the whole file as it was put into the archive, tags included."""
    size: int
    """The size of the file in bytes."""

    @property
    def duration_s(self) -> float:
        return self.frames / self.sample_rate


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a segment of the capture stands in the file. Computed by callrec when it wrote the file."""

    segment: int
    """The `number` of the segment."""
    offset_s: float
    """Where it begins, in seconds from the beginning of the file."""
    duration_s: float
    """How long it is in the file, in seconds. Up to a second of its end gave way to the next segment, where
    that began before it had ended."""
    missing: tuple[str, ...] = ()
    """The sides, `external` or `staff`, of which the PBX had no sound: that channel of the file is silent for
    the whole segment. Empty: both are there."""


@dataclass(frozen=True, slots=True)
class Software:
    """The versions of what made the recording."""

    callrec: str
    """The version of callrec that joined the file and wrote this manifest."""
    pbx: str
    """The version of Asterisk, as it told when the file was joined."""
    libsndfile: str
    """The version of the library that encoded the file and decoded it again for its hash."""


@dataclass(frozen=True, slots=True)
class RuleText:
    """A version of a rule, as callrec's catalogue had it when the file was joined. A version is never
    changed afterwards: a change of the rule makes another."""

    rule: int
    """The number of the rule."""
    version: int
    """Its version, from 1."""
    text: str
    """All that it says, as `callrec rule export` writes it (TOML): for whom and when it holds, and what is to
    be done."""
    changed_at: datetime
    """The moment at which this version was made; callrec's clock."""
    changed_by: str
    """Who made this version: an account of the machine."""


@dataclass(frozen=True, slots=True)
class AnnouncedWords:
    """The wording of an announcement of this call."""

    prompt: str
    """The name of the prompt, as in `call.announcements`."""
    language: str
    """Its language, as there."""
    text_sha256: str
    """The SHA-256 of the words in UTF-8, as there."""
    text: str
    """The words."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """How far the clocks that the times in this manifest are by were from others, when they were compared.

    An offset says how many seconds callrec's clock is ahead of the other.
    """

    measured_at: datetime
    """The moment at which the clocks were compared; callrec's clock."""
    synchronised: bool | None = None
    """Whether the kernel of callrec's machine says that its clock is set by a time server (NTP). Null: it
    does not say."""
    estimated_error_s: float | None = None
    """By how much that clock is off, in seconds: the kernel's own estimate. Null of a clock that is not set
    so."""
    store_offset_s: float | None = None
    """Against the clock of the S3 server, which tells whole seconds. Null: it did not tell."""
    pbx_offset_s: float | None = None
    """Against the clock of the PBX, which tells whole seconds. Null: it did not tell."""


@checked(frozen=True, slots=True, config=ConfigDict(extra="forbid", defer_build=True))
class Manifest:
    """Who spoke with whom and when, why the call was recorded, what was announced, which keys staff pressed,
    where the recording is silent or incomplete, and the hashes by which its sound is recognised.

    callrec writes the manifest of a recording once, when its sound file is finished, signs it, puts it into
    the archive beside the file (`….flac`, `….manifest.json`) and changes neither. What happens to the
    recording afterwards stands in the custody log. The SHA-256 of the manifest itself stands there too.

    The file is in the canonical form of RFC 8785. The signature is Ed25519 (RFC 8032) over the bytes of the
    file without its member `signature`. Manifests of version 1 and 2 are not signed.

    Times are in UTC, in the form of RFC 3339, with the offset written as `Z`. Each names its clock. The PBX's
    clock is that of the machine on which Asterisk ran: Asterisk stamps its events with it, to the
    millisecond, and its dialplan what that does while callrec is away. Where that clock is more than a minute
    away from the time that most clocks tell, or was set during a call, the times are reckoned: from that
    time, and for as long as the call lasted by a clock that nobody sets; `clocks` tells how far they were
    apart, and a note of the call that it was set. Something that callrec noticed only later, because it or
    its link to the PBX was away, has the time at which it noticed. callrec's clock is that of the machine on
    which callrec ran.

    The file is stereo. Left is what the external party said (of an internal call: the caller). Right is what
    that party heard: staff, and also announcements, music on hold and beeps.

    Two hashes are of the sound. Of the file: `sha256sum FILE.flac` must give `audio.sha256`. Of the samples
    alone: `ffmpeg -v error -i FILE.flac -f s16le - | sha256sum` must give `audio.pcm_sha256`.

    A moment is heard in the file at the moment less that of the first sample, which is the earlier
    `started_at` of the two tracks of the first segment, else that segment's `requested_at`, else
    `capture.started_at`. Where times of segments contradict one another by more than a second, nothing is
    cut and the later one comes after: `placements` tells where each stands.
    """

    schema: Literal["callrec-manifest/3"]
    """The version of this format. Version 1 named some properties otherwise, both it and version 2 are
    neither canonical nor signed; callrec reads all."""
    recording_id: str
    """The recording's id, given by callrec when it began to record: a UUID of version 7, whose first 48 bits
    are milliseconds since 1970 by callrec's clock; of a recording by the dialplan, by the PBX's. The names of
    the objects in the archive end with it."""
    facility_name: str
    """The name of the facility `call.facility`, from callrec's catalogue when the file was joined; its code
    where it had no name."""
    call: CallRecord
    """The call, as callrec knew it when it was over."""
    capture: Capture
    """What the PBX recorded of the call, and why it is kept."""
    placements: tuple[Placement, ...]
    """Where each segment of the capture stands in the file, in order. Between them the file is silent."""
    audio: AudioFacts
    """The sound file and its hashes."""
    tracks: tuple[str, str]
    """What the two channels of the file hold, left and right: `external party` and `staff`."""
    incident: bool
    """Whether the call is an incident, as `call.incident`. Later changes are not in the manifest."""
    retain_until: datetime
    """The moment until which the recording is to be kept: the end of the call and the days that
    `call.decision` says, 36,525 at most. Where no call can have ended then, because a clock was wrong, the
    days are counted from when this was written. Computed by callrec; later changes are not in the
    manifest."""
    software: Software
    """The versions of what made the recording."""
    created_at: datetime
    """The moment at which this manifest was written; callrec's clock."""
    facilities: tuple[str, ...] = ()
    """The codes of all facilities whose extensions took part in the call, as callrec's catalogue had them
    when the file was joined, in alphabetical order."""
    rules: tuple[RuleText, ...] = ()
    """The rules that decided about the call, with all that they say: that of `call.decision` first, then
    those of `call.decision_changes`."""
    announced: tuple[AnnouncedWords, ...] = ()
    """The words of the announcements of the call, each wording once. Of one that the library of prompts no
    longer had, there are none."""
    clocks: ClockState | None = None
    """How far the clocks were apart. Null in manifests of version 1 and 2, which did not say it."""
    key_id: str = ""
    """The key that signed this manifest: the first 16 hexadecimal digits of the SHA-256 of the 32 bytes of
    the public key."""
    signature: str = ""
    """The signature, 64 bytes in base64."""

    @property
    def is_signed(self) -> bool:
        return bool(self.signature)


@cache
def _manifests() -> TypeAdapter[Manifest]:
    # Made when it is first asked for: a search has nothing to do with manifests.
    return TypeAdapter(Manifest)


def load() -> None:
    """Makes what the first manifest would have to wait for."""
    _manifests().rebuild()


def sign(manifest: Manifest, signer: Signer) -> Manifest:
    """Returns the manifest with a signature by that key."""
    signature, _ = apart(signed(_plain(manifest), signer))
    return replace(manifest, key_id=signer.key_id, signature=base64.b64encode(signature).decode())


def write(manifest: Manifest) -> bytes:
    """Returns the manifest as JSON in canonical form."""
    return canonical(_plain(manifest))


def _plain(manifest: Manifest) -> dict[str, Any]:
    plain: dict[str, Any] = _manifests().dump_python(manifest, mode="json")
    return plain


def read(data: bytes) -> Manifest:
    """Returns the manifest in `data`, of whichever version. Raises EvidenceBroken when it is none.

    Whether its signature is right is not looked at here.
    """
    try:
        return _manifests().validate_python(_in_names_of_today(from_json(data)))
    except ValueError as error:
        raise _unreadable(error) from error


def require_manifest(recording_id: str, found: str, expected: str) -> None:
    """Raises EvidenceBroken unless the SHA-256 of a manifest is that of the one that was archived."""
    if found != expected:
        raise EvidenceBroken(
            "the manifest of {id} is not the one that was archived: SHA-256 {found}, not {expected}",
            id=recording_id,
            found=found,
            expected=expected,
        )


def require_sound(recording_id: str, found: str, expected: str) -> None:
    """Raises EvidenceBroken unless the SHA-256 of a sound file is that of the one that was archived."""
    if found != expected:
        raise EvidenceBroken(
            "the sound of {id} is not the one that was archived: SHA-256 {found}, not {expected}",
            id=recording_id,
            found=found,
            expected=expected,
        )


def differences(manifest: Manifest, found: AudioFacts) -> list[Sentence]:
    """Returns what of the sound is not as the manifest says; nothing when it is whole and untouched."""
    names = ("format", "sample_rate", "channels", "frames", "pcm_sha256", "sha256", "size")
    return [
        Sentence("{name}: {said} in the manifest, {found} in the file", name=name, said=said, found=is_so)
        for name in names
        if (said := getattr(manifest.audio, name)) != (is_so := getattr(found, name))
    ]


def _in_names_of_today(found: Any) -> Any:
    """Returns a manifest of an older version as one of today; anything else as it is.

    Only in memory: what is archived is never written anew, so all versions have to be read for ever.
    """
    # decision 14
    match found:
        case {"schema": "callrec-manifest/1"}:
            return {**_renamed(found, ()), "schema": SCHEMA}
        case {"schema": "callrec-manifest/2"}:
            return {**found, "schema": SCHEMA}
    return found


def _renamed(found: Any, place: tuple[str, ...]) -> Any:
    """Returns a value at this place in a manifest of version 1 with the names of today in it."""
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


def _unreadable(error: ValueError) -> EvidenceBroken:
    key, problem = _first_problem(error)
    return EvidenceBroken("the manifest cannot be read: {key}: {problem}", key=key, problem=problem)


def _first_problem(error: ValueError) -> tuple[str, object]:
    """Returns where in a manifest something is wrong first, and what."""
    if not isinstance(error, ValidationError):
        return "JSON", Sentence("it is no JSON, or not whole")
    first = error.errors()[0]
    return ".".join(map(str, first["loc"])) or "JSON", words(first)
