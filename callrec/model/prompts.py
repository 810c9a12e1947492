"""An announcement in one language: its words, and the files that say them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompt:
    """One announcement in one language. `sha256` holds the hash of the file of each rate (Hz)."""

    name: str
    language: str
    text: str
    voice: str
    licence: str
    seconds: float
    sha256: dict[int, str]

    @property
    def text_sha256(self) -> str:
        """What a manifest keeps to prove which words were played."""
        return hashlib.sha256(self.text.encode()).hexdigest()
