"""What is counted, what stands there when somebody asks, and that nobody's number is in it."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from callrec.errors import (
    CatalogueUnreachable,
    PbxUnreachable,
    StoreUnreachable,
    WrongConfiguration,
)
from callrec.health.gauges import Gauges
from callrec.health.metrics import PrometheusMeters
from callrec.health.metrics_server import MetricsServer
from callrec.meters import part_of
from callrec.model.calls import FeatureCode, KeyPress, KeyResult
from callrec.spool.directory import Spool
from tests.scenarios.replay import transcript
from tests.unit.controller.replayed import NAME, controller_on, play
from tests.unit.fakes import FakePbx
from tests.unit.health.ill import FIGURES, NOON
from tests.unit.samples import START, call, captured_call, segment


@pytest.fixture
def meters(tmp_path: Path) -> PrometheusMeters:
    made = PrometheusMeters()
    made.registry.register(Gauges(tmp_path, lambda: FIGURES))
    return made


def values(meters: PrometheusMeters) -> dict[str, float]:
    """Every sample, by its name and labels."""
    found = {}
    for family in text_string_to_metric_families(meters.text().decode()):
        for each in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(each.labels.items()))
            found[f"{each.name}{{{labels}}}" if labels else each.name] = each.value
    return found


def test_a_call_is_counted_by_mode_and_each_key_by_what_it_did(meters: PrometheusMeters) -> None:
    press = KeyPress("1", FeatureCode.KEEP, KeyResult.KEPT, "1.1", "2101", START)
    meters.call_over(call(key_presses=(press,)))
    meters.call_over(call(decision=None, direction=None))
    found = values(meters)
    assert found["callrec_calls_total{direction=inbound,mode=automatic,outcome=answered}"] == 1
    assert found["callrec_calls_total{direction=unknown,mode=none,outcome=answered}"] == 1
    assert found["callrec_key_presses_total{key=keep,result=kept}"] == 1


def test_the_first_capture_that_is_not_recorded_is_one_more_than_before(meters: PrometheusMeters) -> None:
    """As a figure that is there only from 1 on, CallrecCallsNotRecorded would see no increase."""
    captures = {f"callrec_captures_total{{result={each}}}" for each in ("kept", "not-recorded", "discarded")}
    assert {name: value for name, value in values(meters).items() if name in captures} == dict.fromkeys(
        captures, 0
    )


def test_a_capture_is_counted_with_the_time_to_its_first_sample(meters: PrometheusMeters) -> None:
    made = segment()
    late = START + timedelta(milliseconds=30)
    begun = replace(
        made,
        requested_at=START,
        external=replace(made.external, started_at=START),
        staff=replace(made.staff, started_at=late),
    )
    capture = replace(captured_call().capture, segments=(begun,))
    for kept, recorded in ((True, True), (True, False), (False, True)):
        meters.captured(capture, kept=kept, recorded=recorded)
    found = values(meters)
    assert [
        found[f"callrec_captures_total{{result={each}}}"] for each in ("kept", "not-recorded", "discarded")
    ] == [
        1,
        1,
        1,
    ]
    assert found["callrec_first_sample_seconds_sum"] == pytest.approx(0.09)
    assert found["callrec_first_sample_seconds_bucket{le=0.02}"] == 0


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (StoreUnreachable("x"), "s3"),
        (CatalogueUnreachable("x"), "database"),
        (PbxUnreachable("x"), "pbx"),
        (OSError(28, "x"), "disk"),
        (ZeroDivisionError(), "callrec"),
    ],
)
def test_an_error_is_counted_with_its_part(meters: PrometheusMeters, error: Exception, part: str) -> None:
    meters.failed(error)
    assert (
        values(meters)[f"callrec_errors_total{{fault=unknown,part={part}}}"] == 1 and part_of(error) == part
    )


def test_what_stands_there_is_asked_anew(meters: PrometheusMeters, tmp_path: Path) -> None:
    found = values(meters)
    assert found["callrec_captures_live"] == 2 and found["callrec_custody_head"] == 17
    assert found["callrec_problems{part=calls}"] == 1 and found["callrec_spool_waiting{what=calls}"] == 0
    assert found["callrec_certificate_end_timestamp_seconds{server=s3.city.example:443}"] == NOON.timestamp()
    Spool(tmp_path).save_call(call())
    assert values(meters)["callrec_spool_waiting{what=calls}"] == 1


def test_no_number_of_anybody_is_in_a_label(tmp_path: Path) -> None:
    """A whole call, with all that is counted of it."""
    controller, meters = controller_on(tmp_path, FakePbx(refuse={"record"})), PrometheusMeters()
    controller.meter(meters)
    meters.registry.register(Gauges(tmp_path, lambda: FIGURES))
    play(controller)
    found = values(meters)
    assert found["callrec_events_total{kind=EnteredBridge}"] == 2
    assert found["callrec_pbx_refusals_total{action=RecordSnoop}"] == 2
    words = meters.text().decode()
    assert not [each for each in ("0312345678", "2101", "call-1", "demo-") if each in words]


def test_an_event_costs_next_to_nothing(meters: PrometheusMeters) -> None:
    begin = time.process_time()
    for _ in range(10_000):
        meters.event("EnteredBridge")
    assert time.process_time() - begin < 0.5, "50 µs an event at most; 60 events a call"


@pytest.fixture
def served(meters: PrometheusMeters) -> Iterator[MetricsServer]:
    server = MetricsServer(meters, 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    server.stop()
    thread.join(10)


def test_the_metrics_are_served_on_this_machine_only(served: MetricsServer) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/metrics", timeout=10) as answer:
        assert b"callrec_captures_live 2.0" in answer.read() and answer.headers["Content-Type"].startswith(
            "text/"
        )
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{served.port}/", timeout=10)
    assert served._server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_named(served: MetricsServer, meters: PrometheusMeters) -> None:
    with pytest.raises(WrongConfiguration, match=r"health\.metrics_port \d+ cannot be used"):
        MetricsServer(meters, served.port)


def test_the_transcript_is_one_with_numbers() -> None:
    assert "2101" in str(transcript(NAME))
