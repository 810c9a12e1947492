"""Tells Prometheus how things stand when it asks. What takes long is looked at elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from callrec.health.backlog import backlogs
from callrec.health.testcalls import results
from callrec.problems import Problem


@dataclass(frozen=True, slots=True)
class Figures:
    """How the controller stands, as its status has it."""

    pbx: str
    """The name of the PBX."""
    works: bool
    link_up: bool
    database_away: bool
    live: int
    lacking: int
    """Captures that should record and do not."""
    help_unsent: int
    """Calls for help of which somebody has yet to be told."""
    stalled: int
    odd_events: int
    disk_free_bytes: int
    disk_full_in_s: float | None
    custody_head: int | None
    """The number of the newest row of the custody log; None while nobody knows."""
    heard_at: float
    """This moment, in seconds since 1970."""
    certificates: dict[str, datetime] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class Gauges(Collector):
    """The gauges of one controller, asked anew each time."""

    def __init__(self, spool: Path, figures: Callable[[], Figures]) -> None:
        self._spool, self._figures = spool, figures

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked before all is there."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yields each gauge with what it is now."""
        now = self._figures()
        said = "When this was written, in seconds since 1970"
        yield _by("heartbeat_timestamp_seconds", said, "pbx", {now.pbx: now.heard_at})
        yield _gauge("works", "1 while no thread hangs and the PBX is linked", now.works)
        yield _gauge("link_up", "1 while callrec is linked with the PBX", now.link_up)
        yield _gauge("database_away", "1 while the database cannot be used", now.database_away)
        yield _gauge("captures_live", "Captures under way, also on standby", now.live)
        yield _gauge("captures_lacking", "Captures that should record and do not", now.lacking)
        yield _gauge("help_unsent", "Calls for help of which somebody has yet to be told", now.help_unsent)
        yield _gauge("threads_stalled", "Threads that hang", now.stalled)
        yield _gauge("events_unreadable", "Events of the PBX that could not be read", now.odd_events)
        yield _gauge("disk_free_bytes", "Free bytes on the disk of the spool", now.disk_free_bytes)
        if now.disk_full_in_s is not None:
            yield _gauge("disk_full_seconds", "Until the disk of the spool is full", now.disk_full_in_s)
        if now.custody_head is not None:
            yield _gauge("custody_head", "Number of the newest row of the custody log", now.custody_head)
        yield _by("problems", "What is wrong, by part", "part", dict(Counter(map(_part, now.problems))))
        ends = {server: end.timestamp() for server, end in now.certificates.items()}
        yield _by("certificate_end_timestamp_seconds", "When a certificate ends", "server", ends)
        yield from self._waiting()
        yield from self._testcalls()

    def _waiting(self) -> Iterator[Metric]:
        found = backlogs(self._spool)
        yield _by(
            "spool_waiting", "What waits in the spool", "what", {each.waits: each.count for each in found}
        )
        yield _by("spool_bytes", "Bytes of what waits", "what", {each.waits: each.bytes for each in found})
        oldest = {each.waits: each.oldest_at.timestamp() for each in found if each.oldest_at}
        yield _by("spool_oldest_timestamp_seconds", "Since when the oldest of it waits", "what", oldest)

    def _testcalls(self) -> Iterator[Metric]:
        found = results(self._spool)
        well = {each.facility: each.ok for each in found}
        times = {each.facility: each.succeeded_at.timestamp() for each in found if each.succeeded_at}
        yield _by("testcall_ok", "1 where the latest test call went well", "facility", well)
        said = "When the latest test call began that went well"
        yield _by("testcall_succeeded_timestamp_seconds", said, "facility", times)


def _part(problem: Problem) -> str:
    """Returns of which part a problem is; never more of its words, which may name somebody."""
    return problem.kind.partition(":")[0]


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(f"callrec_{name}", said, value=float(value))


def _by(name: str, said: str, label: str, values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(f"callrec_{name}", said, labels=[label])
    for each, value in sorted(values.items()):
        family.add_metric([str(each)], float(value))
    return family
