"""Tells which part of the way to the first sample of two snoops is the controller's own, for bench.latency:
by a controller that writes down when events came and when requests were answered (bench.traced).

They are begun by a key: of a call that the dialplan records nothing is asked before its first sample.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bench.report import Row, p95
from bench.sample_calls import SampleCalls
from callrec.demo.processes import Child
from tests.integration.system import SystemUnderTest

PART_SHARE = "share"
SIDES = ("-external", "-staff")
OWN = "the controller's own share until both tracks are recorded: event → next request"
REQUESTS = "requests to Asterisk until both tracks are recorded, together"
COUNT = "requests to Asterisk until both tracks are recorded"

Line = dict[str, Any]


def measure_share(system: SystemUnderTest, calls: SampleCalls, rounds: int) -> list[Row]:
    """Makes calls with a controller that traces."""
    trace = system.demo.home / "trace.jsonl"
    with_trace = [sys.executable, "-m", "bench.traced", str(trace), "--config", str(system.demo.config)]
    system.controller.stop()
    system.demo.controller = Child("callrec serve", [*with_trace, "serve"], system.demo.home / "traced.log")
    system.controller.wait_until(system.demo._watching, 30, "the traced controller")
    calls.manual()
    own: list[float] = []
    requests: list[float] = []
    count: list[float] = []
    for _ in range(rounds):
        before = len(_lines(trace))
        calls.manual()
        one = _lines(trace)[before:]
        own.append(_own(one))
        until_recorded = _until_recorded(one)
        requests.append(sum(each["end"] - each["at"] for each in until_recorded) * 1000)
        count.append(len(until_recorded))
    system.controller.stop()
    system.demo.start_controller()
    rows = [Row(OWN, "ms", None, own, judged=p95), Row(REQUESTS, "ms", None, requests, judged=p95)]
    return [*rows, Row(COUNT, "requests", None, count)]


def _lines(trace: Path) -> list[Line]:
    return [json.loads(line) for line in trace.read_text().splitlines()]


def _is(line: Line, text: str) -> bool:
    return text in line.get("request", "")


def _until_recorded(lines: list[Line]) -> list[Line]:
    """Returns the requests about the tracks, from the first snoop to the last track's record."""
    about = [each for each in lines if any(side in each.get("request", "") for side in SIDES)]
    requests = sorted(about, key=lambda each: float(each["at"]))
    snoops = [number for number, each in enumerate(requests) if _is(each, "/snoop")]
    records = [number for number, each in enumerate(requests) if _is(each, "/record")]
    return requests[snoops[0] : records[1] + 1]


def _own(lines: list[Line]) -> float:
    """Returns the ms in which Asterisk waited for the controller: from the event of the key to the first
    snoop, and from the start of each snoop of a track to what is asked of it then, at the longest."""
    requests = _until_recorded(lines)
    pressed = [each["at"] for each in lines if _kind(each) == "ChannelUserevent"]
    first = min(float(requests[0]["at"] - at) for at in pressed if at <= requests[0]["at"])
    waits: list[float] = []
    for started in (each for each in lines if _kind(each) == "StasisStart"):
        id_ = str(started["event"]["channel"]["id"])
        if id_.endswith(SIDES):
            after = [float(each["at"]) for each in requests if f"/{id_}/" in each["request"]]
            waits.append(min(each - started["at"] for each in after if each >= started["at"]))
    return (first + max(waits)) * 1000


def _kind(line: Line) -> str:
    return str(line.get("event", {}).get("type", ""))
