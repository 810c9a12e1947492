"""Out of the archive: what is handed out is what was archived, and is on record before it can be had."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile

from callrec import language
from callrec.archive.retrieval import Retrieval, convert
from callrec.catalogue import custody, finding, tables
from callrec.catalogue.calls import ArchivedRecording
from callrec.errors import CatalogueUnreachable, CheckFailed, EvidenceBroken, WrongUsage
from callrec.manifest import AudioFacts
from callrec.model.access import EVERYWHERE
from callrec.spool.sound import examine
from tests.unit.bench import Bench
from tests.unit.samples import RECORDING_ID, captured_call


@pytest.fixture
def kept(bench: Bench) -> ArchivedRecording:
    bench.track("callrec/r-1-external", 500)
    bench.track("callrec/r-1-staff", 1000)
    bench.spool.hand_over(captured_call())
    bench.archiver.work()
    with bench.database.read() as connection:
        return finding.recording(connection, RECORDING_ID, reach=EVERYWHERE)


@pytest.fixture
def retrieval(bench: Bench) -> Retrieval:
    return Retrieval(bench.store, bench.database, who="tanaka")


def _log(bench: Bench) -> list[custody.Entry]:
    with bench.database.read() as connection:
        return custody.of(connection, RECORDING_ID)[3:]


def test_what_was_put_over_it_is_not_what_is_handed_out(
    bench: Bench, kept: ArchivedRecording, retrieval: Retrieval, tmp_path: Path
) -> None:
    original = bench.store.objects[kept.key]
    for key in (kept.key, kept.manifest_key):
        bench.store.put_over(key, b"something else")
    assert retrieval.fetch(RECORDING_ID, tmp_path).read_bytes() == original
    assert retrieval.verify(kept) == [kept.key, kept.manifest_key]
    assert _log(bench)[-1].details == {"covered": [kept.key, kept.manifest_key]}


def test_nothing_is_said_of_what_nobody_touched(
    bench: Bench, kept: ArchivedRecording, retrieval: Retrieval
) -> None:
    assert retrieval.verify(kept) == [] and _log(bench)[-1].details == {}


def test_ids_may_be_pasted_as_a_list_and_count_once(kept: ArchivedRecording, retrieval: Retrieval) -> None:
    assert retrieval.named([f'"{kept.id}"、{kept.id[:13].upper()}', f" {kept.id}\r\n"]) == [kept]
    with pytest.raises(WrongUsage, match="is too short for an id"):
        retrieval.named([","])


def test_what_does_not_verify_is_told_in_the_language_of_the_reader(
    kept: ArchivedRecording, retrieval: Retrieval, monkeypatch: pytest.MonkeyPatch
) -> None:
    def altered(path: Path) -> AudioFacts:
        return replace(examine(path), channels=1, frames=7)

    monkeypatch.setattr("callrec.archive.retrieval.examine", altered)
    with pytest.raises(EvidenceBroken) as raised:
        retrieval.verify(kept)
    english = "channels: 2 in the manifest, 1 in the file; frames: 80000 in the manifest, 7 in the file"
    assert str(raised.value).endswith(english)
    monkeypatch.setenv("LANGUAGE", "")  # to be put back
    language.use("ja")
    assert raised.value.shown().endswith(
        "channels: マニフェストでは 2、ファイルでは 1、frames: マニフェストでは 80000、ファイルでは 7"
    )


def test_a_bucket_without_versions_is_read_as_it_is(
    bench: Bench, kept: ArchivedRecording, retrieval: Retrieval
) -> None:
    bench.store.versioned = False
    old = replace(kept, version=None, manifest_version=None)
    assert retrieval.verify(old) == []
    bench.store.put_over(kept.key, b"something else")
    with pytest.raises(EvidenceBroken, match="is not the one that was archived"):
        retrieval.verify(old)
    assert [entry.action for entry in _log(bench)] == ["verified", "broken"]


def test_a_fetch_is_on_record_before_the_file_is_there(
    bench: Bench,
    kept: ArchivedRecording,
    retrieval: Retrieval,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def down(*_: object, **__: object) -> None:
        raise CatalogueUnreachable("the database is away")

    folder = tmp_path / "out"
    folder.mkdir()
    with monkeypatch.context() as patch, pytest.raises(CatalogueUnreachable):
        patch.setattr(custody, "append", down)
        retrieval.fetch(RECORDING_ID, folder, request="R-7")
    assert list(folder.iterdir()) == [] and kept.id == RECORDING_ID
    retrieval.fetch(RECORDING_ID, folder, request="R-7")
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"{RECORDING_ID}.flac", f"{RECORDING_ID}.manifest.json"]
    (entry,) = _log(bench)
    assert (entry.who, entry.action, entry.details["request"]) == ("tanaka", "fetched", "R-7")


@pytest.mark.parametrize("kind", ["flac", "wav"])
def test_a_full_disk_leaves_no_half_file(
    kept: ArchivedRecording, retrieval: Retrieval, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / f"{kept.id}.{kind}").write_bytes(b"the one of yesterday")

    def full(*_: object) -> None:
        raise soundfile.LibsndfileError(2)

    def torn(_source: object, target: Path, *_: object) -> None:
        target.write_bytes(b"half")
        full()

    monkeypatch.setattr("callrec.archive.retrieval.convert", torn)
    with pytest.raises(CheckFailed, match="cannot be written"):
        retrieval.fetch(kept.id, folder, kind=kind)
    assert [path.read_bytes() for path in folder.iterdir()] == [b"the one of yesterday"]


def test_two_may_fetch_the_same_at_once(
    bench: Bench,
    kept: ArchivedRecording,
    retrieval: Retrieval,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, others = convert, [retrieval.fetch]

    def meanwhile(*given: Any) -> None:
        real(*given)
        while others:
            others.pop()(kept.id, tmp_path / "out", kind="wav")

    (tmp_path / "out").mkdir()
    monkeypatch.setattr("callrec.archive.retrieval.convert", meanwhile)
    fetched = retrieval.fetch(kept.id, tmp_path / "out", kind="wav")
    assert len(list((tmp_path / "out").iterdir())) == 2 and soundfile.info(fetched).frames == 80000


CHAIN: dict[str, Callable[[Any], Any]] = {
    "content": lambda t: t.update().where(t.c.seq == 5).values(who="nobody"),
    "the row before": lambda t: t.update().where(t.c.seq == 4).values(hash="0" * 64),
    "the row after": lambda t: t.update().where(t.c.seq == 6).values(previous="0" * 64),
    "the row before is gone": lambda t: t.delete().where(t.c.seq == 4),
}


@pytest.mark.parametrize("tampering", [*CHAIN, "elsewhere"])
def test_one_recording_answers_for_its_own_rows(
    bench: Bench, kept: ArchivedRecording, tampering: str
) -> None:
    """Rows 4 and 6 to 8 are of other recordings; only what touches row 5 counts for the fifth's."""
    ids = ["other", RECORDING_ID[:-1] + "9", "other", "other", "other"]
    with bench.database.begin() as connection:
        for id_ in ids:
            custody.append(connection, id_, "verified", who="x", at=kept.started_at)
        assert custody.broken_of(connection, ids[1]) is None
        table = tables.custody
        change = CHAIN.get(tampering, lambda t: t.update().where(t.c.seq == 7).values(who="nobody"))
        connection.execute(change(table))
        assert custody.broken_of(connection, ids[1]) == (None if tampering == "elsewhere" else 5)
        assert custody.broken_at(connection) is not None


def test_the_sound_is_what_was_said(
    bench: Bench, kept: ArchivedRecording, retrieval: Retrieval, tmp_path: Path
) -> None:
    fetched, rate = soundfile.read(retrieval.fetch(kept.id, tmp_path, kind="wav"), dtype="int16")
    archived, _ = soundfile.read(io.BytesIO(bench.store.objects[kept.key]), dtype="int16")
    assert rate == 8000 and (fetched == archived).all()
