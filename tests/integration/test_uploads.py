"""Uploads that are cut, that hang, or that find something else in their place, on a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from callrec import ids
from callrec.app import App
from callrec.archive import attempts
from callrec.archive.object_names import object_key
from callrec.catalogue import calls
from callrec.catalogue.calls import ArchivedRecording
from callrec.configuration import Answers, write_file
from callrec.demo.s3 import DemoS3
from callrec.files import file_sha256
from callrec.model.captures import Track
from callrec.settings_file import load
from tests.integration.system import eventually
from tests.integration.upload_between import UploadBetween
from tests.told import told_by
from tests.unit.bench import TOKYO, Bench, make_bench
from tests.unit.fakes import MemoryStore
from tests.unit.samples import CALL_ID, END, START, call, captured_call, segment


@dataclass
class Place:
    """An archive in a folder, without a PBX."""

    home: Path
    s3: DemoS3
    app: App
    count: Iterator[int] = field(default_factory=lambda: iter(range(10)))

    def bench(self, url: str = "") -> Bench:
        """An archiver that reaches the bucket at this address, with a spool of its own."""
        archive = self.app.settings.archive
        if url:
            archive = archive.model_copy(update={"endpoint_url": url})
        app = App(self.app.settings.model_copy(update={"archive": archive}))
        store, key = cast(MemoryStore, app.store), self.app.keys.signer()
        return make_bench(self.home / str(next(self.count)), self.app.database, store, key=key)

    def kept(self, id_: str) -> ArchivedRecording | None:
        with self.app.database.read() as connection:
            return calls.find_recording(connection, id_)

    @property
    def client(self) -> Any:
        return self.s3.client()

    def versions(self, key: str) -> list[dict[str, Any]]:
        return list(self.client.list_object_versions(Bucket=self.s3.bucket, Prefix=key).get("Versions", []))


@pytest.fixture(scope="module")
def place(scratch: Path) -> Iterator[Place]:
    home = scratch / "uploads"
    home.mkdir()
    s3 = DemoS3(home / "s3")
    try:
        s3.start()
        write_file(
            home / "callrec.toml",
            Answers(
                database_url=f"sqlite:///{home}/c.db",
                spool=str(home / "spool"),
                s3_url=s3.endpoint_url,
                access_key=s3.access_key,
                secret_key=s3.secret_key,
            ),
        )
        app = App(load(str(home / "callrec.toml")))
        app.database.upgrade()
        app.keys.first("test", app.now)
        yield Place(home, s3, app)
        app.close()
    finally:
        s3.stop()


def _captured(bench: Bench) -> str:
    id_ = ids.new()
    tracks = [Track(f"callrec/{id_}-1-{side}", START, END) for side in ("external", "staff")]
    for track in tracks:
        bench.track(track.name, 500)
    made = segment(external=tracks[0], staff=tracks[1])
    bench.spool.hand_over(captured_call(recording_id=id_, segments=(made,), call={"id": ids.new()}))
    return id_


def test_what_is_in_its_place_stays_below_a_new_version(place: Place) -> None:
    bench = place.bench()
    id_ = _captured(bench)
    bench.recordings.prepare(id_)
    audio = bench.builder.audio_file(id_)
    torn, sha256 = audio.read_bytes()[:-10], file_sha256(audio)
    key = object_key(bench.builder.build(id_), TOKYO)
    place.client.put_object(Bucket=place.s3.bucket, Key=key, Body=torn)
    bench.archiver.work()
    kept, there = place.kept(id_), place.versions(key)
    assert kept and not bench.spool.waiting(), told_by(bench.archiver)
    newest, older = sorted(there, key=lambda each: not each["IsLatest"])
    assert (kept.version, kept.sha256) == (newest["VersionId"], sha256)
    assert older["Size"] == len(torn) and newest["Size"] == len(torn) + 10
    found = place.app.store.head(key, kept.version)
    assert found.sha256 == sha256 and found.retain_until is not None


def test_an_upload_that_is_cut_is_done_again_and_is_there_once(place: Place) -> None:
    with UploadBetween(place.s3.port, ".flac", times=3) as between:
        bench = place.bench(between.url)
        id_ = _captured(bench)
        bench.archiver.work()
        assert between.reached.is_set() and not place.kept(id_) and told_by(bench.archiver)

        def archived() -> ArchivedRecording | None:
            bench.later()
            return place.kept(id_)

        kept = eventually(archived, what="the recording in the archive")
    assert len(place.versions(kept.key)) == 1 and not told_by(bench.archiver)


def test_an_upload_that_hangs_holds_up_nothing_and_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callrec.archive.archiver.END_SECONDS", 1.0)
    other = place.bench()
    hanging = _captured(other)
    with UploadBetween(place.s3.port, f"{hanging}.flac") as between:
        bench = place.bench(between.url)
        bench.spool.hand_over(other.spool.captured_call(hanging))
        for path in (other.pbx / "callrec").iterdir():
            bench.track(f"callrec/{path.name}", 500)
        with bench.running():
            assert between.reached.wait(20)
            second = _captured(bench)
            bench.spool.save_call(call(id=CALL_ID))
            bench.archiver.wake()
            eventually(lambda: place.kept(second), what="the second recording")
            eventually(lambda: not bench.spool.calls(), what="the row of a call")
            bench.clock.now += attempts.SLOW_SECONDS + 1
            assert any("hangs or is very slow" in each for each in told_by(bench.archiver))
            assert bench.spool.waiting() == [hanging] and not place.kept(hanging)
