"""What a recorded call costs, and one that is not: CPU seconds of all processes a call-minute.

python -m bench.cost [--calls 10 50 100] [--talk 20] [--rounds 5] [--quick]

Seven ways, in turn, with the same phones, sound and options of Dial(). On a PBX without callrec: a call that
is not recorded, one that MixMonitor records (mixed, or in stereo), and one after which `lame`, `aws s3 cp`
and `sqlite3` keep what was mixed. Beside it, with callrec: a call that is recorded automatically (stereo,
FLAC, read back from S3), one on standby that is discarded, and one that must not be recorded. Counted is
from the first ring until nothing is left to do, without the phones, and without what the same processes use
while nobody calls. What a call costs once and what each of its minutes does tell calls of two lengths apart:
each run adds its own to the results. Needs lame, awscli and sqlite3. Exit code 1: a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from bench.cpu import Meter, Seconds
from bench.machine import facts_of_calls
from bench.pairs import ROUNDS, by_round, in_turn
from bench.parts import running_system
from bench.phones import Phones
from bench.plain_pbx import MIXMONITOR, MIXMONITOR_STEREO, NOT_RECORDED, PATH, PROGRAMS, PlainPbx
from bench.report import Chart, Ratio, Row, finish
from callrec.catalogue.finding import SearchHit
from tests.integration.system import WAITING, SystemUnderTest, eventually

Rounds = dict[str, list[Seconds]]
"""What each way used, round by round."""

NONE, MIXED, STEREO = "not recorded", "MixMonitor", "MixMonitor stereo"
ADMIN = "MixMonitor, lame, aws, sqlite3"
AUTOMATIC, STANDBY, NEVER = "callrec automatic", "callrec standby", "callrec never"
CALLS = [10, 50, 100]
PROGRAMS_USED = ("lame", "aws", "sqlite3")
WAYS = (NONE, MIXED, STEREO, ADMIN, AUTOMATIC, STANDBY, NEVER)
ASTERISK, PLAIN, CONTROLLER, S3 = "Asterisk", "Asterisk without callrec", "controller", "S3"
PROGRAMS_AFTER = "programs"
ALONE = f"{AUTOMATIC}, Asterisk alone"
COMPARED = [
    (ALONE, MIXED, 0.95),
    (ALONE, STEREO, None),
    (AUTOMATIC, ADMIN, 0.35),
    (NEVER, NONE, 1.1),
    (STANDBY, MIXED, None),
]
"""What costs how much at most of what: the recording itself, all of it, the gate."""
IDLE_SECONDS, WARM_UP_SECONDS, PATIENCE = 15.0, 3, 120.0
RATE = 20.0
"""Calls that begin a second, and that end."""


def main() -> int:
    asked = _options()
    if missing := [each for each in PROGRAMS_USED if not shutil.which(each, path=PATH)]:
        print(f"not installed: {', '.join(missing)}", file=sys.stderr)
        return 2
    if asked.quick:
        asked.calls, asked.talk, asked.rounds = [5], 5, 1
    with running_system() as system, ExitStack() as stack:
        plain = stack.enter_context(PlainPbx(system.demo.home / "plain", system.demo.s3).running())
        bench = Bench(system, plain, stack, asked.talk)
        machine = {**facts_of_calls(system.app.pbx.version()), **_versions()}
        return max([_measure(bench, count, asked, machine) for count in asked.calls])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.cost", description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, nargs="+", default=CALLS, help="calls at once (10 50 100)")
    parser.add_argument("--talk", type=int, default=20, help="seconds each talks (%(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of each way (%(default)s)")
    parser.add_argument("--ways", action="append", choices=WAYS, help="this way only (may be repeated)")
    parser.add_argument("--add", type=Path, metavar="FILE", help="keep all rounds in FILE: more can be added")
    parser.add_argument("--quick", action="store_true", help="a trial of five calls")
    return parser.parse_args()


def _measure(bench: Bench, calls: int, asked: argparse.Namespace, machine: dict[str, str]) -> int:
    """Measures so many calls at once in all ways, and tells of that. Returns 1 where a goal is missed."""
    ways = {name: partial(bench.measure, name, calls) for name in asked.ways or WAYS}
    bench.warm_up(ways)
    found: Rounds = in_turn(ways, asked.rounds, warm_up=0)
    if asked.add:
        earlier: dict[str, Rounds] = json.loads(asked.add.read_text()) if asked.add.exists() else {}
        known = earlier.get(str(calls), {})
        found = {name: [*known.get(name, []), *rounds] for name, rounds in found.items()}
        asked.add.write_text(json.dumps({**earlier, str(calls): found}, indent=1))
    return _tell(found, calls, asked, machine)


class Bench:
    """Both PBXs with their phones, and what is measured of them."""

    def __init__(self, system: SystemUnderTest, plain: PlainPbx, stack: ExitStack, talk: int) -> None:
        self._system, self._plain, self._calls, self._talk = system, plain, 0, talk
        self._talked = 0.0
        self._phones = stack.enter_context(Phones(system.demo.pbx))
        self._plain_phones = stack.enter_context(Phones(plain.pbx))
        children = {
            ASTERISK: system.demo.pbx.child,
            PLAIN: plain.pbx.child,
            CONTROLLER: system.controller,
            S3: system.demo.s3.child,
        }
        if system.demo.desk:
            system.demo.desk.stop()  # nobody asks it anything
        self._meter = Meter({name: child.pid for name, child in children.items() if child}, IDLE_SECONDS)

    def warm_up(self, ways: Mapping[str, Callable[[], Seconds]]) -> None:
        """Makes short calls that do not count: what is slow the first time is slow then."""
        talk, self._talk = self._talk, WARM_UP_SECONDS
        for name in {NONE, ADMIN, AUTOMATIC}.intersection(ways):
            ways[name]()
        self._talk = talk

    def measure(self, way: str, calls: int) -> Seconds:
        """Makes so many calls in one way; returns the CPU seconds a call-minute of each process."""
        self._calls = calls
        turns: dict[str, Callable[[], Seconds]] = {
            NONE: lambda: self._without(NOT_RECORDED),
            MIXED: lambda: self._without(MIXMONITOR),
            STEREO: lambda: self._without(MIXMONITOR_STEREO),
            ADMIN: lambda: self._without(PROGRAMS),
            AUTOMATIC: lambda: self._with("automatic"),
            STANDBY: lambda: self._with("standby"),
            NEVER: lambda: self._with("never"),
        }
        used = turns[way]()
        found = {name: seconds * 60 / self._talked for name, seconds in used.items()}
        print(f"{way}: {_told(found)}", flush=True)
        return found

    def _without(self, number: str) -> Seconds:
        """Makes the calls on the PBX that has no callrec; what comes after them counts."""
        before, done = self._plain.cpu_seconds, self._plain.done
        with self._counted(PLAIN, S3) as used:
            self._talk_all(self._plain_phones, number)
            if number == PROGRAMS:
                eventually(lambda: self._plain.done == done + self._calls, PATIENCE, "the programs' end")
        self._plain.clear()
        return {**used, PROGRAMS_AFTER: self._plain.cpu_seconds - before}

    def _with(self, mode: str) -> Seconds:
        """Makes the calls that callrec watches, until it has nothing left to do with them."""
        begin = self._system.app.now
        with self._system.rule(mode):
            with self._counted(ASTERISK, CONTROLLER, S3) as used:
                self._talk_all(self._phones, "2101")
                eventually(self._is_done, PATIENCE, "an empty spool")
            self._system.wait_until_clean()
            calls = self._system.calls_since(begin)
        kept = sum(1 for each in calls if each.recording)
        wanted = self._calls if mode == "automatic" else 0
        assert (len(calls), kept) == (self._calls, wanted), self._wrong(calls)
        return used

    def _wrong(self, calls: list[SearchHit]) -> str:
        """Says what became of calls, and what the controller has said last."""
        told = [f"{each.call.decision} {each.call.outcome} {each.recording is not None}" for each in calls]
        log = self._system.controller.log.read_text().splitlines()
        return "\n".join([f"{len(calls)} calls: decision, outcome, whether recorded", *told, *log[-200:]])

    def _is_done(self) -> bool:
        """Looks at the disk only: to ask the PBX would cost what is measured."""
        return not any(any((self._system.demo.home / "spool" / each).iterdir()) for each in WAITING)

    def _talk_all(self, phones: Phones, number: str) -> None:
        """Makes the calls, which last so long from the first answer to the first hang-up."""
        phones.reset()
        began = time.monotonic()
        calls = phones.begin(self._calls, number=number, sound="speech", rate=RATE)
        time.sleep(max(0.0, began + self._talk - time.monotonic()))
        phones.hang_up(*calls, rate=RATE)
        time.sleep(self._calls / RATE + 1)
        self._talked = sum(each.ended - each.answered for each in phones.times(*calls))
        assert self._talked > 0.8 * self._calls * self._talk, f"talked for {self._talked:.0f} s in all"
        load = phones.load()
        print(
            f"  the phones: {load.share:.0%} of a core, latest packet {load.latest * 1000:.0f} ms", flush=True
        )

    @contextmanager
    def _counted(self, *names: str) -> Iterator[Seconds]:
        """Gives what these processes use until the end of the block, once that is reached."""
        used: Seconds = {}
        self._meter.begin()
        yield used
        read = self._meter.read()
        used.update({name: read[name] for name in names})


def _tell(found: Rounds, calls: int, asked: argparse.Namespace, machine: dict[str, str]) -> int:
    at = f"{calls} calls of {asked.talk} s at once"
    whole = {name: _whole(rounds) for name, rounds in found.items()}
    if AUTOMATIC in found:
        whole[ALONE] = [each[ASTERISK] for each in found[AUTOMATIC]]
    ratios = [
        Ratio(at, of, to, by_round(whole[of], whole[to]), goal)
        for of, to, goal in COMPARED
        if of in whole and to in whole
    ]
    rows = [
        Row(f"{at}, {way}, {what}", "CPU s/min", None, values, median)
        for way, rounds in found.items()
        for what, values in [("all", whole[way]), *_apart(rounds)]
    ]
    lines = {way: [(float(calls), median(whole[way]))] for way in found}
    title = f"CPU seconds a call-minute, calls of {asked.talk} s"
    chart = Chart(f"calls-{asked.talk}s", title, x="calls at once", y="CPU s", lines=lines)
    how = (
        "`python -m bench.cost --talk SECONDS`: CPU seconds of all processes a call-minute, from the first "
        "ring until nothing is left to do, of calls with speech from both sides."
    )
    return finish(
        *("cost", "Cost of a call", how, machine),
        ratios=ratios,
        rows=rows,
        charts=[chart],
        quick=asked.quick,
        beside=True,
    )


def _whole(rounds: list[Seconds]) -> list[float]:
    return [sum(each.values()) for each in rounds]


def _apart(rounds: list[Seconds]) -> list[tuple[str, list[float]]]:
    """Returns what each process used, where there are several."""
    names = list(rounds[0])
    return [(name, [each[name] for each in rounds]) for name in names] if len(names) > 1 else []


def _told(used: Seconds) -> str:
    return ", ".join(f"{name} {seconds:.3f}" for name, seconds in used.items())


def _versions() -> dict[str, str]:
    """Returns those of the programs that come after MixMonitor."""
    return {name: _said(name, "--version") for name in PROGRAMS_USED}


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": PATH})
    return done.stdout.splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
