"""Runs jobs on a small pool of threads, where those of one queue never overtake one another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

log = structlog.get_logger()

Job = Callable[[], None]
WORKERS = 32
"""Threads, made when they are needed. Some wait for a disk or for the PBX; the next call must not."""


class SerialExecutor:
    """Runs jobs of one key in the order they came, and those of different keys side by side.

    A job that raises is logged, and the next one runs.
    """

    def __init__(self, workers: int = WORKERS) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="actions")
        self._queues: dict[str, deque[Job]] = {}
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)

    def submit(self, key: str, job: Job) -> None:
        """Adds a job to the queue of its key. Never waits."""
        with self._lock:
            queue = self._queues.setdefault(key, deque())
            queue.append(job)
            if len(queue) == 1:
                self._pool.submit(self._drain, key, queue)

    def close(self) -> None:
        """Waits for the jobs that were submitted, and for those that these submit; then ends the threads."""
        with self._idle:
            self._idle.wait_for(lambda: not self._queues)
        self._pool.shutdown(wait=True)

    def _drain(self, key: str, queue: deque[Job]) -> None:
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
