"""Counts what the parts do, as metrics of Prometheus. What stands there now is asked by `gauges`.

Every metric is documented (docs/en/monitoring.md), and none has a number or name of a caller in a label.
"""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from callrec.meters import Meters, fault_of, part_of
from callrec.model.calls import CallRecord
from callrec.model.captures import Capture

FIRST_SAMPLE = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
ARCHIVED = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)
KEPT, NOT_RECORDED, DISCARDED = RESULTS = ("kept", "not-recorded", "discarded")
"""What can become of a capture."""


class PrometheusMeters(Meters):
    """The counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, said: str, *labels: str) -> Counter:
            return Counter(f"callrec_{name}", said, labels, registry=self.registry)

        def histogram(name: str, said: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"callrec_{name}", said, buckets=buckets, registry=self.registry)

        self._events = counter("events_total", "Events of the PBX that were taken in", "kind")
        self._calls = counter("calls_total", "Calls that are over", "direction", "mode", "outcome")
        self._captures = counter("captures_total", "Captures that are over", "result")
        for result in RESULTS:  # a rule sees the first of a kind only where it was 0 before
            self._captures.labels(result)
        self._keys = counter("key_presses_total", "Keys that staff pressed", "key", "result")
        self._refusals = counter("pbx_refusals_total", "Actions that the PBX refused", "action")
        self._errors = counter("errors_total", "What failed and is tried again", "part", "fault")
        self._alerts = counter("alerts_total", "Calls for help that were tried", "way", "result")
        self._first_sample = histogram(
            "first_sample_seconds", "From the request to record until both tracks had begun", FIRST_SAMPLE
        )
        self._archived = histogram(
            "archived_seconds", "From the end of a recording until it was proved to be archived", ARCHIVED
        )

    def text(self) -> bytes:
        """Returns all metrics as Prometheus reads them."""
        return generate_latest(self.registry)

    def event(self, kind: str) -> None:
        self._events.labels(kind).inc()

    def call_over(self, call: CallRecord) -> None:
        mode = call.decision.mode if call.decision else "none"
        self._calls.labels(call.direction or "unknown", mode, call.outcome or "unknown").inc()
        for press in call.key_presses:
            self._keys.labels(press.key, press.result).inc()

    def captured(self, capture: Capture, *, kept: bool, recorded: bool) -> None:
        result = DISCARDED if not kept else KEPT if recorded else NOT_RECORDED
        self._captures.labels(result).inc()
        for seconds in [each for each in [_first_sample(capture)] if each is not None]:
            self._first_sample.observe(seconds)

    def refused(self, action: str) -> None:
        self._refusals.labels(action).inc()

    def archived(self, capture: Capture) -> None:
        if capture.ended_at:
            self._archived.observe(_seconds(capture.ended_at, datetime.now(UTC)))

    def failed(self, error: Exception) -> None:
        self._errors.labels(part_of(error), fault_of(error)).inc()

    def alert(self, way: str, *, sent: bool) -> None:
        self._alerts.labels(way, "sent" if sent else "failed").inc()


def _first_sample(capture: Capture) -> float | None:
    """Returns the seconds from the request of the first segment until both its tracks had begun."""
    first = capture.segments[0] if capture.segments else None
    if not first or not first.requested_at or not (first.external.started_at and first.staff.started_at):
        return None
    return _seconds(first.requested_at, max(first.external.started_at, first.staff.started_at))


def _seconds(begin: datetime, end: datetime) -> float:
    """Returns the seconds between two moments; none below 0, where a clock was set meanwhile."""
    return max(0.0, end.timestamp() - begin.timestamp())
