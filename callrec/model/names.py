"""What a shell completes: names and ids of what there is, by kinds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NameKind(StrEnum):
    """What something is that has a name."""

    ACCOUNT = "account"
    """Who has a role: an account, or ``@group``."""
    CALL = "call"
    """A call: by its recordings, else by its own id."""
    COPY = "copy"
    """A copy that was handed over."""
    ENDPOINT = "endpoint"
    """A phone of the PBX."""
    EXTENSION = "extension"
    FACILITY = "facility"
    PROMPT = "prompt"
    RECORDING = "recording"
    """A recording that is in the archive."""
    REQUEST = "request"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Named:
    """Something that there is: what is typed for it, and a few words by which people know it."""

    name: str
    about: str
