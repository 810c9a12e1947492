"""How long a call, a key, a change of rules and a hang-up wait for callrec, beside the PBX alone.

python -m bench.latency [--rounds 40] [--part 0|20|50|hour|rules|found|share]… [--quick]

One call at a time is measured, while so many others are recorded (0, 20, 50), or while recordings of an hour
are archived (hour); each way in turn. On the same PBX: MixMonitor in the dialplan, automixmon by a key, and
Dial() without the gate. A part may have a run of its own: what others measured stays. Exit code 1: a goal is
missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench import targets
from bench.hangups import PART_FOUND, Hangups
from bench.machine import facts_of_calls
from bench.pairs import by_round, in_turn
from bench.parts import Figures, running_system
from bench.phones import Phones
from bench.report import Chart, Ratio, Row, finish, p95
from bench.sample_calls import (
    AUTOMATIC,
    DIALLED_TO_SAMPLE,
    KEY_TO_SAMPLE,
    KEY_TO_TONE,
    KEYS_TO_FILE,
    MANUAL,
    NEVER,
    RINGS,
    RULES,
    TO_SAMPLE,
    SampleCalls,
)
from bench.share import PART_SHARE, measure_share
from callrec.catalogue import rules
from tests.integration.system import SystemUnderTest

LOADS = {
    "0": "no other call",
    "20": "20 other calls",
    "50": "50 other calls",
    "hour": "an hour being archived",
}
PART_RULES = "rules"
PARTS = (*LOADS, PART_RULES, PART_FOUND, PART_SHARE)
GATE = "the gate, against Dial() alone"
RULE = "a change of rules in the catalogue → the controller goes by it"
MILLISECONDS = {
    TO_SAMPLE: targets.FIRST_SAMPLE,
    KEY_TO_SAMPLE: targets.KEY,
    KEY_TO_TONE: targets.TONE,
    GATE: targets.GATE,
}
"""What is measured of calls, and its goal in seconds."""
BY_CALLREC = {DIALLED_TO_SAMPLE: "callrec automatic", KEYS_TO_FILE: "callrec *1", RINGS: "callrec never"}
BY_PBX = {DIALLED_TO_SAMPLE: "MixMonitor", KEYS_TO_FILE: "automixmon", RINGS: "Dial() alone"}
HOLD_SECONDS = 4.0
"""How long other calls talk before anything is measured."""


Way = Callable[[], dict[str, float]]


@dataclass
class Found:
    """What was measured, as it is told."""

    ratios: list[Ratio] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    points: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


def main() -> int:
    asked = _options()
    found = Found()
    with running_system() as system, ExitStack() as stack:
        phones = stack.enter_context(Phones(system.demo.pbx, [MANUAL, AUTOMATIC, NEVER]))
        calls = SampleCalls(system, phones)
        calls.prepare()
        stack.enter_context(system.rules(*RULES))
        hangups = Hangups(system, phones, calls)
        for part in asked.part or PARTS:
            print(f"{part} …", flush=True)
            _measure(part, system, calls, hangups, found, asked.rounds, quick=asked.quick)
        machine = facts_of_calls(system.app.pbx.version())
    return finish(
        "latency",
        "Latency",
        how=f"`python -m bench.latency --rounds {asked.rounds}`: goals are of the 95th percentile.",
        machine=machine,
        ratios=found.ratios,
        rows=found.rows,
        charts=[Chart("calls", "p95 beside other calls", "other calls", "ms", found.points)],
        quick=asked.quick,
        beside=bool(asked.part),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.latency", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=40, help="how often each is measured (%(default)s)")
    parser.add_argument("--part", action="append", choices=PARTS, help="this part only (may be repeated)")
    parser.add_argument("--quick", action="store_true", help="a trial; writes nothing")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.part = 3, asked.part or ["0", PART_RULES]
    return asked


def _measure(
    part: str,
    system: SystemUnderTest,
    calls: SampleCalls,
    hangups: Hangups,
    found: Found,
    rounds: int,
    *,
    quick: bool,
) -> None:
    if part == PART_RULES:
        taken = [_rule_change(system) for _ in range(rounds)]
        found.rows.append(Row(RULE, "s", targets.RULES, taken, judged=p95))
    elif part == PART_FOUND:
        ratios, rows = hangups.measure(quick=quick)
        found.ratios += ratios
        found.rows += rows
    elif part == PART_SHARE:
        found.rows += measure_share(system, calls, rounds)
    else:
        with _load(part, system, hangups):
            ways = {"hour": hangups.begin_hour} if part == "hour" else {}
            _beside(part, in_turn({**ways, **_ways(calls)}, rounds, warm_up=2), found)


def _ways(calls: SampleCalls) -> dict[str, Way]:
    return {
        each.__name__: each
        for each in (
            *(calls.automatic, calls.mixmonitor),
            *(calls.manual, calls.automixmon),
            *(calls.never, calls.bare),
        )
    }


def _beside(part: str, taken: dict[str, list[dict[str, float]]], found: Found) -> None:
    """Adds what calls measured in one load."""

    def values(way: str, what: str) -> list[float]:
        return [each[what] for each in taken[way]]

    figures: Figures = {TO_SAMPLE: values("automatic", TO_SAMPLE)}
    figures |= {what: values("manual", what) for what in (KEY_TO_SAMPLE, KEY_TO_TONE)}
    figures[GATE] = [
        gate - bare for gate, bare in zip(values("never", RINGS), values("bare", RINGS), strict=True)
    ]
    for what, goal in MILLISECONDS.items():
        found.rows.append(Row(f"{what}, {LOADS[part]}", "ms", goal * 1000, figures[what], judged=p95))
        if part.isdigit():
            found.points.setdefault(what, []).append((float(part), p95(figures[what])))
    ways = ((DIALLED_TO_SAMPLE, "automatic", "mixmonitor"), (KEYS_TO_FILE, "manual", "automixmon"))
    for what, ours, theirs in (*ways, (RINGS, "never", "bare")):
        both = values(ours, what), values(theirs, what)
        name = f"{what}, {LOADS[part]}"
        found.ratios.append(Ratio(name, of=BY_CALLREC[what], to=BY_PBX[what], values=by_round(*both)))
        found.rows.append(Row(f"{name}: {BY_PBX[what]}", "ms", None, both[1], judged=p95))


@contextmanager
def _load(part: str, system: SystemUnderTest, hangups: Hangups) -> Iterator[None]:
    """Lets other calls be recorded meanwhile."""
    others = int(part) if part.isdigit() else 0
    begun = hangups.phones.begin(others, number=AUTOMATIC, sound="speech", rate=5) if others else []
    time.sleep(HOLD_SECONDS if others else 0)
    try:
        yield
    finally:
        hangups.phones.hang_up(*begun)
        system.wait_until_clean()


def _rule_change(system: SystemUnderTest) -> float:
    """Returns the seconds from a rule that is in the catalogue until the controller goes by it."""
    with system.app.database.begin() as connection:
        first = rules.in_force(connection)[0]
        rules.change(connection, first.id, who="bench", at=system.app.now, priority=first.priority + 1)
    begin = time.monotonic()
    system.wait_for_rules()
    return time.monotonic() - begin


if __name__ == "__main__":
    sys.exit(main())
