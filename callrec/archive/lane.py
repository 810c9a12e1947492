"""One thread of the archiver: attempts what waits for it, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from callrec.archive.attempts import SPOOL, Attempts
from callrec.worker import Worker

Waiting = Callable[[], Iterable[tuple[str, Callable[[], object]]]]
"""Gives what waits, the oldest first: the name of each, and what is to be done. It raises what the spool
raises."""


class Lane(Worker):
    """Takes what waits, again and again. What hangs in one lane holds up nothing in another."""

    def __init__(
        self, waiting: Waiting, attempts: Attempts, attempted: Callable[[], None] = lambda: None
    ) -> None:
        """`attempted` is called after each attempt, however it went."""
        self._waiting, self.attempts, self._attempted = waiting, attempts, attempted
        self._begun = attempts.clock()
        super().__init__(self.take, lambda: attempts.pause(self._begun))
        self.pulse = attempts.pulse

    def take(self) -> None:
        """Attempts each thing that waits, once; nothing is raised."""
        self._begun = self.attempts.clock()
        if not self.attempts.is_due(SPOOL):
            return
        try:
            for name, step in self._waiting():
                if self.is_stopping:
                    return
                self.attempts.attempt(name, step)
                self._attempted()
        except Exception as error:
            self.attempts.failed(SPOOL, error)
        else:
            self.attempts.done(SPOOL)
