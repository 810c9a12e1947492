"""The gaps of one capture: what its recording lacks. Times are the PBX's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callrec.model.captures import Gap

LONGEST_RENEWAL = timedelta(milliseconds=60)
"""How long it may take to renew the snoops before that counts as a gap: three packets (decision 9)."""
CHANGED = "the other party changed"
"""Why the snoops are renewed, where nothing else is said."""


@dataclass(slots=True)
class Gaps:
    """The gaps of a capture in order, none within another, and since when its snoops are being renewed."""

    noted: list[Gap] = field(default_factory=list)
    _renewing_since: datetime | None = None
    _why_renewed: str = CHANGED

    def renew(self, at: datetime, why: str = "") -> None:
        """Takes note that the snoops are renewed from `at` on, if they are not already."""
        self._renewing_since = self._renewing_since or at
        self._why_renewed = why or self._why_renewed

    def renewed(self, at: datetime) -> None:
        """Takes note that they have been, which is a gap where it took longer than it should."""
        since, why = self._renewing_since, self._why_renewed
        self._renewing_since, self._why_renewed = None, CHANGED
        if since and at - since > LONGEST_RENEWAL:
            self.note(since, at, why)

    def give_up_renewing(self, at: datetime) -> datetime:
        """Returns since when sound is missing: since snoops were to be renewed, which is over, else `at`."""
        since, self._renewing_since = self._renewing_since or at, None
        return since

    def note(self, since: datetime, until: datetime, reason: str) -> None:
        """Writes down a gap. Where it began within the one before, it goes on from the end of that."""
        before = self.noted[-1].finished_at if self.noted else None
        self.noted.append(Gap(max(since, before) if before else since, until, reason))

    def lengthen(self, until: datetime | None, since: datetime) -> datetime:
        """Takes back a gap that ended at `until`, for it lasts; returns since when, else `since`."""
        if self.noted and self.noted[-1].finished_at == until:
            return self.noted.pop().started_at
        return since
