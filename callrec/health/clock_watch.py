"""Compares this machine's clock with those of the PBX, the S3 server and the database, all the time.

It is a thread of the controller. Manifests say what was found last, the time of calls and the dates of locks
go by it, and people are told where clocks are apart (decision 22). Nobody's clock is set here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from callrec.clocks import kernel_clock
from callrec.errors import CallrecError, Sentence
from callrec.manifest import ClockState
from callrec.moments import error_of, is_apart
from callrec.problems import Problems
from callrec.worker import Worker

log = structlog.get_logger()

SECONDS = 30.0
"""How often the clocks are compared."""
OLDEST_S = 600.0
"""How old a comparison may be that a manifest has."""
SET = timedelta(seconds=5)
"""A clock that tells so much else than it should was set."""
PBX, STORE, DATABASE, OWN = "PBX", "S3 server", "database", "machine"

Clock = Callable[[], datetime | None]
"""Asks a clock what time it is; None where it has none of its own. Raises CallrecError where it is away."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the clocks told: each by its zero, which is what it told when the monotonic clock was at 0."""

    at: datetime
    seconds: float
    """When they were compared: by our clock, and by the monotonic one."""
    zeros: Mapping[str, datetime]
    """Those of the others that told anything."""

    @property
    def zero(self) -> datetime:
        return self.at - timedelta(seconds=self.seconds)

    @property
    def ahead(self) -> dict[str, timedelta]:
        """By how much our clock is ahead of each other one."""
        return {name: self.zero - zero for name, zero in self.zeros.items()}

    @property
    def error(self) -> timedelta:
        """By how much our clock is wrong, as most of them tell."""
        return error_of(self.at, list(self.ahead.values()))


class ClockWatch(Worker):
    """Compares clocks every half a minute. Any thread may ask it."""

    def __init__(
        self,
        others: Mapping[str, Clock],
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._others, self._wall, self._seconds = others, wall, seconds
        self._last: Comparison | None = None
        self.compared: Callable[[datetime | None, timedelta], None] = lambda pbx_zero, error: None
        """Told after each comparison: the zero of the PBX's clock, and by how much ours is wrong."""
        self.problems = Problems()
        super().__init__(lambda: self.problems.attempt("compare clocks", self.compare), lambda: SECONDS)

    def compare(self) -> Comparison:
        """Asks all clocks, and tells who goes by them."""
        zeros = {name: zero for name, clock in self._others.items() if (zero := self._zero_of(clock))}
        before, now = self._last, Comparison(self._wall(), self._seconds(), zeros)
        self._last = now
        self._tell(now)
        if before:
            _log_set(before, now)
        self.compared(zeros.get(PBX), now.error)
        return now

    def now(self) -> datetime:
        """Returns this moment as most clocks tell it."""
        return self._wall() - self._known().error

    def pbx_ahead(self) -> timedelta:
        """Returns by how much the PBX's clock is ahead of this machine's; none where that is not known."""
        return -self._known().ahead.get(PBX, timedelta(0))

    def state(self) -> ClockState:
        """Returns what a manifest says of the clocks."""
        found, kernel = self._known(), kernel_clock()
        ahead = {name: float(round(each.total_seconds())) for name, each in found.ahead.items()}
        return ClockState(
            measured_at=found.at,
            synchronised=kernel.synchronised if kernel else None,
            estimated_error_s=kernel.estimated_error_s if kernel else None,
            store_offset_s=ahead.get(STORE),
            pbx_offset_s=ahead.get(PBX),
        )

    # --- inside

    def _known(self) -> Comparison:
        """Returns the last comparison; a new one, where there is none of late, or our clock was set since: by
        how much that was wrong before says nothing of it now."""
        last = self._last
        if last is None or self._seconds() - last.seconds > OLDEST_S or is_apart(self._zero - last.zero):
            return self.compare()
        return last

    @property
    def _zero(self) -> datetime:
        """The zero of our clock, as it tells now."""
        return self._wall() - timedelta(seconds=self._seconds())

    def _zero_of(self, clock: Clock) -> datetime | None:
        try:
            told = clock()
            return told - timedelta(seconds=self._seconds()) if told else None
        except CallrecError:  # others tell that it is away
            return None
        except OverflowError:  # it stands at the beginning of the calendar
            return None

    def _tell(self, found: Comparison) -> None:
        """Tells people of clocks that are wrong, and no more of those that are right again."""
        own = is_apart(found.error)
        wrong = {name for name, each in found.ahead.items() if is_apart(each - found.error)}
        for name in (*self._others, OWN):
            problem = f"clock of {name}"
            if own if name == OWN else name in wrong:
                self.problems.add(problem, _words(name))
            elif name == OWN or name in found.zeros:
                self.problems.clear(problem)


def _words(name: str) -> Sentence:
    if name == OWN:
        return Sentence(
            "the clock of this machine is more than a minute away from all others: set it by NTP, "
            "and see callrec doctor"
        )
    return Sentence(
        "the clock of the {part} is more than a minute wrong: set it by NTP, and see callrec doctor",
        part=Sentence(name),
    )


def _log_set(before: Comparison, now: Comparison) -> None:
    """Logs which clocks were set since they were compared before."""
    was, is_now = {**before.zeros, OWN: before.zero}, {**now.zeros, OWN: now.zero}
    for name in was.keys() & is_now.keys():
        by = is_now[name] - was[name]
        if abs(by) > SET:
            log.warning("a clock was set", clock=name, seconds=round(by.total_seconds()))
