"""Ends the process for certain: a thread that waits for a disk that hangs would hold it for ever."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

log = structlog.get_logger()


@contextmanager
def ended_within(
    seconds: float,
    threads: Sequence[threading.Thread],
    code: Callable[[], int],
    last: Callable[[], object],
) -> Iterator[None]:
    """Ends the process where the block takes longer, as if it were killed: what is not on disk is lost.

    `threads` are those that may hang; `code` returns the exit code, and `last` is done before.
    """

    def end() -> None:
        hanging = [each.name for each in threads if each.is_alive()]
        log.error("threads hang: the process ends without them", threads=hanging)
        last()
        os._exit(code())

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
