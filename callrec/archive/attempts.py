"""Does the steps of the archiver: each by one thread at a time, what fails again later, and tells problems.

Any thread may use it. What is waited for, and in which order, is the matter of `archiver`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import structlog

from callrec.archive.retry_schedule import RetrySchedule, problem_of
from callrec.errors import (
    CallrecError,
    CatalogueOutdated,
    CatalogueUnreachable,
    Sentence,
    StoreUnreachable,
)
from callrec.meters import Meters
from callrec.spool.tracks import NotYetClosed
from callrec.worker import SharedPulse

log = structlog.get_logger()

SPOOL, STORE, CATALOGUE = "the spool", "the archive", "the catalogue"
"""Parts that all steps of a kind need. One that is away is asked seldom, by whichever step comes first."""
SLOW_SECONDS, SLOW_RATE = 60.0, 100_000
"""An upload is a problem when it takes longer than this, and than its bytes do at so many a second."""


class Attempts:
    """The steps under way, and those that failed, by name."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._schedule = RetrySchedule(clock)
        self._lock = threading.Lock()
        self._under_way: set[str] = set()
        self._uploads: dict[str, float] = {}
        self.meters, self.pulse = Meters(), SharedPulse(clock)

    def attempt(self, name: str, step: Callable[[], object]) -> None:
        """Does a step that is due and that nobody does now. What goes wrong is tried again later; the others
        must go on."""
        if not self.is_due(name) or not self._take(name):
            return
        self.pulse.beat()
        try:
            step()
        except NotYetClosed:
            self._schedule.early(name)
        except Exception as error:
            self.failed(name, error)
        else:
            self.done(name)
        finally:
            self._under_way.discard(name)
            self.pulse.rest()

    def is_due(self, name: str) -> bool:
        """Returns whether a step is due, or a part may be asked: it did not fail, or not lately."""
        return self._schedule.is_due(name)

    def failed(self, name: str, error: Exception) -> None:
        """Notes what went wrong with a step, and with the part that it needs, where that is away."""
        self.meters.failed(error)
        if not isinstance(error, (CallrecError, OSError)):
            log.exception("a bug: please report it", what=name)
        problem = problem_of(error)
        if isinstance(error, StoreUnreachable):
            self._schedule.failed(STORE, problem)
        if isinstance(error, (CatalogueUnreachable, CatalogueOutdated)):
            self._schedule.failed(CATALOGUE, problem)
        count = self._schedule.failed(name, problem)
        log.warning("not archived yet", what=name, problem=str(problem), attempt=count)

    def done(self, name: str) -> None:
        """Notes that a step, or a part, does well."""
        self._schedule.done(name)

    def keep(self, names: Collection[str]) -> None:
        """Forgets all but these: what is not there any more must not be waited for."""
        self._schedule.keep({SPOOL, STORE, CATALOGUE, *names} if names else {SPOOL})

    def pause(self, since: float) -> float:
        """Returns the seconds until something is due again that was not at `since`, by the clock."""
        return self._schedule.pause(since)

    @contextmanager
    def upload(self, recording_id: str, size: int) -> Iterator[None]:
        """While so many bytes of a recording are put into the store."""
        self._uploads[recording_id] = self.clock() + max(SLOW_SECONDS, size / SLOW_RATE)
        try:
            yield
        finally:
            del self._uploads[recording_id]
        self.done(STORE)

    def problems(self) -> list[str | Sentence]:
        """Returns what failed, each once, and the uploads that hang."""
        slow = sorted(id_ for id_, until in list(self._uploads.items()) if self.clock() > until)
        told = [
            Sentence("the upload of recording {id} hangs or is very slow: look at the S3 server", id=each)
            for each in slow
        ]
        return [*self._schedule.problems(), *told]

    def _take(self, name: str) -> bool:
        with self._lock:
            if name in self._under_way:
                return False
            self._under_way.add(name)
            return True
