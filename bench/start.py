"""How long commands take as whole processes, beside a Python that does nothing and what has to be imported.

python -m bench.start [--rounds 15] [--quick]

Each process in turn, on a catalogue with calls in it, and through a desk that is running.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from bench.machine import facts
from bench.pairs import by_round, in_turn, seconds
from bench.report import Ratio, Row, finish
from callrec import settings_file
from callrec.app import App
from callrec.demo.processes import wait_until
from tests.filled_catalogue import fill

HELP, SEARCH, DESK = "callrec --help", "callrec search, one day and extension", "the same through the desk"
NOTHING, CLICK = "python -c pass", "python -c 'import click'"
LIBRARIES = "python -c 'import click, sqlalchemy, pydantic'"
SQLITE = "sqlite3 FILE 'select …'"
GOALS = {HELP: 60.0, SEARCH: 200.0, DESK: 100.0}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.start", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="how often each is started (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a trial of three rounds; writes nothing")
    asked = parser.parse_args()
    rounds = 3 if asked.quick else asked.rounds
    with tempfile.TemporaryDirectory(prefix="callrec-bench-") as home, _office(Path(home)) as ways:
        taken = in_turn({name: _timed(command) for name, command in ways.items()}, rounds)
    return finish(
        "start",
        "Start of commands",
        how=f"`python -m bench.start --rounds {rounds}`: whole processes in turn, until they have ended.",
        machine=facts(),
        ratios=_ratios(taken),
        rows=[Row(name, "ms", GOALS.get(name), values, judged=median) for name, values in taken.items()],
        quick=asked.quick,
    )


def _ratios(taken: Mapping[str, list[float]]) -> list[Ratio]:
    pairs = [(HELP, CLICK), (SEARCH, LIBRARIES), (DESK, SEARCH), (DESK, CLICK)]
    pairs += [(DESK, SQLITE)] if SQLITE in taken else []
    return [
        Ratio("time of a process", of=of, to=to, values=by_round(taken[of], taken[to])) for of, to in pairs
    ]


def _timed(command: list[str]) -> Callable[[], float]:
    """Returns what runs a command to its end, and tells the ms."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLREC_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def run() -> None:
        subprocess.run(command, env=environment, capture_output=True, check=True)

    return lambda: seconds(run) * 1000


@contextmanager
def _office(home: Path) -> Iterator[dict[str, list[str]]]:
    """Gives the commands, for a catalogue with calls and a desk."""
    program = [str(Path(sys.executable).with_name("callrec"))]
    config, socket, day = home / "callrec.toml", home / "desk.sock", datetime(2026, 11, 22, 1, tzinfo=UTC)
    url = f"sqlite:///{home}/c.db"
    (home / "keys").mkdir(mode=0o700)
    config.write_text(
        f'[catalogue]\nurl = "{url}"\n[spool]\ndirectory = "{home}/spool"\n'
        f'[desk]\nsocket = "{socket}"\n[evidence]\nkeys = "{home}/keys"\n'
    )
    config.chmod(0o600)
    direct = [*program, "--config", str(config)]
    app = App(settings_file.load(str(config)))
    app.database.upgrade()
    for number in range(100):
        fill(app.database, day + timedelta(minutes=number))
    app.close()
    subprocess.run([*direct, "access", "grant", "root", "handler"], check=True, capture_output=True)
    search = ["search", "2026-11-22", "--extension", "2101"]
    ways = {
        NOTHING: [sys.executable, "-c", "pass"],
        CLICK: [sys.executable, "-c", "import click"],
        LIBRARIES: [sys.executable, "-c", "import click, sqlalchemy, pydantic.main"],
        HELP: [*program, "--help"],
        SEARCH: [*direct, *search],
        DESK: [*program, "--desk", str(socket), *search],
    }
    if sqlite := shutil.which("sqlite3"):
        ways[SQLITE] = [sqlite, f"{home}/c.db", "select id from calls where extension = '2101' limit 100"]
    desk = subprocess.Popen([*direct, "desk"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(socket.exists, 20, "the desk")
        yield ways
    finally:
        desk.terminate()
        desk.wait(20)


if __name__ == "__main__":
    sys.exit(main())
