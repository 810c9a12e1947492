"""Measures everything: python -m bench [--check] [NAME…]

Each benchmark is a process of its own, one after the other. With --check the results go elsewhere, and
every ratio is compared with the one that is committed: exit code 1 where one is a quarter worse, or
was not measured.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import results
from bench.check import compare

ALL: dict[str, list[list[str]]] = {
    "decide": [[]],
    "growth": [[]],
    "events": [[]],
    "custody": [[]],
    "evidence": [[]],
    "moves": [[]],
    "promptness": [[]],
    "rebuild": [[]],
    "latency": [[]],
    "start": [[]],
    "capacity": [[]],
    "cost": [["--talk", "20"], ["--talk", "60", "--calls", "50"]],
    "archive": [[]],
    "storage": [["--migrate"], ["--migrate", "--postgresql"]],
    "upgrade": [[], ["--postgresql"]],
    "catalogue": [[]],
    "scale": [[]],
}
"""Every benchmark, in the order in which they are run, with the arguments of each of its runs."""


def main() -> int:
    asked = _options()
    unknown = set(asked.names) - set(ALL)
    if unknown:
        print(f"there is no benchmark {', '.join(sorted(unknown))}: {', '.join(ALL)}", file=sys.stderr)
        return 2
    names = asked.names or list(ALL)
    return _check(names) if asked.check else max(_run(name, results.folder()) for name in names)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; without, all of them")
    parser.add_argument(
        "--check", action="store_true", help="compare with what is committed, and write nothing"
    )
    return parser.parse_args()


def _check(names: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="callrec-bench-") as folder:
        for name in names:
            _run(name, Path(folder))
        worse = [line for name in names for line in compare(name, results.COMMITTED, Path(folder))]
    print("\n".join(worse or ["no ratio is a quarter worse than what is committed"]))
    return 1 if worse else 0


def _run(name: str, place: Path) -> int:
    """Runs one benchmark, and returns the highest of its exit codes."""
    return max(_run_once([f"bench.{name}", *arguments], place) for arguments in ALL[name])


def _run_once(module: list[str], place: Path) -> int:
    print(f"== {' '.join(module)}", flush=True)
    command = [sys.executable, "-m", *module]
    return subprocess.run(command, env={**os.environ, "BENCH_INTO": str(place)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
