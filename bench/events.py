"""How many events of a PBX the controller can take: python -m bench.events [--quick] [--profile]

Transcripts of real calls of all kinds are sent to a controller in a process of its own, over a websocket, by
a PBX that is none: at the pace of so many calls, a hundred times as fast as the calls were, and as fast as
the controller reads. Nothing may be missing afterwards: no event, no answer at the gate, no call in the
spool. Beside it, what the controller holds while 10, 100 and 500 calls are recorded.
"""

from __future__ import annotations

import argparse
import atexit
import cProfile
import gc
import json
import os
import pstats
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import facts
from bench.pairs import ROUNDS, by_round, in_turn
from bench.replayed_pbx import WHOLE, ReplayedPbx, transcript
from bench.report import Chart, Ratio, Row, finish, p95
from callrec import ids
from callrec.controller.controller import Controller
from callrec.demo.pbx import provide_asterisk
from callrec.log_lines import log_to_stderr
from callrec.meters import Meters
from callrec.model.tones import Tones
from callrec.pbx.ari import Ari
from callrec.pbx.events import Event
from callrec.recording.environment import Environment
from callrec.recording.tracker import CallTracker
from callrec.settings import PbxSettings
from callrec.spool.directory import Spool
from tests.scenarios.replay import office, prompts
from tests.unit.fakes import FakeDialplan

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

A_CALL = 60
"""Events that a PBX makes of one recorded call, of which it sends callrec a part."""
BUSY_HOUR = 300 / 180
"""Calls a second of 300 at once, of three minutes each: what one PBX carries."""
CALLS, TIMES, AT_ONCE, LIVE = 200, 4, 100, (10, 100, 500)
TIMES_100, PACED_AT_ONCE = 250.0, 10
"""Events a second of a call at a time, ten seconds long, a hundred times as fast; and those side by side."""
GATE_SECONDS = 0.015


def main() -> int:
    asked = _options()
    if asked.controller:
        return _controller(asked.controller, Path(asked.folder), profiled=asked.profile)
    calls, live, rounds = (60, (10, 50), 1) if asked.quick else (CALLS, LIVE, ROUNDS)
    ways = {"flood": lambda: _flood(calls), "more": lambda: _flood(calls * TIMES)}
    if asked.profile:
        print(_flood(calls, profiled=True))
        return 0
    found = in_turn(ways if not asked.quick else {"flood": ways["flood"]}, rounds, warm_up=not asked.quick)
    paced = _paced(calls)
    held = [(count, _live(count)) for count in live]
    flood = found["flood"]
    rows = [
        Row("events a second, as fast as they are taken", "/s", None, [each["rate"] for each in flood]),
        Row("processor of the controller for an event", "µs", None, [each["cpu"] * 1e6 for each in flood]),
        Row("waiting at the gate, calls × 100", "ms", GATE_SECONDS * 1e3, paced["gate"], judged=p95),
        Row("the longest wait at the gate, calls × 100", "ms", None, [max(paced["gate"])]),
        Row("events missing", "", 0, [each["missing"] for each in (*flood, paced)]),
        Row("calls missing", "", 0, [each["lost"] for each in (*flood, paced)]),
        Row("waits for the disk a call", "", None, [each["syncs"] for each in flood]),
        *(Row(f"memory at {count} recorded calls", "MB", None, [each["memory"]]) for count, each in held),
        *(Row(f"threads at {count} recorded calls", "", None, [each["threads"]]) for count, each in held),
        *(Row(f"descriptors at {count} recorded calls", "", None, [each["files"]]) for count, each in held),
    ]
    needed = A_CALL * BUSY_HOUR
    ratios = [
        Ratio("what a busy PBX sends", "its events a second", "those that are taken",
              [needed / each["rate"] for each in flood], goal=0.2),
    ]  # fmt: skip
    if not asked.quick:
        many = [1 / each["rate"] for each in found["more"]]
        of = by_round(many, [1 / each["rate"] for each in flood])
        ratios.append(
            Ratio("time for an event", f"of {calls * TIMES:,} calls", f"of {calls:,}", of, goal=1.2)
        )
    chart = Chart("memory", "The controller while calls are recorded", "calls", "MB",
                  {"resident": [(count, each["memory"]) for count, each in held]})  # fmt: skip
    how = f"`python -m bench.events`: {calls} calls of {len(WHOLE)} kinds a round, {AT_ONCE} at once."
    return finish(
        "events", "Events", how, facts(), ratios=ratios, rows=rows, charts=[chart], quick=asked.quick
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.events", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a trial of few calls")
    parser.add_argument(
        "--profile", action="store_true", help="print where the thread of events spends its time"
    )
    parser.add_argument("--controller", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args()


# --- what is measured


def _flood(calls: int, *, profiled: bool = False) -> dict[str, Any]:
    """Sends the events of calls as fast as they are taken; returns how fast that was."""
    with _linked(profiled=profiled) as (pbx, controller):
        before, begin = controller.tell(), time.perf_counter()
        _play(pbx, calls)
        return _counted(pbx, controller, before, begin, calls)


def _paced(calls: int) -> dict[str, Any]:
    """Sends calls one after the other, a hundred times as fast; returns how long they waited at the gate."""
    with _linked() as (pbx, controller):
        before, begin = controller.tell(), time.perf_counter()
        _play(pbx, calls, rate=TIMES_100)
        return {**_counted(pbx, controller, before, begin, calls), "gate": [each * 1e3 for each in pbx.gate]}


def _live(calls: int) -> dict[str, float]:
    """Returns what the controller holds while so many calls are recorded."""
    lines = transcript("internal")
    talking = next(i for i, line in enumerate(lines) if "LeftBridge" in line)
    with _linked() as (pbx, controller):
        _play(pbx, calls, lines=lines[:talking])
        _wait(lambda: controller.tell()["live"] == calls, "the calls to be recorded")
        time.sleep(2)
        return controller.tell()


def _play(pbx: ReplayedPbx, calls: int, *, rate: float = 0.0, lines: list[str] | None = None) -> None:
    """Sends so many calls side by side; `rate`: events a second of all, 0: as fast as they are taken."""
    kinds = cycle([lines] if lines else [transcript(name) for name in WHOLE])
    waiting = [pbx.call(next(kinds)) for _ in range(calls)]
    at_once = PACED_AT_ONCE if rate else AT_ONCE
    going, due = waiting[:at_once], time.perf_counter()
    rest = iter(waiting[at_once:])
    while going:
        still: list[Iterator[None]] = []
        for call in going:
            if rate:
                due += 1 / rate
                time.sleep(max(0.0, due - time.perf_counter()))
            if next(call, True):
                still.extend(islice(rest, 1))
            else:
                still.append(call)
        going = still


def _counted(
    pbx: ReplayedPbx, controller: Controlled, before: dict[str, Any], begin: float, calls: int
) -> dict[str, Any]:
    _wait(lambda: controller.tell()["events"] >= pbx.sent, "all events to be taken")
    took, now = time.perf_counter() - begin, controller.tell()
    _wait(lambda: not pbx.asked and controller.tell()["live"] == 0, "the end of all calls")
    after = controller.tell()
    return {
        "rate": now["events"] / took,
        "cpu": (now["cpu"] - before["cpu"]) / now["events"],
        "missing": pbx.sent - after["events"],
        "lost": calls - after["calls"],
        "syncs": (after["syncs"] - before["syncs"]) / calls,
    }


def _wait(ready: Any, what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"waiting for {what}")
        time.sleep(0.02)


# --- the controller, in a process of its own


class Controlled:
    """A controller in a process of its own, which tells how it stands."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def tell(self) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


def _api_docs() -> Path:
    """Returns where Asterisk has the description of its operations."""
    folders = ("usr/share/asterisk/rest-api", "var/lib/asterisk/rest-api")
    return next(found for each in folders if (found := provide_asterisk() / each).exists())


@contextmanager
def _linked(*, profiled: bool = False) -> Iterator[tuple[ReplayedPbx, Controlled]]:
    with tempfile.TemporaryDirectory(prefix="callrec-bench-") as folder, ReplayedPbx(_api_docs()) as pbx:
        command = [sys.executable, "-m", "bench.events", "--controller", pbx.url, "--folder", folder]
        if profiled:
            command.append("--profile")
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, **pipes, stderr=None if profiled else subprocess.DEVNULL) as process:
            assert pbx.linked.wait(30)
            controller = Controlled(process)
            _wait(lambda: controller.tell()["link_up"], "the link")
            yield pbx, controller
            assert process.stdin
            process.stdin.close()


def _controller(url: str, folder: Path, *, profiled: bool) -> int:
    """Runs a controller, and answers each line of the input with how it stands."""
    log_to_stderr(numbers=False)
    spool = Spool(folder / "spool")
    rules = office(("automatic", "everywhere", None, "none"))
    tracker = CallTracker(Environment(rules, prompts, Tones("/prompts"), ids.new, "demo"))
    controller = Controller(
        Ari(PbxSettings.model_validate({"ari_url": url, "ari_password": "x"})),
        tracker,
        spool,
        answer_first=False,
        sound_waits=lambda: None,
        row_waits=lambda: None,
        take_alert=lambda alert: None,
        read_journal=lambda: None,
        stored_keys=dict,
        dialplan=FakeDialplan(),
    )
    counted = _Counted()
    controller.meter(counted)
    gc.freeze()
    if profiled:
        controller.handle = _profiled(controller.handle)  # type: ignore[method-assign,assignment]
    threading.Thread(target=controller.run, daemon=True).start()
    threading.Thread(target=_ticking, args=(controller,), daemon=True).start()
    for _ in sys.stdin:
        print(json.dumps(_standing(controller, spool, counted)), flush=True)
    return 0


class _Counted(Meters):
    """Counts the events that were taken, and the waits for the disk."""

    def __init__(self) -> None:
        self.events = self.syncs = 0
        self._sync, os.fsync = os.fsync, self._fsync  # type: ignore[assignment]

    def _fsync(self, descriptor: FileDescriptorLike) -> None:
        self.syncs += 1
        self._sync(descriptor)

    def event(self, kind: str) -> None:
        self.events += 1


def _ticking(controller: Controller) -> None:
    while True:
        time.sleep(0.5)
        controller.tick()


def _profiled(handle: Callable[[Event], None]) -> Callable[[Event], None]:
    """Returns the same, and prints at the end of the process where its thread has spent its time."""
    profile = cProfile.Profile(time.thread_time)

    def tell() -> None:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(45)

    atexit.register(tell)
    return lambda event: profile.runcall(handle, event)


def _standing(controller: Controller, spool: Spool, counted: _Counted) -> dict[str, Any]:
    status = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line
    )
    return {
        "events": counted.events,
        "syncs": counted.syncs,
        "link_up": controller.link_up,
        "live": len(controller.live()),
        "calls": len(spool.known_calls()) if not controller.live() else 0,
        "cpu": time.process_time(),
        "memory": int(status["VmRSS"].split()[0]) / 1024,
        "threads": threading.active_count(),
        "files": len(list(Path("/proc/self/fd").iterdir())),
    }


if __name__ == "__main__":
    sys.exit(main())
