"""Calls on the demo's real PBX, S3 server and database: how soon they are recorded, how soon found.

python -m bench.calls [--calls 20] [--talk 180] [--hours 3]

All calls are up at once; they are hung up one after the other, so that each is archived while the
others go on. Prints the results and writes them into bench/RESULTS.md. Exit code 1: a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from bench.machine import facts_of_calls
from bench.report import Row, finish
from callrec.catalogue.calls import SearchHit
from callrec.demo.pbx import PbxPorts
from callrec.demo.softphones import Sound, Switchboard, Talk
from callrec.demo.system import DemoSystem
from tests.integration.system import SystemUnderTest, talk_for
from tests.long_call import peak_megabytes

ARCHIVE_SECONDS = 60.0


def main() -> int:
    asked = _options()
    with tempfile.TemporaryDirectory(prefix="callrec-bench-") as home:
        print(f"memory for a call of {asked.hours} hours …", flush=True)
        memory = peak_megabytes(asked.hours * 60, Path(home))
        with (
            DemoSystem(Path(home), ports=PbxPorts.free()) as demo,
            Switchboard("127.0.0.1", demo.pbx.ports.sip) as switchboard,
        ):
            print(f"{asked.calls} calls at once, {asked.talk} s of talk …", flush=True)
            starts, waits = _measure(SystemUnderTest(demo, switchboard), asked.calls, asked.talk)
            machine = facts_of_calls(demo.app.pbx.version())
    rows = [
        Row("both parties in a bridge → first sample recorded", "ms", 20, starts),
        Row(f"hang-up after {asked.talk} s → read back from S3 and found by search", "s", 2, waits),
        Row(f"memory of the process that joins a call of {asked.hours} h", "MB", 100, [memory]),
    ]
    options = f"--calls {asked.calls} --talk {asked.talk} --hours {asked.hours}"
    how = f"`python -m bench.calls {options}`, the phones on the same machine:"
    return finish("Calls", how, rows, machine)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.calls", description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=20, help="calls at once (%(default)s)")
    parser.add_argument("--talk", type=int, default=180, help="seconds each talks at least (%(default)s)")
    parser.add_argument("--hours", type=int, default=3, help="length of the long call (%(default)s)")
    return parser.parse_args()


def _measure(system: SystemUnderTest, count: int, seconds: int) -> tuple[list[float], list[float]]:
    """Returns for each call the ms until its first samples, and the s from its hang-up until it is found."""
    begin = system.app.now
    starts: list[float] = []
    waits: list[float] = []
    with system.rule("automatic"):
        callers = _dial(system, count)
        talk_for(list(callers.values())[-1:], seconds)
        for number, caller in callers.items():
            hung_up = time.monotonic()
            caller.hangup()
            found = system.recording_of("+81" + number[1:], begin, ARCHIVE_SECONDS)
            waits.append(time.monotonic() - hung_up)
            starts += _starts(found)
            _check_length(found, seconds)
    return starts, waits


def _dial(system: SystemUnderTest, count: int) -> dict[str, Talk]:
    """Returns the callers, by their numbers, each in a call with 2101; a new call every half second or so."""
    callers: dict[str, Talk] = {}
    for index in range(count):
        number = f"0333300{index:03}"
        callers[number] = system.caller(number).dial("2101", Sound(500))
        system.phone("2101").pick_up(Sound(1000))
        talk_for([callers[number]], 0.5)
    return callers


def _starts(found: SearchHit) -> list[float]:
    """Returns the ms from the bridge to the first sample of each track, as the manifest has it."""
    assert found.recording and found.call.answered_at
    segment = found.recording.manifest["capture"]["segments"][0]
    tracks = [datetime.fromisoformat(segment[side]["started_at"]) for side in ("external", "staff")]
    return [(track - found.call.answered_at).total_seconds() * 1000 for track in tracks]


def _check_length(found: SearchHit, seconds: int) -> None:
    """Raises AssertionError for a recording that is over a second too short."""
    assert found.recording
    audio = found.recording.manifest["audio"]
    assert audio["frames"] / audio["sample_rate"] > seconds - 1, "the recording is not whole"


if __name__ == "__main__":
    sys.exit(main())
