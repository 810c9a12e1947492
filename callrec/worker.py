"""Runs the loop of a thread: work, wait until there may be more to do, work again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pulse:
    """Tells since when a thread is at one thing: one that hangs is at the same one for ever.

    The thread beats at each thing it begins, and rests while it waits for something to do.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None

    def beat(self) -> None:
        """Tells that another thing is begun."""
        self._since = self._clock()

    def rest(self) -> None:
        """Tells that there is nothing to do."""
        self._since = None

    def busy_for(self) -> float:
        """Returns for how many seconds the thread is at what it does now; 0 while it waits for work."""
        since = self._since
        return 0.0 if since is None else self._clock() - since


class SharedPulse(Pulse):
    """The pulse of threads that do things side by side: it tells of the one that is longest at its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._begun: dict[int, float] = {}

    def beat(self) -> None:
        self._begun[threading.get_ident()] = self._clock()

    def rest(self) -> None:
        self._begun.pop(threading.get_ident(), None)

    def busy_for(self) -> float:
        begun = list(self._begun.values())
        return self._clock() - min(begun) if begun else 0.0


class Worker:
    """Calls `work` again and again until it is stopped: when woken, and else after `pause` seconds.

    `work` must see to its own errors: one that it raises ends the loop, and the thread with it. A wake
    during the work is not lost. Work that consists of several things beats `pulse` at each.
    """

    def __init__(self, work: Callable[[], object], pause: Callable[[], float]) -> None:
        self._work_once, self._pause_s = work, pause
        self._wake, self._stopping = threading.Event(), threading.Event()
        self.pulse: Pulse = Pulse()

    def run(self) -> None:
        """Works until `stop`; to be called on a thread of its own."""
        while True:
            self._wake.clear()
            if self._stopping.is_set():  # in this order: a stop that comes before the clearing is seen here
                return
            self.pulse.beat()
            self._work_once()
            self.pulse.rest()
            self._wake.wait(self._pause_s())

    def stop(self) -> None:
        """Ends `run` after what is being worked on."""
        self._stopping.set()
        self._wake.set()

    def wake(self) -> None:
        """Tells that there may be something to do."""
        self._wake.set()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()
