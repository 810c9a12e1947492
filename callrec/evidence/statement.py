"""A statement: what was done after the call, signed, as it lies in the bucket for good.

What changes how a recording is kept or found (hold, longer retention, incident, note, destruction) lies
beside the recording; what is about a request lies under `requests/`. Statements are only ever added. Together
with manifests and anchors they say all that the catalogue says; who puts them there, and makes the catalogue
of them, is the matter of callrec.evidence.statements and callrec.evidence.rebuilding.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as checked

from callrec.errors import EvidenceBroken
from callrec.evidence.form import Form

SCHEMA: Literal["callrec-statement/1"] = "callrec-statement/1"
REQUESTS = "requests/"


@checked(frozen=True, slots=True, config=ConfigDict(extra="forbid", defer_build=True))
class Statement:
    """Something that was done, by whom and when."""

    schema: Literal["callrec-statement/1"]
    id: str
    """A UUID of version 7: statements of one subject follow one another by it."""
    recording_id: str
    """The recording it is about; empty of what is about a request."""
    request: str
    """The number of the request it is about; empty of what is about a recording alone."""
    action: str
    """What was done, as the custody log names it."""
    at: datetime
    who: str
    details: dict[str, Any]
    key_id: str = ""
    signature: str = ""


_FORM = Form(
    Statement,
    lambda problem: EvidenceBroken("the document is no statement: {problem}", problem=problem),
)
write, read = _FORM.write, _FORM.read


def folder(audio_key: str) -> str:
    """Returns how the keys of the statements about a recording begin: beside its sound."""
    return f"{audio_key.removesuffix('.flac')}.statements/"
