"""Remembers for the archiver what failed, why, and when it is tried again. In memory: a restart tries all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from callrec.backoff import Backoff
from callrec.errors import CallrecError, Sentence
from callrec.failures import told
from callrec.sentences import distinct

IDLE_SECONDS = 5.0
BACKOFF = Backoff(0.3, 60.0)
"""Seconds between two tries."""
SOON = Backoff(0.3, 2.0)
"""Seconds between two looks at what did not fail, and is there within seconds."""


@dataclass(slots=True)
class Attempt:
    """How often one thing failed, when it is due (seconds of the schedule's clock), and why."""

    count: int = 0
    due: float = 0.0
    problem: str | Sentence = ""


class RetrySchedule:
    """Keeps the things that failed, by name. What is not among them is due at once. Any thread may use it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._retries: dict[str, Attempt] = {}

    def is_due(self, name: str) -> bool:
        attempt = self._retries.get(name)
        return attempt is None or attempt.due <= self._clock()

    def failed(self, name: str, problem: str | Sentence) -> int:
        """Puts a thing off, longer each time, and returns how often it failed so far."""
        return self._put_off(name, BACKOFF, problem)

    def early(self, name: str) -> None:
        """Puts a thing off that came too early, for seconds; a problem that it had stays."""
        self._put_off(name, SOON)

    def _put_off(self, name: str, pauses: Backoff[float], problem: str | Sentence = "") -> int:
        with self._lock:
            attempt = self._retries.setdefault(name, Attempt())
            attempt.due = self._clock() + pauses.after(attempt.count)
            attempt.count += 1
            attempt.problem = problem or attempt.problem
            return attempt.count

    def done(self, name: str) -> None:
        """Forgets a thing that failed before: it went well now."""
        with self._lock:
            self._retries.pop(name, None)

    def keep(self, names: Collection[str]) -> None:
        """Forgets all but these names: what is not there any more must not be waited for."""
        with self._lock:
            self._retries = {name: each for name, each in self._retries.items() if name in names}

    def problems(self) -> list[str | Sentence]:
        """Returns the problems of all that failed, each once."""
        return distinct(each.problem for each in self._all() if each.problem)

    def pause(self, since: float = float("-inf")) -> float:
        """Returns the seconds until the next thing is due; IDLE_SECONDS at most.

        What was due at `since` (the clock's) is left out: it was looked at, and is somebody else's.
        """
        due = [each.due - self._clock() for each in self._all() if each.due > since]
        return max(0.05, min([IDLE_SECONDS, *due]))

    def _all(self) -> list[Attempt]:
        with self._lock:
            return list(self._retries.values())


def problem_of(error: Exception) -> str | Sentence:
    """Returns one line for people on an error.

    Of a bug only its kind and the first line of its text: what follows may be private data.
    """
    if isinstance(error, CallrecError):
        return error.sentence
    if isinstance(error, OSError):
        return told(error)
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}"
