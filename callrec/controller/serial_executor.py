"""Runs jobs on small pools of threads, where those of one queue never overtake one another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

import structlog

log = structlog.get_logger()

Job = Callable[[], None]
WORKERS = 32
"""Threads of a lane, made when they are needed. Some wait; the next call must not."""


class Lane(StrEnum):
    """What jobs may wait for: each has threads of its own, so that a disk that hangs costs no recording."""

    PBX = "pbx"
    DISK = "disk"
    FALLBACK = "fallback"
    LATER = "later"


AT_ONCE = {Lane.FALLBACK: 1}
"""How many jobs of a lane run at a time at most, where others must not wait for them."""


class SerialExecutor:
    """Runs jobs of one key in the order they came, and those of different keys side by side.

    A job that raises is logged, and the next one runs.
    """

    def __init__(self, workers: int = WORKERS) -> None:
        """`workers`: how many jobs of one lane run at a time, at most."""
        most = {each: min(workers, AT_ONCE.get(each, workers)) for each in Lane}
        self._pools = {each: ThreadPoolExecutor(most[each], thread_name_prefix=each) for each in Lane}
        self._queues: dict[tuple[Lane, str], deque[Job]] = {}
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)

    def submit(self, key: str, job: Job, lane: Lane = Lane.PBX) -> None:
        """Adds a job to the queue of its key in a lane. Never waits."""
        with self._lock:
            queue = self._queues.setdefault((lane, key), deque())
            queue.append(job)
            if len(queue) == 1:
                self._pools[lane].submit(self._drain, (lane, key), queue)

    def close(self) -> None:
        """Waits for the jobs that were submitted, and for those that these submit; then ends the threads."""
        with self._idle:
            self._idle.wait_for(lambda: not self._queues)
        for pool in self._pools.values():
            pool.shutdown(wait=True)

    def _drain(self, key: tuple[Lane, str], queue: deque[Job]) -> None:
        while True:
            try:
                queue[0]()
            except Exception:
                log.exception("a bug: please report it", queue=key)
            with self._lock:
                queue.popleft()
                if not queue:
                    del self._queues[key]
                    self._idle.notify_all()
                    return
