"""Finds the captures that should record now and do not: a PBX that refuses every snoop is not well.

Called by the controller, which holds its lock. How long a capture lacks is counted on a clock that nobody
sets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from callrec.errors import Sentence
from callrec.recording.call import Call

PATIENCE_SECONDS = 3.0
"""How long nothing may be recorded before it is told: each segment takes a moment to begin."""


class Unrecorded:
    """What is not recorded though it should be, and since when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def look(self, calls: Iterable[Call]) -> list[Sentence]:
        """Returns what is to be told of these calls, which are all there are."""
        lacking = {each.record.id: (each, why) for each in calls if (why := _lacks(each))}
        now = self._clock()
        self._since = {id_: self._since.get(id_, now) for id_ in lacking}
        return [
            _told(call, why)
            for id_, (call, why) in lacking.items()
            if now - self._since[id_] >= PATIENCE_SECONDS
        ]


def _lacks(call: Call) -> str:
    """Returns why nothing is recorded of a call that should be; empty where that is not so."""
    capture = call.capture
    if not capture or capture.is_finished or call.record.unannounced_at:
        return ""
    return capture.lacks


def _told(call: Call, why: str) -> Sentence:
    return Sentence(
        "extension {extension} should be recorded and is not (call {call}): {problem}",
        extension=call.record.extension or "?",
        call=call.record.id,
        problem=why,
    )
