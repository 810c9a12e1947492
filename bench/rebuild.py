"""Measures how long it takes to make the catalogue again of the bucket: python -m bench.rebuild [--count N]

Puts the manifests of so many recordings into a SeaweedFS of its own, with a note to every tenth and a
small object in place of the sound, and makes an empty SQLite database of them; then once more, as after an
interruption, when all is there. Prints the results and writes them into docs/benchmarks. Exit code 1 where
10,000 take ten minutes or more.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import kept_calls
from bench.machine import facts
from bench.report import Row, finish
from callrec import ids, manifest
from callrec.app import App
from callrec.archive.object_names import object_key
from callrec.configuration import Answers, write_file
from callrec.demo.s3 import DemoS3
from callrec.evidence import statement
from callrec.evidence.keys import SigningKey
from callrec.evidence.statement import Statement, folder
from callrec.manifest import Manifest
from callrec.settings_file import load
from tests.unit.samples import captured_call

COUNT, NOTED, THREADS = 10_000, 10, 8
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
SECONDS = 600.0
SOUND = b"flac"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as name:
        s3 = DemoS3(Path(name) / "s3")
        try:
            s3.start()
            first, again = _measured(Path(name), s3, count)
        finally:
            s3.stop()
    target = SECONDS * count / COUNT
    rows = [
        Row("an empty database, made of the bucket", "s", target, [first]),
        Row("once more, when all is there", "s", target, [again]),
    ]
    how = f"`python -m bench.rebuild`: {count:,} recordings, {count // NOTED:,} notes, SQLite."
    return finish("rebuild", "Rebuilding the catalogue", how, facts(), rows=rows)


def _measured(home: Path, s3: DemoS3, count: int) -> tuple[float, float]:
    answers = Answers(
        database_url=f"sqlite:///{home}/c.db",
        spool=str(home / "spool"),
        s3_url=s3.endpoint_url,
        access_key=s3.access_key,
        secret_key=s3.secret_key,
    )
    write_file(home / "callrec.toml", answers)
    app = App(load(str(home / "callrec.toml")))
    app.make_spool()
    app.keys.first("bench", app.now)
    app.database.upgrade()
    _fill(app, count)
    try:
        return _seconds(app, count, count), _seconds(app, count, 0)
    finally:
        app.close()


def _seconds(app: App, count: int, written: int) -> float:
    """How long a run takes that reads so many recordings, and writes the rows of some."""
    work, began = app.rebuilding(), time.perf_counter()
    findings = [each for some in work.rebuild() for each in some]
    took = time.perf_counter() - began
    assert not findings and (work.course.recordings, len(work.course.written)) == (count, written), findings[
        :3
    ]
    return took


def _fill(app: App, count: int) -> None:
    key, until, zone = app.keys.signer(), app.now + timedelta(days=1), app.settings.office.zone

    def put(number: int) -> None:
        made = _manifest(number)
        sound = object_key(made, zone)
        base = sound.removesuffix(".flac")
        signed = manifest.write(manifest.sign(made, key))
        documents = {sound: SOUND, f"{base}.manifest.json": signed}
        if number % NOTED == 0:
            documents |= _note(made, sound, key)
        for name, data in documents.items():
            app.store.put_bytes(name, data, "application/json", until)

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(put, range(count)):
            pass


def _note(made: Manifest, sound: str, key: SigningKey) -> dict[str, bytes]:
    text = "大声で怒鳴られた"
    about = {"call": made.call.id, "note": ids.new(), "text": text}
    about["text_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    id_, at = ids.new(), made.created_at
    said = Statement(statement.SCHEMA, id_, made.recording_id, "", "noted", at, "kanri", about)
    return {f"{folder(sound)}{id_}.json": statement.write(said, key)}


def _manifest(number: int) -> Manifest:
    began = BEGIN + timedelta(minutes=5 * number)
    end = began + timedelta(seconds=12)
    call = {"id": ids.new(), "started_at": began, "ended_at": end}
    found = captured_call(recording_id=ids.new(), started_at=began, ended_at=end, call=call)
    found = replace(found, capture=replace(found.capture, started_at=began))
    return kept_calls.of_captured(found, len(SOUND))


if __name__ == "__main__":
    sys.exit(main())
