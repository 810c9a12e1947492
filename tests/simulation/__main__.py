"""Runs the simulation from a fresh seed, which it prints, until the time is over or something is wrong.

What failed with a seed fails with it again (`--seed`). Exit code 1: something was wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from random import SystemRandom

from tests.simulation.run import Plan, of_seed
from tests.simulation.shrink import shrink

PATIENCE_S = 30.0
"""How long a story is made shorter."""
_HASHES = {"PYTHONHASHSEED": "0"}


def main() -> int:
    """Runs seed after seed until the time is over or one fails. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--runs", type=int, default=1, help="how many at least")
    asked = parser.parse_args()
    _with_the_same_hashes()
    seed = SystemRandom().getrandbits(32) if asked.seed is None else asked.seed
    print(f"simulation: seed {seed}", flush=True)
    begin, steps, runs = time.monotonic(), 0, 0
    while runs < asked.runs or time.monotonic() - begin < asked.seconds:
        outcome = of_seed(seed + runs)
        steps, runs = steps + outcome.steps, runs + 1
        if outcome.wrong:
            _report(seed + runs - 1, outcome.wrong)
            return 1
    print(f"simulation: {runs} runs, {steps / (time.monotonic() - begin):.0f} steps a second, nothing wrong")
    return 0


def _with_the_same_hashes() -> None:
    """Starts this program anew where the order of sets would be another one each time."""
    if os.environ.get("PYTHONHASHSEED") != _HASHES["PYTHONHASHSEED"]:
        os.execve(  # noqa: S606
            sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], os.environ | _HASHES
        )


def _report(seed: int, wrong: list[str]) -> None:
    """Prints the shortest story that was found of a failure."""
    _, outcome = shrink(Plan.of(seed), wrong[0], PATIENCE_S)
    print(*outcome.story, "", *(f"WRONG  {each}" for each in outcome.wrong), sep="\n")
    print(f"\nagain: make simulate SEED={seed} SECONDS=0")


if __name__ == "__main__":
    sys.exit(main())
