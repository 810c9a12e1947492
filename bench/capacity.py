"""How many calls at once can be recorded on this machine without losing anything: callrec beside MixMonitor.

python -m bench.capacity [--talk 6] [--rounds 5] [--at callrec=100 --at MixMonitor=100] [--quick]

A number of calls holds when in every track of every call all that was said is heard: within 40 ms, without a
hole of 20 ms, in its own tone. It is doubled until it does not hold, then the step is halved; then each way
has a turn a round with what it held, and goes down a step where that does not hold again. Calls that are not
recorded tell what Asterisk can do at all. `--at` begins with the rounds. Exit code 1: a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from bench.machine import facts_of_calls
from bench.pairs import by_round, in_turn
from bench.recorded_calls import CALLREC, MIXMONITOR, NONE, Office, Trial, office
from bench.report import Chart, Ratio, Row, finish

FIRST, LIMIT = 40, 640
STEP = 0.1
"""The share of a number of calls that is not worth another trial."""

Try = Callable[[str, int], bool]


def main() -> int:
    asked = _options()
    trials: dict[str, list[Trial]] = {}
    with office(asked.talk) as calls:
        attempt = _attempts(calls, trials)
        start = dict(asked.at) or {way: search(attempt, way) for way in (CALLREC, MIXMONITOR, NONE)}
        recorded = {way: start[way] for way in (CALLREC, MIXMONITOR)}
        held = in_turn({way: turn(attempt, recorded, way) for way in recorded}, asked.rounds, warm_up=0)
        machine = facts_of_calls(calls.demo.app.pbx.version())
    options = "".join(f" --at {way}={count}" for way, count in asked.at)
    how = f"`python -m bench.capacity --talk {asked.talk:g} --rounds {asked.rounds}{options}`"
    ratio = Ratio(
        "calls at once without a loss",
        of=f"{MIXMONITOR}'s number",
        to=f"{CALLREC}'s",
        values=by_round(held[MIXMONITOR], held[CALLREC]),
        goal=1.0,
    )
    return finish(
        "capacity",
        "Calls at once",
        f"{how}: phones, PBX, callrec and S3 server on one machine; Asterisk with the priority of its -p.",
        machine,
        ratios=[ratio],
        rows=_rows(held, start, trials),
        charts=_charts(trials),
        quick=asked.quick,
    )


def search(attempt: Try, way: str, first: int = FIRST, limit: int = LIMIT) -> int:
    """Returns the highest number of calls that held, to a tenth; 0 where none did."""
    low, high = 0, first
    while high < limit and attempt(way, high):
        low, high = high, 2 * high
    if low >= limit / 2:
        return low
    while high - low > max(1.0, STEP * high):
        middle = (low + high) // 2
        if attempt(way, middle):
            low = middle
        else:
            high = middle
    return low


def _attempts(calls: Office, trials: dict[str, list[Trial]]) -> Try:
    def attempt(way: str, count: int) -> bool:
        trial = calls.trial(way, count)
        print(f"{way}, {trial}", flush=True)
        trials.setdefault(way, []).append(trial)
        return trial.held

    return attempt


def turn(attempt: Try, current: dict[str, int], way: str) -> Callable[[], float]:
    """Returns a turn of a way: it tries its number, and goes down until one holds. That is its next one."""

    def one() -> float:
        while not attempt(way, current[way]) and current[way] > 1:
            current[way] = min(current[way] - 1, round(current[way] * (1 - STEP)))
        return float(current[way])

    return one


def _rows(held: dict[str, list[float]], start: dict[str, int], trials: dict[str, list[Trial]]) -> list[Row]:
    rows = [
        Row(f"{way}: calls that held in every round", "calls", None, values, judged=min)
        for way, values in held.items()
    ]
    if NONE in start:
        rows.append(Row("not recorded: calls without a lost packet", "calls", None, [start[NONE]]))
    every = [each for those in trials.values() for each in those]
    rows.append(Row("the phones: share of a core", "", None, [each.phones.share for each in every]))
    rows.append(Row("the phones: latest packet", "ms", 10, [each.phones.latest * 1000 for each in every]))
    return rows


def _charts(trials: dict[str, list[Trial]]) -> list[Chart]:
    lines = {
        way: sorted({each.calls: each.asterisk for each in those}.items()) for way, those in trials.items()
    }
    points = {way: [(float(calls), cores) for calls, cores in line] for way, line in lines.items()}
    return [Chart("cores", "What Asterisk takes", x="calls at once", y="cores", lines=points)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.capacity", description=__doc__.partition("\n")[0])
    parser.add_argument("--talk", type=float, default=6.0, help="seconds for which all talk (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each way is confirmed (%(default)s)")
    parser.add_argument("--at", type=_at, action="append", default=[], metavar="WAY=CALLS")
    parser.add_argument("--quick", action="store_true", help="a trial with few calls; writes nothing")
    asked = parser.parse_args()
    if asked.quick:
        asked.talk, asked.rounds, asked.at = 2.0, 1, [(CALLREC, 10), (MIXMONITOR, 10)]
    return asked


def _at(text: str) -> tuple[str, int]:
    way, _, count = text.partition("=")
    return way, int(count)


if __name__ == "__main__":
    sys.exit(main())
