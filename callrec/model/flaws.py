"""What was noticed of a call that a person should look into soon."""

from __future__ import annotations

from enum import StrEnum


class Flaw(StrEnum):
    """What was not as it should be in a call. Its row has a note that says more."""

    NOT_RECORDED = "not-recorded"
    """It should have been recorded, and the PBX began no track of it."""
    NO_SOUND = "no-sound"
    """A side of the recording is silent where nobody wanted it so."""
    ANNOUNCEMENT_FAILED = "announcement-failed"
    """The PBX could not play an announcement."""
    REBUILT = "rebuilt"
    """The catalogue did not have it any more: its rows were made again of what the bucket says."""
    ANNOUNCEMENT_NOT_FOUND = "announcement-not-found"
    """An announcement was played, and is not in the recording."""
