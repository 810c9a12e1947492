"""The stretches of one capture that are silent on purpose, each with its reason (decision 12).

What the PBX is told to do about them is in `capture`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from callrec.model.captures import Pause, SilenceReason


@dataclass(slots=True)
class Silences:
    """Counts each reason for silence by itself: it is silent as long as one of them lasts (decision 12)."""

    pauses: list[Pause] = field(default_factory=list)

    @property
    def is_on(self) -> bool:
        """Whether any reason lasts."""
        return any(pause.finished_at is None for pause in self.pauses)

    def is_on_for(self, reason: SilenceReason) -> bool:
        """Tells whether this reason lasts."""
        return any(pause.finished_at is None and pause.reason == reason for pause in self.pauses)

    def begin(self, reason: SilenceReason, at: datetime) -> bool:
        """Begins a silence for this reason. Returns False where it lasts already, and changes nothing."""
        if self.is_on_for(reason):
            return False
        self.pauses.append(Pause(at, None, reason))
        return True

    def end(self, reason: SilenceReason, at: datetime) -> bool:
        """Ends the silence for this reason. Returns False where there is none, and changes nothing."""
        if not self.is_on_for(reason):
            return False
        self.pauses = [
            replace(pause, finished_at=at) if not pause.finished_at and pause.reason == reason else pause
            for pause in self.pauses
        ]
        return True

    def since(self, begin: datetime) -> tuple[Pause, ...]:
        """Returns those that reach into what was captured from `begin` on."""
        return tuple(each for each in self.pauses if (each.finished_at or begin) >= begin)
