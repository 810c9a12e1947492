"""Calls on the demo's real PBX, S3 server and database: how soon they are recorded, how soon found.

python -m bench.calls [--calls 20] [--talk 180] [--hours 3]

All calls are up at once; they are hung up one after the other, so that each is archived while the
others go on. Prints the results and writes them into docs/benchmarks. Exit code 1: a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import targets
from bench.machine import facts_of_calls
from bench.parts import kept, milliseconds, running_system
from bench.report import Row, finish
from callrec.catalogue.finding import SearchHit
from callrec.demo.softphones import Sound, Talk
from tests.integration.system import SystemUnderTest, talk_for, talk_seconds
from tests.long_call import peak_megabytes

ARCHIVE_SECONDS = 60.0


def main() -> int:
    asked = _options()
    with running_system() as system:
        print(f"{asked.calls} calls at once, {asked.talk} s of talk …", flush=True)
        measured = _measure(system, asked.calls, asked.talk)
        machine = facts_of_calls(system.app.pbx.version())
    # Last: the disk is still busy with its files when the next thing begins.
    with tempfile.TemporaryDirectory(prefix="callrec-bench-") as home:
        print(f"memory for a call of {asked.hours} hours …", flush=True)
        memory = peak_megabytes(asked.hours * 60, Path(home))
    start, length = targets.FIRST_SAMPLE * 1000, targets.LENGTH * 1000
    found = f"hang-up after {asked.talk} s → read back from S3 and found by search"
    rows = [
        Row("both parties in a bridge → first sample recorded", "ms", start, measured.starts),
        Row("length of the recording against the PBX's clock", "ms", length, measured.lengths),
        Row(found, "s", targets.FOUND, measured.waits),
        Row(f"memory of the process that joins a call of {asked.hours} h", "MB", 100, [memory]),
    ]
    options = f"--calls {asked.calls} --talk {asked.talk} --hours {asked.hours}"
    how = f"`python -m bench.calls {options}`, the phones on the same machine."
    return finish("calls", "Calls", how, machine, rows=rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.calls", description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=20, help="calls at once (%(default)s)")
    parser.add_argument("--talk", type=int, default=180, help="seconds each talks at least (%(default)s)")
    parser.add_argument("--hours", type=int, default=3, help="length of the long call (%(default)s)")
    return parser.parse_args()


@dataclass
class Measured:
    """For each call: ms until the first sample of a track, ms by which its length is off, s until found."""

    starts: list[float] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


def _measure(system: SystemUnderTest, count: int, seconds: int) -> Measured:
    begin, measured = system.app.now, Measured()
    with system.rule("automatic"):
        callers = _dial(system, count)
        talk_for(list(callers.values())[-1:], seconds)
        for number, caller in callers.items():
            hung_up = time.monotonic()
            caller.hangup()
            found = system.recording_of("+81" + number[1:], begin, ARCHIVE_SECONDS)
            measured.waits.append(time.monotonic() - hung_up)
            manifest = system.manifest(kept(found))
            measured.starts += _starts(found, manifest)
            measured.lengths.append(abs(_length(manifest, seconds) - talk_seconds(found.call)) * 1000)
    return measured


def _dial(system: SystemUnderTest, count: int) -> dict[str, Talk]:
    """Returns the callers, by their numbers, each in a call with 2101; a new call every half second or so."""
    callers: dict[str, Talk] = {}
    for index in range(count):
        number = f"0333300{index:03}"
        callers[number] = system.caller(number).dial("2101", Sound(500))
        system.phone("2101").pick_up(Sound(1000))
        talk_for([callers[number]], 0.5)
    return callers


def _starts(found: SearchHit, manifest: dict[str, Any]) -> list[float]:
    """Returns the ms from the bridge to the first sample of each track, as the manifest has it."""
    segment = manifest["capture"]["segments"][0]
    tracks = [datetime.fromisoformat(segment[side]["started_at"]) for side in ("external", "staff")]
    return [milliseconds(found.call.answered_at, track) for track in tracks]


def _length(manifest: dict[str, Any], seconds: int) -> float:
    """Returns the length of the recording in seconds. Raises AssertionError when over a second is missing."""
    audio = manifest["audio"]
    length = float(audio["frames"] / audio["sample_rate"])
    assert length > seconds - 1, "the recording is not whole"
    return length


if __name__ == "__main__":
    sys.exit(main())
