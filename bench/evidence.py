"""Measures what evidence costs: python -m bench.evidence

Recordings of an hour each are archived in a real SeaweedFS, and verified by the command, in this process,
which has one core; the store has the other. Beside it, in turn: SHA-256 of the same bytes in memory, and
getting them from the store, for nothing else. Prints the results and writes them into docs/benchmarks. Exit
code 1 where less than 150 MB of FLAC are verified in a second, a manifest is signed in a millisecond or more,
or the root over 10,000 manifests takes a tenth of a second or more.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import numpy as np
import soundfile

from bench.machine import facts
from bench.pairs import by_round
from bench.report import Ratio, Row, finish
from callrec import ids, manifest
from callrec.app import App
from callrec.archive.s3 import CHUNK
from callrec.catalogue.calls import ArchivedRecording, find_recording
from callrec.commands import program
from callrec.configuration import Answers, write_file
from callrec.demo.s3 import DemoS3
from callrec.evidence import merkle
from callrec.model.captures import Track
from callrec.settings_file import load
from tests.unit.bench import Bench, make_bench
from tests.unit.fakes import MemoryStore
from tests.unit.samples import CALL_ID, START, captured_call, segment

RECORDINGS, SECONDS, TIMES = 3, 3600, 5
SIGNED, LEAVES = 1000, 10_000
TARGET = round(1000 / 150, 2)
"""Seconds for 1,000 MB, of which 150 are to be verified in a second."""
OURS, THE_STORES = {0}, {1}
"""The cores of this process and of the store."""


@dataclass
class Archive:
    """An archive with recordings, in a folder."""

    config: Path
    app: App
    kept: list[ArchivedRecording]

    @property
    def megabytes(self) -> float:
        return sum(each.size for each in self.kept) / 1e6


def main() -> int:
    with _archive() as archive:
        _verify(archive, archive.kept[:1])  # what has to be imported is
        sound = [_read(archive.app, each) for each in archive.kept]
        rounds = [_round(archive, sound) for _ in range(TIMES)]
        signing = _signing(archive)
    gigabyte = archive.megabytes / 1000
    verified, working, hashed, got = ([each[place] / gigabyte for each in rounds] for place in range(4))
    print(*(f"{1000 / statistics.median(each):,.0f} MB/s" for each in (verified, working, hashed, got)))
    rows = [
        Row("1,000 MB of FLAC verified, on one core", "s", TARGET, verified, judged=statistics.median),
        Row("of these, what the core worked", "s", TARGET, working, judged=statistics.median),
        Row("SHA-256 of the same bytes, in memory", "s", TARGET, hashed, judged=statistics.median),
        Row("a plain GET of the same bytes", "s", TARGET, got, judged=statistics.median),
        Row("a manifest signed: key read, RFC 8785, Ed25519", "ms", 1, signing, judged=statistics.median),
        Row(f"the Merkle root over {LEAVES:,} manifests", "s", 0.1, _roots()),
    ]
    how = f"{len(archive.kept)} recordings of {SECONDS // 60} minutes, {archive.megabytes:,.0f} MB of FLAC"
    ratios = [
        Ratio("verifying", "callrec verify", "SHA-256 in memory", by_round(verified, hashed)),
        Ratio("verifying", "callrec verify", "a plain GET", by_round(verified, got)),
    ]
    how = f"`python -m bench.evidence`: {how}."
    return finish("evidence", "Evidence", how, facts(), ratios=ratios, rows=rows)


def _round(archive: Archive, sound: list[bytes]) -> tuple[float, float, float, float]:
    """Returns the seconds that verifying took, for how many of them our core worked, those of hashing, and
    those of getting, one after the other."""
    begin = time.process_time()
    verified = _seconds(lambda: _verify(archive, archive.kept))
    working = time.process_time() - begin
    return (
        verified,
        working,
        _seconds(lambda: [_hash(each) for each in sound]),
        _seconds(lambda: [_get(archive.app, each) for each in archive.kept]),
    )


def _verify(archive: Archive, kept: list[ArchivedRecording]) -> None:
    """As the command does."""
    arguments = ["--config", str(archive.config), "verify", *(each.id for each in kept), "--json"]
    with contextlib.redirect_stdout(io.StringIO()):
        program.main(arguments, standalone_mode=False)


def _hash(data: bytes) -> str:
    digest = hashlib.sha256()
    for place in range(0, len(data), CHUNK):
        digest.update(data[place : place + CHUNK])
    return digest.hexdigest()


def _get(app: App, kept: ArchivedRecording) -> int:
    return sum(map(len, app.store.read(kept.key, kept.version)))


def _read(app: App, kept: ArchivedRecording) -> bytes:
    return b"".join(app.store.read(kept.key, kept.version))


def _signing(archive: Archive) -> list[float]:
    """Returns the milliseconds of work of each of many signatures, of the manifest of a recording."""
    kept = archive.kept[0]
    whole = manifest.read(b"".join(archive.app.store.read(kept.manifest_key, kept.manifest_version)))
    return [
        _work(lambda: manifest.write(manifest.sign(whole, archive.app.keys.signer()))) for _ in range(SIGNED)
    ]


def _work(work: Callable[[], object]) -> float:
    """Returns for how many milliseconds this process has worked."""
    begin = time.process_time()
    work()
    return (time.process_time() - begin) * 1000


def _roots() -> list[float]:
    leaves = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(LEAVES)]
    return [_seconds(lambda: merkle.root(leaves)) for _ in range(TIMES)]


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


@contextlib.contextmanager
def _archive() -> Iterator[Archive]:
    with tempfile.TemporaryDirectory(prefix="callrec-bench-") as folder:
        home, s3 = Path(folder), DemoS3(Path(folder) / "s3")
        os.sched_setaffinity(0, THE_STORES)
        try:
            s3.start()
            os.sched_setaffinity(0, OURS)
            yield _filled(home, s3)
        finally:
            s3.stop()


def _filled(home: Path, s3: DemoS3) -> Archive:
    config = home / "callrec.toml"
    answers = Answers(
        database_url=f"sqlite:///{home}/c.db",
        spool=str(home / "spool"),
        s3_url=s3.endpoint_url,
        access_key=s3.access_key,
        secret_key=s3.secret_key,
    )
    write_file(config, answers)
    app = App(load(str(config)))
    app.database.upgrade()
    app.keys.first("bench", app.now)
    key, store = app.keys.signer(), cast(MemoryStore, app.store)
    bench = make_bench(home / "bench", app.database, store, key=key)
    return Archive(config, app, [_recorded(bench, number) for number in range(RECORDINGS)])


def _recorded(bench: Bench, number: int) -> ArchivedRecording:
    """Archives a call; its sound is noise, which FLAC makes half as large, as it does speech."""
    id_, at = ids.new(), START + timedelta(hours=2 * number)
    end, dice = at + timedelta(seconds=SECONDS), np.random.default_rng(number)
    tracks = [Track(f"callrec/{id_}-1-{side}", at, end) for side in ("external", "staff")]
    for track in tracks:
        path = bench.pbx / track.name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = dice.normal(0, 60, 8000 * SECONDS).astype(np.int16)
        soundfile.write(path, noise, 8000, subtype="PCM_16", format="WAV")
    made = segment(external=tracks[0], staff=tracks[1])
    call = {"id": CALL_ID[:-1] + str(number), "started_at": at, "answered_at": at, "ended_at": end}
    bench.spool.hand_over(
        captured_call(recording_id=id_, started_at=at, ended_at=end, segments=(made,), call=call)
    )
    bench.archiver.work()
    with bench.database.read() as connection:
        found = find_recording(connection, id_)
    assert found, bench.archiver.problems()
    return found


if __name__ == "__main__":
    sys.exit(main())
