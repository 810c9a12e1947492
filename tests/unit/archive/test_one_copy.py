"""The spool holds the sound once: the tracks go when the joined file is proved; what they were is kept."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from callrec import files, manifest
from callrec.catalogue import calls
from callrec.errors import CatalogueUnreachable
from callrec.spool.tracks import TAKEN
from tests.told import told_by
from tests.unit.bench import Bench, make_bench
from tests.unit.samples import RECORDING_ID, captured_call, segment

EXTERNAL, STAFF = "callrec/r-1-external", "callrec/r-1-staff"


def _files(bench: Bench, ending: str) -> list[str]:
    return sorted(path.name for path in bench.spool.folder(RECORDING_ID).glob(f"*{ending}"))


def test_the_tracks_go_once_the_joined_file_is_described(bench: Bench) -> None:
    bench.captured()
    bench.store.away = True
    bench.archiver.work()
    assert _files(bench, ".wav") == [] and _files(bench, ".flac") == [f"{RECORDING_ID}.flac"]
    assert not bench.deleted, "the PBX has them until the archive is proved"
    bench.store.away = False
    bench.later()
    assert sorted(bench.deleted) == [EXTERNAL, STAFF] and not bench.spool.waiting()


def test_what_was_short_or_damaged_is_known_although_the_tracks_are_gone(
    bench: Bench, tmp_path: Path
) -> None:
    """Also by the next controller: it stays on the PBX, and a person is told."""
    bench.track(EXTERNAL, 500, 6.0)
    bench.track(STAFF, 1000, 10.0)
    bench.spool.hand_over(captured_call())
    bench.store.away = True
    bench.archiver.work()
    assert _files(bench, ".wav") == []
    bench.store.away = False
    again = make_bench(tmp_path, bench.database, bench.store)
    again.archiver.work()
    assert again.deleted == [STAFF] and again.spool.quarantined() == [RECORDING_ID]


def test_a_spool_of_before_is_taken_over(bench: Bench) -> None:
    """It has tracks beside the joined file, and no word of what there was of them."""
    bench.captured()
    copies = {}
    for side in ("external", "staff"):
        copies[f"1-{side}.wav"] = (bench.pbx / f"callrec/r-1-{side}").read_bytes()
    bench.recordings.prepare(RECORDING_ID)
    folder = bench.spool.folder(RECORDING_ID)
    (folder / TAKEN).unlink()
    for name, data in copies.items():
        (folder / name).write_bytes(data)
    bench.archiver.work()
    assert sorted(bench.deleted) == [EXTERNAL, STAFF]
    assert not bench.spool.waiting() and not bench.spool.quarantined()


@pytest.mark.parametrize("harm", ["changed", "shorter", "gone", "described by nonsense"])
def test_what_does_not_read_as_it_was_written_is_made_anew(bench: Bench, harm: str) -> None:
    bench.captured()
    bench.recordings.prepare(RECORDING_ID)
    audio = bench.builder.audio_file(RECORDING_ID)
    data = audio.read_bytes()
    match harm:
        case "changed":
            audio.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "shorter":
            audio.write_bytes(data[:-10])
        case "gone":
            audio.unlink()
        case _:
            bench.builder.manifest_file(RECORDING_ID).write_text("{")
    bench.archiver.work()
    bench.archiver.work()
    with bench.database.read() as connection:
        kept = calls.find_recording(connection, RECORDING_ID)
    assert kept and told_by(bench.archiver) == [] and not bench.spool.waiting()
    assert sorted(bench.deleted) == [EXTERNAL, STAFF]


def test_with_the_catalogue_away_all_is_fetched_and_joined(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No recording waits for it to be asked of each; what only it knows is added when it is back."""

    def away() -> None:
        asked.append(1)
        raise CatalogueUnreachable("the database is away")

    asked: list[int] = []
    bench.captured()
    other = bench.captured_too()
    with monkeypatch.context() as patch:
        patch.setattr(bench.builder._sources, "facilities", lambda _call: ("shiba",))
        patch.setattr(bench.builder._sources, "rule", lambda _decision: None)
        for name in ("read", "begin"):
            patch.setattr(bench.database, name, away)
        bench.archiver.work()
        assert all(map(bench.builder.is_joined, bench.spool.waiting())) and _files(bench, ".wav") == []
        assert told_by(bench.archiver) == ["the database is away"]
        assert len(asked) == 1 and bench.builder.build(other).is_signed, "made by what is in memory"
        assert not bench.store.objects and not bench.deleted
    bench.later()
    assert not bench.spool.waiting() and not told_by(bench.archiver) and len(bench.store.objects) == 4


def test_a_manifest_is_written_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its signature, where all that it is to say is known."""
    written: list[bytes] = []
    real = files.write_whole

    def write_whole(path: Path, data: bytes) -> None:
        written.append(data)
        real(path, data)

    bench.captured()
    monkeypatch.setattr("callrec.spool.recording_builder.write_whole", write_whole)
    assert bench.builder.build(RECORDING_ID).is_signed and len(written) == 1


def test_what_cannot_be_signed_yet_is_joined(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the catalogue knows what its manifest is to say, and is away."""

    def away(_call: object) -> None:
        raise CatalogueUnreachable("the database is away")

    bench.captured()
    with monkeypatch.context() as patch:
        patch.setattr(bench.builder._sources, "facilities", away)
        with pytest.raises(CatalogueUnreachable):
            bench.builder.build(RECORDING_ID)
    made = manifest.read(bench.builder.manifest_file(RECORDING_ID).read_bytes())
    assert not made.is_signed and _files(bench, ".wav") == []
    assert bench.builder.build(RECORDING_ID).is_signed
    assert manifest.read(bench.builder.manifest_file(RECORDING_ID).read_bytes()).is_signed


def test_what_came_back_is_not_archived_twice_though_the_catalogue_was_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise CatalogueUnreachable("the database is away")

    bench.captured()
    bench.archiver.work()
    bench.captured()
    with monkeypatch.context() as patch:
        for name in ("read", "begin"):
            patch.setattr(bench.database, name, away)
        bench.archiver.work()
    bench.later()
    assert not bench.spool.waiting() and not list(bench.pbx.rglob("r-1*"))
    assert all(len(each) == 1 for each in bench.store.versions.values())


def test_a_later_segment_that_came_back_is_kept_for_people(bench: Bench) -> None:
    bench.captured()
    bench.recordings.prepare(RECORDING_ID)
    bench.track("callrec/r-2-external", 500)
    bench.spool.hand_over(captured_call(segments=(segment(1), segment(2))))
    bench.archiver.work()
    assert bench.spool.quarantined() == [RECORDING_ID] and (bench.pbx / "callrec/r-2-external").exists()


def test_a_disk_that_takes_no_more_is_said_in_place_of_a_bug(bench: Bench) -> None:
    """By a limit of this process for the size of files: libsndfile says of it that there was an error."""
    bench.captured()
    bench.tracks.fetch(bench.spool.captured_call(RECORDING_ID))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            bench.builder.join(RECORDING_ID)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert _files(bench, ".flac") == [] and len(_files(bench, ".wav")) == 2
    bench.archiver.work()
    assert not bench.spool.waiting() and not told_by(bench.archiver)
