"""Out of the archive: what is handed out is what was archived, and is on record before it can be had."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile

from callrec import language
from callrec.archive.given import Kind
from callrec.archive.retrieval import Retrieval
from callrec.catalogue import custody, destructions, finding, tables
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Connection
from callrec.errors import CatalogueUnreachable, CheckFailed, EvidenceBroken, NotFound
from callrec.evidence.keys import PublicKeyRing
from callrec.evidence.trust import Trust
from callrec.manifest import AudioFacts
from callrec.model.access import EVERYWHERE
from callrec.spool.sound import examine
from tests.tampering import altered
from tests.unit.bench import Bench, BenchAfter, Sources, archive_one
from tests.unit.samples import RECORDING_ID, START


@pytest.fixture
def kept(bench_after: BenchAfter) -> ArchivedRecording:
    return _found(bench_after(archive_one))


def _archived(bench: Bench) -> ArchivedRecording:
    archive_one(bench)
    return _found(bench)


def _found(bench: Bench) -> ArchivedRecording:
    with bench.database.read() as connection:
        return finding.recording(connection, RECORDING_ID, reach=EVERYWHERE)


@pytest.fixture
def retrieval(bench: Bench) -> Retrieval:
    def note(connection: Connection, recording_id: str, action: str, **details: Any) -> None:
        custody.append(connection, recording_id, action, who="tanaka", at=START, **details)

    trust = Trust(lambda: PublicKeyRing({Sources.key.key_id: Sources.key.public_key}), lambda: START)
    return Retrieval(bench.store, bench.database, trust, note)


def _fetched(retrieval: Retrieval, kept: ArchivedRecording, kind: Kind = "flac") -> bytes:
    with retrieval.given(kept, "fetched", kind, None, request="R-7") as (about, path):
        data = path.read_bytes()
        assert (about.size, about.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        return data


def _log(bench: Bench) -> list[custody.Entry]:
    with bench.database.read() as connection:
        return custody.of(connection, RECORDING_ID)[3:]


def test_what_was_put_over_it_is_not_what_is_handed_out(
    bench: Bench, kept: ArchivedRecording, retrieval: Retrieval
) -> None:
    original = bench.store.objects[kept.key]
    for key in (kept.key, kept.manifest_key):
        bench.store.put_over(key, b"something else")
    assert _fetched(retrieval, kept) == original


@pytest.mark.parametrize("name", ["key", "version", "manifest_version", "manifest_sha256", "sha256"])
def test_a_row_that_points_elsewhere_hands_out_nothing(
    bench: Bench, kept: ArchivedRecording, retrieval: Retrieval, name: str
) -> None:
    """What was put there fits the row in all: only the custody log knows better."""
    key, manifest = "recordings/x.flac", kept.manifest_key
    bench.store.put_over(key, bench.store.objects[kept.key])
    for each in (kept.key, manifest, "recordings/x.manifest.json"):
        bench.store.put_over(each, bench.store.objects.get(each, bench.store.objects[manifest]))
    change: dict[str, Any] = {name: key if name == "key" else "1" if "version" in name else "0" * 64}
    forged = replace(kept, **change)
    with pytest.raises(EvidenceBroken, match=f"recordings.{name}: .* in the custody log"):
        _fetched(retrieval, forged)


def test_what_a_stranger_signed_is_not_handed_out(bench: Bench, kept: ArchivedRecording) -> None:
    def note(*_: Any, **__: Any) -> None:
        pass

    stranger = Retrieval(bench.store, bench.database, Trust(lambda: PublicKeyRing({}), lambda: None), note)
    with pytest.raises(EvidenceBroken, match="none of ours"):
        _fetched(stranger, kept)


def test_what_does_not_verify_is_told_in_the_language_of_the_reader(
    kept: ArchivedRecording, retrieval: Retrieval, monkeypatch: pytest.MonkeyPatch
) -> None:
    def altered(path: Path) -> AudioFacts:
        return replace(examine(path), channels=1, frames=7)

    monkeypatch.setattr("callrec.archive.retrieval.examine", altered)
    with pytest.raises(EvidenceBroken) as raised:
        _fetched(retrieval, kept)
    english = "channels: 2 in the manifest, 1 in the file; frames: 80000 in the manifest, 7 in the file"
    assert str(raised.value).endswith(english)
    monkeypatch.setenv("LANGUAGE", "")  # to be put back
    language.use("ja")
    assert raised.value.shown().endswith(
        "channels: 録音明細では 2、ファイルでは 1、frames: 録音明細では 80000、ファイルでは 7"
    )


def test_a_bucket_without_versions_is_read_as_it_is(bench: Bench, retrieval: Retrieval) -> None:
    bench.store.versioned = False
    kept = _archived(bench)
    assert _fetched(retrieval, kept) == bench.store.objects[kept.key]
    bench.store.put_over(kept.key, b"something else")
    with pytest.raises(EvidenceBroken, match="is not the one that was archived"):
        _fetched(retrieval, kept)
    assert [entry.action for entry in _log(bench)] == ["fetched", "broken"]


def test_a_file_is_on_record_before_it_can_be_had(
    bench: Bench, kept: ArchivedRecording, retrieval: Retrieval, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise CatalogueUnreachable("the database is away")

    with monkeypatch.context() as patch, pytest.raises(CatalogueUnreachable):
        patch.setattr(custody, "append", down)
        _fetched(retrieval, kept)
    given = _fetched(retrieval, kept, "wav")
    (entry,) = _log(bench)
    assert (entry.who, entry.action) == ("tanaka", "fetched")
    digest = hashlib.sha256(given).hexdigest()
    assert entry.details == {"format": "wav", "request": "R-7", "sha256": digest}


@pytest.mark.parametrize("kind", ["flac", "wav"])
def test_a_full_disk_gives_no_half_file(
    bench: Bench,
    kept: ArchivedRecording,
    retrieval: Retrieval,
    monkeypatch: pytest.MonkeyPatch,
    kind: Kind,
) -> None:
    def torn(_source: object, target: Path, *_: object) -> None:
        target.write_bytes(b"half")
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr("callrec.archive.retrieval.convert", torn)
    with pytest.raises(CheckFailed, match="cannot be written"):
        _fetched(retrieval, kept, kind)
    assert _log(bench) == []


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
        with altered(connection):
            connection.execute(change(table))
        assert custody.broken_of(connection, ids[1]) == (None if tampering == "elsewhere" else 5)
        assert custody.broken_at(connection) is not None


def test_the_sound_is_what_was_said(bench: Bench, kept: ArchivedRecording, retrieval: Retrieval) -> None:
    fetched, rate = soundfile.read(io.BytesIO(_fetched(retrieval, kept, "wav")), dtype="int16")
    archived, _ = soundfile.read(io.BytesIO(bench.store.objects[kept.key]), dtype="int16")
    assert rate == 8000 and (fetched == archived).all()


@pytest.mark.parametrize(
    ("finished", "words"),
    [(False, "is being destroyed, as its time is over"), (True, "was destroyed meanwhile")],
)
def test_what_is_gone_as_its_time_is_over_is_no_broken_evidence(
    bench: Bench, kept: ArchivedRecording, retrieval: Retrieval, finished: bool, words: str
) -> None:
    """Destroyed between its being looked up and its being read, or by a run that was ended in the middle."""
    with bench.database.begin() as connection:
        due = destructions.find(connection, kept.id, for_change=True)
        assert due
        destructions.begin(connection, due, who="purger", at=START)
        if finished:
            destructions.finish(connection, kept.id, START)
    del bench.store.versions[kept.key]
    with pytest.raises(NotFound, match=words):
        _fetched(retrieval, kept)
    assert _log(bench) == []
