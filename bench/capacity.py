"""How many calls at once can be recorded on this machine without losing anything: callrec beside MixMonitor.

python -m bench.capacity [--talk 6] [--rounds 5] [--at callrec=100 …] [--ways callrec …] [--quick]

A number of calls holds when in every track of every call all that was said is heard: within 40 ms, without a
hole of 20 ms, in its own tone. It is doubled until it does not hold, then the step is halved; then each way
has a turn a round with what it held, and goes down a step where that does not hold again. The same once more
where silence between two packets, which takes nothing away, counts as no hole. Calls that are not recorded
tell what Asterisk can do at all. Where something was lost and the phones themselves had been late, which says
nothing about who records, the trial is made again. `--at` needs no search. Of ways that have no turn stays
what an earlier run measured. Exit code 1: a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from statistics import median

from bench.machine import facts_of_calls
from bench.pairs import by_round, in_turn
from bench.recorded_calls import CALLREC, MIXMONITOR, NONE, RATE, Trial, office
from bench.report import Chart, Ratio, Row, finish

FIRST, LIMIT = 40, 640
TRIALS = 3
"""How often a number of calls is tried at most, where the phones were late and something was lost."""
STEP = 0.1
"""The share of a number of calls that is not worth another trial."""
SOUND = ", all sound"
"""Ends the names of ways of which only the sound that is missing counts."""
WAYS = (CALLREC, MIXMONITOR, CALLREC + SOUND, MIXMONITOR + SOUND, NONE)

Try = Callable[[str, int], bool]


def main() -> int:
    asked = _options()
    trials: dict[str, list[Trial]] = {}
    with office(asked.talk) as calls:
        attempt = attempts(calls.trial, trials)
        start = {way: asked.at.get(way) or search(attempt, way) for way in asked.ways}
        current = {way: max(1, start[way]) for way in asked.ways}
        held = in_turn({way: turn(attempt, current, way) for way in current}, asked.rounds, warm_up=0)
        machine = facts_of_calls(calls.demo.app.pbx.version())
    return finish(
        "capacity",
        "Calls at once",
        _how(asked),
        machine,
        ratios=_ratios(held),
        rows=_rows(held, trials),
        charts=_charts(trials),
        quick=asked.quick,
        beside=True,
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


def turn(attempt: Try, current: dict[str, int], way: str) -> Callable[[], float]:
    """Returns a turn of a way: it tries its number, and goes down until one holds. That is its next one."""

    def one() -> float:
        while not attempt(way, current[way]) and current[way] > 1:
            current[way] = min(current[way] - 1, round(current[way] * (1 - STEP)))
        return float(current[way])

    return one


def attempts(trial_of: Callable[[str, int], Trial], trials: dict[str, list[Trial]]) -> Try:
    """Returns what tries a number of calls, and tells whether it holds. All trials are kept in `trials`."""

    def attempt(way: str, count: int) -> bool:
        recorded = way.removesuffix(SOUND)
        for _ in range(TRIALS):
            trial = trial_of(recorded, count)
            print(f"{way}: {trial}", flush=True)
            trials.setdefault(recorded, []).append(trial)
            held = trial.held_all_sound if way.endswith(SOUND) else trial.held
            if held or trial.phones.in_time:
                break
        return held

    return attempt


def _how(asked: argparse.Namespace) -> str:
    at = "".join(f" --at '{way}={count}'" for way, count in asked.at.items())
    ways = "" if asked.ways == list(WAYS) else " --ways" + "".join(f" '{way}'" for way in asked.ways)
    return (
        f"`python -m bench.capacity --talk {asked.talk:g} --rounds {asked.rounds}{ways}{at}`: {RATE:g} calls"
        " begin a second; phones, PBX, callrec and S3 server on one machine."
    )


def _ratios(held: dict[str, list[float]]) -> list[Ratio]:
    """Returns how many calls MixMonitor holds for one of callrec."""
    return [
        Ratio(f"calls at once{what}", MIXMONITOR, CALLREC, by_round(*_two(held, what)), goal=1.0)
        for what in ("", SOUND)
        if {MIXMONITOR + what, CALLREC + what} <= held.keys()
    ]


def _two(held: dict[str, list[float]], what: str) -> tuple[list[float], list[float]]:
    return held[MIXMONITOR + what], held[CALLREC + what]


def _rows(held: dict[str, list[float]], trials: dict[str, list[Trial]]) -> list[Row]:
    every = [each for those in trials.values() for each in those]
    return [
        *(Row(f"{way}: what held in each round", "calls", None, values, min) for way, values in held.items()),
        Row("the phones: share of a core", "cores", None, [each.phones.share for each in every], median),
        Row("the phones: latest packet", "ms", None, [each.phones.latest * 1000 for each in every]),
    ]


def _charts(trials: dict[str, list[Trial]]) -> list[Chart]:
    """Returns what Asterisk takes, by the last trial of each number of calls."""
    cores = {way: {float(each.calls): each.asterisk for each in those} for way, those in trials.items()}
    lines = {way: sorted(line.items()) for way, line in cores.items()}
    return [Chart("cores", "What Asterisk takes", x="calls at once", y="cores", lines=lines)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.capacity", description=__doc__.partition("\n")[0])
    parser.add_argument("--talk", type=float, default=6.0, help="seconds for which all talk (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each way is confirmed (%(default)s)")
    parser.add_argument("--at", type=_at, action="append", default=[], metavar="WAY=CALLS")
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS), help="without, all")
    parser.add_argument("--quick", action="store_true", help="a trial with few calls; writes nothing")
    asked = parser.parse_args()
    asked.at = dict(asked.at)
    if asked.quick:
        asked.talk, asked.rounds, asked.at = 2.0, 1, dict.fromkeys(WAYS, 10)
    return asked


def _at(text: str) -> tuple[str, int]:
    way, _, count = text.partition("=")
    return way, int(count)


if __name__ == "__main__":
    sys.exit(main())
