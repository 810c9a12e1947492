"""Runs the loop of a thread: work, wait until there may be more to do, work again."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Worker:
    """Calls `work` again and again until it is stopped: when woken, and else after `pause` seconds.

    `work` must see to its own errors: one that it raises ends the loop, and the thread with it. A wake
    during the work is not lost.
    """

    def __init__(self, work: Callable[[], object], pause: Callable[[], float]) -> None:
        self._work_once, self._pause_s = work, pause
        self._wake, self._stopping = threading.Event(), threading.Event()

    def run(self) -> None:
        """Works until `stop`; to be called on a thread of its own."""
        while True:
            self._wake.clear()
            if self._stopping.is_set():  # in this order: a stop that comes before the clearing is seen here
                return
            self._work_once()
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
