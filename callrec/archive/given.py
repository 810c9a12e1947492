"""What can be asked for of a recording, and what is said of the file that was made: who asks the desk knows
these words too, and needs no library of sound for them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from callrec.errors import WrongUsage

Kind = Literal["flac", "wav", "mp3", "opus"]
FORMATS: tuple[Kind, ...] = get_args(Kind)
AUDIBLE_S = 0.1
"""The shortest clip: what is shorter is a click."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a recording, in seconds from its beginning; without an end, to that of the recording."""

    begin_s: float
    end_s: float | None = None

    def check(self, seconds: float) -> None:
        """Raises WrongUsage unless it lies in a recording of so many seconds, and something can be heard."""
        end_s = math.ceil(seconds) if self.end_s is None else self.end_s
        if not 0 <= self.begin_s < math.inf or not 0 <= end_s < math.inf:
            raise WrongUsage("{text} is not a part of a recording: write 03:10..05:00", text=str(self))
        if self.begin_s >= seconds:
            raise WrongUsage(
                "the clip begins after the recording ends, at {seconds} s", seconds=math.floor(seconds)
            )
        if end_s > math.ceil(seconds):  # people see and type whole seconds
            raise WrongUsage(
                "the clip ends after the recording, which ends at {seconds} s", seconds=math.ceil(seconds)
            )
        if min(end_s, seconds) - self.begin_s < AUDIBLE_S:
            raise WrongUsage(
                "the clip is shorter than {seconds} s: nothing could be heard in it", seconds=AUDIBLE_S
            )

    def __str__(self) -> str:
        end = "" if self.end_s is None else f"-{self.end_s:.10g}s"
        return f"-{self.begin_s:.10g}s{end}"


@dataclass(frozen=True, slots=True)
class GivenRecording:
    """A file that was made of a recording for somebody: `size` and `sha256` are its own.

    `manifest` is that of the recording, byte by byte.
    """

    id: str
    kind: Kind
    size: int
    sha256: str
    manifest: bytes
