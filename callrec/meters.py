"""Has what the parts at work count, for figures. `Meters` counts nothing: callrec.health.metrics does.

No number or name of anybody enters here.
"""

from __future__ import annotations

from callrec.errors import (
    CallrecError,
    CatalogueOutdated,
    CatalogueUnreachable,
    PbxUnreachable,
    StoreUnreachable,
)
from callrec.model.calls import CallRecord
from callrec.model.captures import Capture

PARTS: tuple[tuple[type[Exception], str], ...] = (
    (StoreUnreachable, "s3"),
    (CatalogueUnreachable, "database"),
    (CatalogueOutdated, "database"),
    (PbxUnreachable, "pbx"),
    (CallrecError, "callrec"),
    (OSError, "disk"),
)
"""Which part an error is of, by its class; the first that fits counts."""


class Meters:
    """What is counted, by whoever does it; any thread. Each takes microseconds, and raises nothing."""

    def event(self, kind: str) -> None:
        """An event of the PBX was taken in."""

    def call_over(self, call: CallRecord) -> None:
        """A call is over, whose end was seen."""

    def captured(self, capture: Capture, *, kept: bool, recorded: bool) -> None:
        """A capture is over: kept or destroyed, and whether the PBX recorded anything of it."""

    def refused(self, action: str) -> None:
        """The PBX refused an action, or did not answer."""

    def archived(self, capture: Capture) -> None:
        """A recording was proved to be in the archive."""

    def failed(self, error: Exception) -> None:
        """What was to be done with another part failed, and is tried again."""

    def alert(self, way: str, *, sent: bool) -> None:
        """A call for help was tried by one way."""


def part_of(error: Exception) -> str:
    """Returns which part an error is of: s3, database, pbx, disk or callrec."""
    return next((part for kind, part in PARTS if isinstance(error, kind)), "callrec")


def fault_of(error: Exception) -> str:
    """Returns whose fault an error is, where it says so: ours, server or network; else unknown."""
    return str(getattr(error, "fault", None) or "unknown")
