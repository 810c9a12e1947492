"""An announcement in one language: its words, and the files that say them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

RATES = {8000: "wav", 16000: "wav16"}
"""The sample rates (Hz) in which every announcement and tone is there, and the endings of their files."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One announcement in one language, as prompts.toml of a library describes it."""

    name: str
    """The announcement's name, which rules give: the same in every language."""
    language: str
    """Two letters of ISO 639, such as ``ja``."""
    text: str
    """The words."""
    voice: str
    """The voice that speaks them."""
    licence: str
    """The licence of the voice."""
    seconds: float
    """The length of the sound."""
    sha256: dict[int, str]
    """SHA-256, in hexadecimal, of the file of each sample rate (Hz)."""
    file: str = ""
    """What its files are called, without an ending. Empty: like the announcement."""

    @property
    def text_sha256(self) -> str:
        """SHA-256 of the words in UTF-8, in hexadecimal: by it a manifest tells which were announced."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def stem(self) -> str:
        """What its files are called, without an ending."""
        return self.file or self.name


@dataclass(frozen=True, slots=True)
class PlayableSound:
    """What becomes the sound of an announcement: as the PBX plays it."""

    files: dict[int, bytes]
    """A WAV for each sample rate (Hz)."""
    seconds: float
    """How long it is."""
