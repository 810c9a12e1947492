"""What a package is asked for: words that whoever asks the desk knows, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from callrec.archive.given import Clip
from callrec.model.requests import Request

PackedKind = Literal["flac", "wav"]
"""The formats that a package may have: those that lose nothing."""


@dataclass(frozen=True, slots=True)
class Order:
    """For what request a package is made, by whom, and how the sounds are to be."""

    request: Request
    by: str
    kind: PackedKind
    clip: Clip | None
    left_out: tuple[str, ...]
    """Recordings that the request lists, and that were destroyed since."""
