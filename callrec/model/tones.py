"""The tones that tell staff what their key did, and the consent beep.

| what happened | what staff hear |
| --- | --- |
| recording started, the call is kept, the call was marked | two tones, rising: 880, 1320 Hz |
| recording stopped | two tones, falling: 1320, 880 Hz |
| the pause began | two equal tones: 660 Hz |
| the pause ended | two tones, rising from where the pause was: 660, 1100 Hz |
| help was called | three high tones: 1760 Hz |
| refused | one longer, low tone: 350 Hz, the lowest that every telephone passes on |

The consent beep, which both parties hear, is 1400 Hz for a fifth of a second, as is usual for telephones.

The low tone has whole waves in a packet of 20 ms: one that is lost does not cut it in two.

They are files, made by prompts/tones.py: of ARI's ``tone:`` Asterisk never tells that it is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from callrec.model.calls import KeyResult

Steps = tuple[tuple[int, float], ...]
"""Hertz (0: silence) and seconds, one after the other."""

FOLDER = "tones"
BEEP = "beep"
_GAP = (0, 0.03)

TONES: dict[str, Steps] = {
    "started": ((880, 0.09), _GAP, (1320, 0.12)),
    "stopped": ((1320, 0.09), _GAP, (880, 0.12)),
    "paused": ((660, 0.09), _GAP, (660, 0.12)),
    "resumed": ((660, 0.09), _GAP, (1100, 0.12)),
    "help": ((1760, 0.09), _GAP, (1760, 0.09), _GAP, (1760, 0.12)),
    "refused": ((350, 0.3),),
    BEEP: ((1400, 0.2),),
}
"""What each file sounds like, by its name."""


def name_of(result: KeyResult) -> str:
    """The file of a result. A key that changes nothing is answered by the tone of what is so already: see
    recording.tones, which never asks for UNCHANGED."""
    match result:
        case KeyResult.STARTED | KeyResult.KEPT | KeyResult.MARKED | KeyResult.UNCHANGED:
            return "started"
        case KeyResult.STOPPED:
            return "stopped"
        case KeyResult.PAUSED:
            return "paused"
        case KeyResult.RESUMED:
            return "resumed"
        case KeyResult.HELP_SENT:
            return "help"
        case KeyResult.REFUSED:
            return "refused"
        case _:
            assert_never(result)


def seconds(result: KeyResult) -> float:
    """The length of the tone of a result."""
    return sum(length for _, length in TONES[name_of(result)])


@dataclass(frozen=True, slots=True)
class Tones:
    """The tones of one PBX."""

    folder: str
    """The folder in which the PBX has the announcements."""

    def media(self, result: KeyResult) -> str:
        """The tone of a result, as ARI plays it."""
        return self._media(name_of(result))

    @property
    def beep(self) -> str:
        """The consent beep, as ARI plays it."""
        return self._media(BEEP)

    def _media(self, name: str) -> str:
        return f"sound:{self.folder}/{FOLDER}/{name}"
