"""Measures the archive: python -m bench.archive [--quick]

Calls that are over lie on a real Asterisk, and go into a real SeaweedFS and SQLite by the archiver of a
controller, in this process; beside it, in turn, what an administrator's script does with what MixMonitor has
written: `lame`, `put_object`, a row, one call after another. Then how many at a time help, how long one
recording takes by its length and how much memory, and how long a short one waits behind one of hours.
"""

from __future__ import annotations

import argparse
import re
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import soundfile
import structlog

from bench.archiving import (
    OfficeAfterCalls,
    office_after_calls,
    running,
    seconds_until_archived,
    wait_until_archived,
)
from bench.machine import facts_of_calls
from bench.pairs import by_round, in_turn
from bench.report import Chart, Ratio, Row, finish
from callrec.archive.archiver import Archiver

SECONDS, COUNT, ROUNDS = 40.0, 12, 5
LENGTHS = (10.0, 40.0, 180.0, 600.0, 3600.0)
SHORT, LONG = 10.0, 3 * 3600.0
LANES = {1: (0, 0), 2: (1, 1), 4: (2, 2), 5: (2, 3), 10: (4, 6)}
"""Workers: how many join and how many upload. The one does both in turn; five is the archiver as it is."""
Cost = dict[str, float]


def main() -> int:
    quick = _options().quick
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with office_after_calls() as office:
        rounds = 2 if quick else ROUNDS
        script = Script(office)
        ways = {"callrec": lambda: _callrec(office), "script": lambda: script.run(office)}
        costs = in_turn(ways, rounds)
        lanes = {str(each): partial(_by_lanes, office, each) for each in LANES}
        rates = in_turn(lanes, rounds)
        lengths = in_turn(_by_length(office, LENGTHS[:3] if quick else LENGTHS), rounds)
        long = 1200.0 if quick else LONG
        short = [_behind(office, long) for _ in range(rounds)]
        memory = in_turn({f"{each:g}": partial(_memory, office, each) for each in (SHORT, long)}, rounds)
        machine = facts_of_calls(office.app.pbx.version())
    return finish(
        "archive",
        "The archive",
        f"`python -m bench.archive`: {COUNT} recordings of {SECONDS:g} s a round.",
        machine,
        ratios=_ratios(costs, lengths["10"], short),
        rows=[*_rows(costs, rates, short), *_memory_rows(memory)],
        charts=_charts(rates, lengths),
        quick=quick,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.archive")
    parser.add_argument("--quick", action="store_true", help="a trial of under a minute; writes nothing")
    return parser.parse_args()


# --- what is measured


class Script:
    """What is done today: MP3 of what MixMonitor wrote, put, and a row; nothing is read back."""

    def __init__(self, office: OfficeAfterCalls) -> None:
        both = [soundfile.read(office.sound(SECONDS, side), dtype="int16")[0] for side in (0, 1)]
        self._mixed, self._number = office.home / "mixed.wav", 0
        soundfile.write(self._mixed, both[0] // 2 + both[1] // 2, 8000, subtype="PCM_16")
        self._database = sqlite3.connect(office.home / "script.db")
        self._database.execute("CREATE TABLE recordings (id INTEGER, key TEXT, at TEXT)")

    def run(self, office: OfficeAfterCalls) -> Cost:
        s3: Any = office.s3.client()

        def work() -> None:
            for _ in range(COUNT):
                self._one(s3, office.s3.bucket)

        return _costs(office, work)

    def _one(self, s3: Any, bucket: str) -> None:
        self._number += 1
        made = self._mixed.with_name(f"{self._number}.mp3")
        subprocess.run(["lame", "--quiet", self._mixed, made], check=True)
        s3.put_object(Bucket=bucket, Key=f"script/{made.name}", Body=made.read_bytes())
        with self._database:
            row = (self._number, made.name, time.ctime())
            self._database.execute("INSERT INTO recordings VALUES (?, ?, ?)", row)
        made.unlink()


def _callrec(office: OfficeAfterCalls) -> Cost:
    archiver, captured = office.archiver(), office.ended(SECONDS, COUNT)
    with running(archiver):
        return _costs(office, lambda: seconds_until_archived(office, archiver, captured))


def _costs(office: OfficeAfterCalls, work: Callable[[], object]) -> Cost:
    """Returns for each recording the CPU seconds of every process, and the seconds by the wall."""
    before, children, begin = office.cpu(), _children(), time.perf_counter()
    work()
    taken, after = time.perf_counter() - begin, office.cpu()
    used = {name: (after[name] - before[name]) / COUNT for name in after}
    used["controller"] += (_children() - children) / COUNT
    return {**used, "CPU": sum(used.values()), "wall": taken / COUNT}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _by_lanes(office: OfficeAfterCalls, count: int) -> float:
    """Returns the recordings a second from hang-up to archived, by so many threads."""
    archiver, captured = office.archiver(), office.ended(SECONDS, COUNT)
    if count == 1:
        begin = time.perf_counter()
        for each in captured:
            office.app.spool.hand_over(each)
        archiver.work()
        return COUNT / wait_until_archived(office, captured, begin)
    _limit(archiver, count)
    with running(archiver):
        return COUNT / seconds_until_archived(office, archiver, captured)


def _limit(archiver: Archiver, count: int) -> None:
    for lanes, queue, wanted in zip(
        (archiver._joining, archiver._uploading),
        (archiver._to_join, archiver._to_upload),
        LANES[count],
        strict=True,
    ):
        del lanes[wanted:]
        lanes += [archiver._lane(queue, lambda _: True) for _ in range(wanted - len(lanes))]


def _by_length(office: OfficeAfterCalls, lengths: tuple[float, ...]) -> dict[str, Callable[[], float]]:
    return {f"{each:g}": partial(_alone, office, each) for each in lengths}


def _alone(office: OfficeAfterCalls, seconds: float) -> float:
    """Returns the seconds from hang-up to archived, when nothing else is to be done."""
    archiver, captured = office.archiver(), office.ended(seconds)
    with running(archiver):
        time.sleep(0.1)  # the lanes have looked around
        return seconds_until_archived(office, archiver, captured)


def _behind(office: OfficeAfterCalls, seconds: float) -> float:
    """Returns the same of a short one whose call ends just after one of hours, of so many seconds."""
    archiver, longer, shorter = office.archiver(), office.ended(seconds), office.ended(SHORT)
    with running(archiver):
        begin = time.perf_counter()
        office.app.spool.hand_over(longer[0])
        archiver.wake()
        time.sleep(0.5)  # it is being fetched
        taken = seconds_until_archived(office, archiver, shorter)
        assert not office.archived(longer)
        wait_until_archived(office, longer, begin)
    return taken


def _memory(office: OfficeAfterCalls, seconds: float) -> float:
    """Returns by how many MB this process has grown at most while it archived one recording."""
    archiver, captured = office.archiver(), office.ended(seconds)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the highest begins anew
    before = _status("VmRSS")
    with running(archiver):
        seconds_until_archived(office, archiver, captured)
    return _status("VmHWM") - before


def _status(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found
    return int(found[1]) / 1024


# --- what is told


def _ratios(costs: dict[str, list[Cost]], alone: list[float], behind: list[float]) -> list[Ratio]:
    def compared(what: str, name: str) -> Ratio:
        of, to = ([each[name] for each in costs[way]] for way in ("callrec", "script"))
        return Ratio(what, "callrec, read back and compared", "lame and put_object", by_round(of, to))

    return [
        compared("CPU seconds of all processes a recording", "CPU"),
        compared("seconds a recording", "wall"),
        Ratio("seconds of a 10-s call", "behind one of 3 h", "alone", by_round(behind, alone)),
    ]


def _rows(costs: dict[str, list[Cost]], rates: dict[str, list[float]], behind: list[float]) -> list[Row]:
    names = ("controller", "S3 server", "Asterisk")
    parts = [
        Row(f"CPU a recording of {SECONDS:g} s: {name}", "ms", None, _milliseconds(costs["callrec"], name))
        for name in names
    ]
    script = Row("the same by the script, all", "ms", None, _milliseconds(costs["script"], "CPU"))
    lanes = [Row(f"recordings a second, {each} workers", "", None, rates[each], judged=min) for each in rates]
    return [*parts, script, *lanes, Row("a 10-s call behind one of 3 h", "s", 5.0, behind)]


def _memory_rows(grown: dict[str, list[float]]) -> list[Row]:
    return [
        Row(f"memory to archive a recording of {seconds} s", "MB", None, grown[seconds]) for seconds in grown
    ]


def _milliseconds(costs: list[Cost], name: str) -> list[float]:
    return [each[name] * 1000 for each in costs]


def _charts(rates: dict[str, list[float]], lengths: dict[str, list[float]]) -> list[Chart]:
    by_lanes = [(float(each), median(rates[each])) for each in rates]
    by_length = [(float(each), median(lengths[each])) for each in lengths]
    return [
        Chart("workers", "recordings a second", x="workers", y="1/s", lines={"callrec": by_lanes}),
        Chart("lengths", "hang-up to archived", x="s of sound", y="s", lines={"alone": by_length}, log=True),
    ]


if __name__ == "__main__":
    sys.exit(main())
