"""Tries bad input from a fresh seed, which it prints, until the time is over.

Exit code 1: something was wrong. What was wrong with a seed is wrong with it again (`--seed`; with
`--seconds 0` only that).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import SystemRandom

from tests.bad_input.program import Ended, Trials


def main() -> int:
    """Runs seed after seed until the time is over. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bad_input", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    first = SystemRandom().getrandbits(32) if asked.seed is None else asked.seed
    print(f"bad input: seed {first}", flush=True)
    begin, seed = time.monotonic(), first
    kinds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="callrec-bad-") as folder:
        trials = Trials(Path(folder))
        while seed == first or time.monotonic() - begin < asked.seconds:
            ended = trials.run(seed)
            if wrong := ended.wrong():
                kinds[wrong] += 1
                _report(seed, wrong, ended)
            seed += 1
    print(f"bad input: {seed - first} runs, {dict(kinds) or 'nothing wrong'}")
    return 1 if kinds else 0


def _report(seed: int, wrong: str, ended: Ended) -> None:
    print(f"\nWRONG  {wrong}\nagain: python -m tests.bad_input --seconds 0 --seed {seed}")
    for said in (ended.line, dict(ended.place.environment), ended.code, ended.err):
        print(f"  {said!r:.500}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
