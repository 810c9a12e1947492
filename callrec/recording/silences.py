"""The stretches of one capture that are silent on purpose, each with its reason (decision 12).

What the PBX is told to do about them is in `capture`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from callrec.model.captures import Silence, SilenceReason


@dataclass(slots=True)
class Silences:
    """Counts each reason for silence by itself: it is silent as long as one of them lasts (decision 12)."""

    spans: list[Silence] = field(default_factory=list)

    @property
    def is_on(self) -> bool:
        """Whether any reason lasts."""
        return any(span.finished_at is None for span in self.spans)

    def is_on_for(self, reason: SilenceReason) -> bool:
        """Tells whether this reason lasts."""
        return any(self._lasts(span, reason) for span in self.spans)

    def begin(self, reason: SilenceReason, at: datetime) -> bool:
        """Begins a silence for this reason. False: it lasts already, and from `at` on at least."""
        if not self.is_on_for(reason):
            self.spans.append(Silence(at, None, reason))
            return True
        self.spans = [
            replace(span, started_at=min(span.started_at, at)) if self._lasts(span, reason) else span
            for span in self.spans
        ]
        return False

    def end(self, reason: SilenceReason, at: datetime) -> bool:
        """Ends the silence for this reason. Returns False where there is none, and changes nothing."""
        if not self.is_on_for(reason):
            return False
        self.spans = [
            replace(span, finished_at=at) if self._lasts(span, reason) else span for span in self.spans
        ]
        return True

    @staticmethod
    def _lasts(span: Silence, reason: SilenceReason) -> bool:
        return span.finished_at is None and span.reason == reason

    def since(self, begin: datetime) -> tuple[Silence, ...]:
        """Returns those that reach into what was captured from `begin` on."""
        return tuple(each for each in self.spans if (each.finished_at or begin) >= begin)
