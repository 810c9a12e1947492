"""Counts for how long, and how often, the PBX has said that it has no sound of a recording.

Beside the recording, so that a restart does not begin anew. Only time in which the PBX was asked counts, by
a monotonic clock: while it was away nobody could say what it has. When it is believed is the matter of
`tracks`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from callrec.files import write_unsynced

FILE = "absence.json"
MOST_BETWEEN_SECONDS = 600.0
"""What counts at most between two answers: several times the longest pause between two tries."""


@dataclass(frozen=True, slots=True)
class Absence:
    """The tracks that the PBX does not have, how often it said so, and over how many seconds."""

    tracks: tuple[str, ...]
    times: int = 0
    seconds: float = 0.0


_ABSENCE: TypeAdapter[Absence] = TypeAdapter(Absence)


class Absences:
    """The absences of the recordings of one spool; `folder` gives that of one. Any thread may use it."""

    def __init__(self, folder: Callable[[str], Path], clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._said_at: dict[str, float] = {}

    def said(self, recording_id: str, tracks: tuple[str, ...]) -> Absence:
        """Notes that the PBX has just said that it does not have these, and returns what that comes to."""
        now, path = self._clock(), self._folder(recording_id) / FILE
        since = self._said_at.get(recording_id, now)
        self._said_at[recording_id] = now
        before = _read(path)
        if before is None or before.tracks != tracks:
            before, since = Absence(tracks), now
        waited = before.seconds + min(now - since, MOST_BETWEEN_SECONDS)
        absence = Absence(tracks, before.times + 1, waited)
        write_unsynced(path, _ABSENCE.dump_json(absence))
        return absence

    def unknown(self, recording_id: str) -> None:
        """Notes that nobody can say just now what the PBX has: from the answer before to the next one no time
        counts."""
        self._said_at.pop(recording_id, None)

    def forget(self, recording_id: str) -> None:
        """Forgets what the PBX said of a recording: it has all of it, or nobody waits for it any more."""
        self._said_at.pop(recording_id, None)
        (self._folder(recording_id) / FILE).unlink(missing_ok=True)


def _read(path: Path) -> Absence | None:
    """Returns what was noted before; None where nothing was, or a power failure has left half of it."""
    with suppress(FileNotFoundError, ValidationError):
        return _ABSENCE.validate_json(path.read_bytes())
    return None
