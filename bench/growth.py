"""How work grows with what there is: python -m bench.growth [--quick] [CASE…]

Takes the processor's time of what each part does (tests/growth_cases.py) about so many things, ten and a
hundred times as many, in turn, and fits a power to it: 1 grows as what there is, 2 as its square. What is
done about one thing beside many others is not to grow at all. `tests/unit/test_work_grows.py` counts the
operations of the same.
"""

from __future__ import annotations

import argparse
import gc
import logging
import math
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

import structlog

from bench.machine import facts
from bench.pairs import ROUNDS, by_round, in_turn
from bench.report import Chart, Ratio, Row, finish
from callrec.commands import GARBAGE
from callrec.controller.rules_in_force import keep_for_good
from tests.growth_cases import CASES, Case, Step

TIMES = (1, 10, 100)
POWER = 1.2
"""The power that fits n log n between a hundred and ten thousand."""
MORE = 1.6
"""How much more one of ten times as many may take: of n log n a third, and something for the caches."""
AGAIN = 21
"""How often what is done beside others is done, of which the median counts."""
BESIDE = 1.3
"""How much more one thing may take beside a hundred times as many others."""

Times = dict[str, dict[int, list[float]]]
"""By case and size, the seconds of each round."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help="which; without, all of them")
    parser.add_argument("--quick", action="store_true", help="once, and up to ten times as many")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    gc.set_threshold(GARBAGE)
    names = asked.cases or list(CASES)
    found = {name: _measure(CASES[name], quick=asked.quick) for name in names}
    ratios = [_ratio(name, CASES[name], times) for name, times in found.items()]
    rows = [row for name, times in found.items() for row in _rows(name, CASES[name], times)]
    lines = {name: [(size, median(each)) for size, each in times.items()] for name, times in found.items()}
    whole = {name: points for name, points in lines.items() if not CASES[name].beside}
    beside = {name: points for name, points in lines.items() if CASES[name].beside}
    charts = [
        Chart("work", "Work about so many things", "things", "CPU s", whole, log=True),
        Chart("beside", "Work about one thing beside so many", "things", "CPU s", beside, log=True),
    ]
    how = "`python -m bench.growth`: work about so many things, ten and a hundred times as many."
    return finish(
        "growth",
        "Growth",
        how,
        facts(),
        ratios=ratios,
        rows=rows,
        charts=[each for each in charts if each.lines],
        quick=asked.quick,
        beside=bool(asked.cases),
    )


def _measure(case: Case, *, quick: bool) -> dict[int, list[float]]:
    """Returns the CPU seconds of the work about so many things, by how many, round by round."""
    sizes = [case.least * each for each in TIMES[: 2 if quick else 3]]
    found = in_turn({str(size): partial(_time, case, size) for size in sizes}, 1 if quick else ROUNDS)
    return {size: found[str(size)] for size in sizes}


def _time(case: Case, size: int) -> float:
    """Returns the CPU seconds of the work once, with garbage looked for as in `callrec serve`."""
    folder = Path(tempfile.mkdtemp(prefix="callrec-bench-"))
    try:
        step = case.make(size, folder)
        keep_for_good()
        return _beside(step) if case.beside else _seconds(step)
    finally:
        gc.unfreeze()
        shutil.rmtree(folder)


def _beside(step: Step) -> float:
    """Returns what a step takes that can be done again, once it has been done: in microseconds it tells more
    of the processor's caches the first time."""
    step()
    return median(_seconds(step) for _ in range(AGAIN))


def _seconds(step: Step) -> float:
    begin = time.process_time()
    step()
    return time.process_time() - begin


def _ratio(name: str, case: Case, times: dict[int, list[float]]) -> Ratio:
    """Returns how much more the work takes about the most things: each of them, or the one beside them."""
    *_, fewer, most = times
    if case.beside:
        first, *_ = times
        return Ratio(name, f"beside {most:,}", f"{first:,}", by_round(times[most], times[first]), BESIDE)
    each = [ratio * fewer / most for ratio in by_round(times[most], times[fewer])]
    return Ratio(name, f"each of {most:,}", f"{fewer:,}", each, MORE)


def _rows(name: str, case: Case, times: dict[int, list[float]]) -> list[Row]:
    *_, fewer, most = times
    growing = [math.log(ratio, most / fewer) for ratio in by_round(times[most], times[fewer])]
    power = [] if case.beside else [Row(f"{name}: power", "", POWER, growing, judged=median)]
    return [*power, Row(f"{name}, {most:,}", "ms", None, [each * 1e3 for each in times[most]], judged=median)]


if __name__ == "__main__":
    sys.exit(main())
