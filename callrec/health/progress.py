"""Tells which of the threads at work make no progress: a recorder that only seems to run records nothing.

A thread that hangs is neither dead nor idle: it is at one thing for longer than that can take. What each
thread does is told by its pulse (callrec.worker).
"""

from __future__ import annotations

from collections.abc import Mapping

from callrec.errors import Sentence
from callrec.worker import Pulse

LONGEST_SECONDS = 60.0
"""How long one thing may take where nothing else is said: every request to another part ends before."""


class Progress:
    """The pulses of the threads of a process, by the names of these. Any thread may use it."""

    def __init__(self, pulses: Mapping[str, Pulse], longest: Mapping[str, float] | None = None) -> None:
        """`longest`: how many seconds one thing may take, of the threads for which that is no minute."""
        self._pulses, self._longest = dict(pulses), dict(longest or {})

    def stalled(self) -> list[str]:
        """Returns the names of the threads that hang, in order; empty while all of them get on."""
        return [name for name, pulse in self._pulses.items() if pulse.busy_for() > self._bound(name)]

    def problems(self) -> list[Sentence]:
        """Returns what is to be told of threads that hang."""
        return [
            Sentence("the thread {name} hangs: callrec serve must be started again", name=name)
            for name in self.stalled()
        ]

    def _bound(self, name: str) -> float:
        return self._longest.get(name, LONGEST_SECONDS)
