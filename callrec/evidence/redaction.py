"""A redaction: what was covered in a second file of a recording, by whom and on what ground, signed.

It lies beside the recording for good, with the file it is about. Who makes and finds them is the matter of
callrec.evidence.redactions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as checked

from callrec.catalogue.custody import Entry
from callrec.errors import EvidenceBroken, NotFound
from callrec.evidence.form import Form
from callrec.evidence.spans import Span
from callrec.manifest import AudioFacts

SCHEMA: Literal["callrec-redaction/1"] = "callrec-redaction/1"
ACTION = "redacted"
"""What the custody log says of it."""


@checked(frozen=True, slots=True)
class CoveredSpan:
    """A stretch in which the file does not have what the recording has."""

    begin_s: float
    """Seconds from the beginning of the recording, as they were asked for."""
    end_s: float
    begin_frame: int
    """The first sample of each track that may differ, counted from 0."""
    end_frame: int
    """The first sample after it that does not."""
    track: Literal["external", "staff", "both"]
    """`external` is left in the file, `staff` right."""
    cover: Literal["silence", "tone"]
    """What is heard in its place."""


@checked(frozen=True, slots=True, config=ConfigDict(extra="forbid", defer_build=True))
class Redaction:
    """A second file of a recording in which some spans are covered. All other samples are those of the
    recording, which was read back and proved before, and stays as it is."""

    schema: Literal["callrec-redaction/1"]
    recording_id: str
    number: int
    """Counts the redactions of the recording, from 1; one may be missing where making it was interrupted."""
    spans: tuple[CoveredSpan, ...]
    ground: str
    """Why it was covered, as the person who did it says."""
    request: str
    """The number of the request it was made for; empty without one."""
    made_at: datetime
    made_by: str
    original_sha256: str
    """SHA-256 of the recording's file."""
    original_pcm_sha256: str
    """SHA-256 of its samples."""
    original_manifest_sha256: str
    audio: AudioFacts
    """The file in which they are covered."""
    software: str
    key_id: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class PlacedRedaction:
    """A redaction that is in the bucket, as the custody log has it."""

    number: int
    ground: str
    sha256: str
    manifest_sha256: str
    key: str
    version: str | None
    manifest_version: str | None

    @property
    def manifest_key(self) -> str:
        return self.key.removesuffix(".flac") + ".manifest.json"

    @property
    def hashes(self) -> tuple[str, str]:
        """The SHA-256 of the sound and of the manifest."""
        return self.sha256, self.manifest_sha256

    def details(self) -> dict[str, Any]:
        """Returns it as the custody log has it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be covered, and why."""

    spans: Sequence[Span]
    ground: str
    request: str
    who: str
    at: datetime


_FORM = Form(
    Redaction,
    lambda problem: EvidenceBroken("the document is no redaction: {problem}", problem=problem),
)
write, read = _FORM.write, _FORM.read


def folder(audio_key: str) -> str:
    """Returns how the keys of the redactions of a recording begin: beside its sound."""
    return f"{audio_key.removesuffix('.flac')}.redacted/"


def placed(entries: Iterable[Entry]) -> list[PlacedRedaction]:
    """Returns the redactions that the custody log of a recording says were made, in order."""
    return [_of(each.details) for each in entries if each.action == ACTION]


def find(entries: Iterable[Entry], number: int, recording_id: str) -> PlacedRedaction:
    """Returns the redaction of a number. Raises NotFound."""
    found = [each for each in placed(entries) if each.number == number]
    if not found:
        raise NotFound(
            "recording {id} has no redaction {number}: see callrec show {id}", id=recording_id, number=number
        )
    return found[0]


def _of(details: dict[str, Any]) -> PlacedRedaction:
    named: dict[str, Any] = {name: details.get(name) for name in PlacedRedaction.__dataclass_fields__}
    return PlacedRedaction(**named)
