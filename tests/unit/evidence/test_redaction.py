"""Redactions: what is covered, and that nothing else is; beside the recording, proved."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callrec.archive.manifests import archived_manifest
from callrec.catalogue import calls
from callrec.catalogue.calls import ArchivedRecording
from callrec.errors import EvidenceBroken, NotFound
from callrec.evidence.keys import PublicKeyRing, SigningKey
from callrec.evidence.redacted_sound import LEVEL, TONE_HZ, cover
from callrec.evidence.redaction import PlacedRedaction, Wanted, find
from callrec.evidence.redactions import Redactions
from callrec.evidence.spans import Cover, Span, SpanTrack
from callrec.manifest import Manifest, read
from callrec.spool.sound import BLOCK
from tests.listen import amplitude
from tests.unit.bench import BenchAfter, archive_one
from tests.unit.fakes import LockingStore
from tests.unit.samples import RECORDING_ID
from tests.unit.wave import tone

RATE = 8000
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"redaction" + b"." * 23))
KEYS = PublicKeyRing({KEY.key_id: KEY.public_key})
NOW = datetime.now(UTC)


def recording(path: Path, seconds: float) -> np.ndarray[Any, np.dtype[np.int16]]:
    sound = np.column_stack([tone(500, seconds), tone(1300, seconds, loud=5000)])
    soundfile.write(path, sound, RATE, subtype="PCM_16", format="FLAC")
    return sound


def test_only_the_spans_are_covered_and_every_other_sample_is_as_it_was(tmp_path: Path) -> None:
    """Over the borders of the blocks in which it is streamed."""
    source, target = tmp_path / "a.flac", tmp_path / "b.flac"
    edge = BLOCK / RATE
    before = recording(source, 3 * edge)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    spans = [
        Span(edge - 1, edge + 2, SpanTrack.EXTERNAL, Cover.TONE),
        Span(edge + 1, 2 * edge + 1, SpanTrack.STAFF, Cover.SILENCE),
        Span(2.5 * edge, 2.5 * edge + 1.00001, SpanTrack.BOTH, Cover.SILENCE),
        Span(3 * edge - 1, 99.0, SpanTrack.BOTH, Cover.TONE),
    ]
    facts = cover(source, target, spans, {"REDACTED": "yes"})
    after, rate = soundfile.read(target, dtype="int16", always_2d=True)
    assert (rate, after.shape, facts.frames) == (RATE, before.shape, len(before))
    covered = np.zeros(before.shape, bool)
    covered[BLOCK - RATE : BLOCK + 2 * RATE, 0] = covered[BLOCK + RATE : 2 * BLOCK + RATE, 1] = True
    covered[5 * BLOCK // 2 : 5 * BLOCK // 2 + RATE + 1] = covered[3 * BLOCK - RATE :] = True
    assert (after[~covered] == before[~covered]).all()
    assert not after[BLOCK + RATE : 2 * BLOCK + RATE, 1].any()
    beep = after[BLOCK - RATE : BLOCK + 2 * RATE, 0]
    assert amplitude(beep, RATE, 500) < 50 < LEVEL * 0.9 < amplitude(beep, RATE, TONE_HZ) < LEVEL * 1.1
    assert abs(int(beep[0])) < 100 and abs(int(beep[-1])) < 100, "it does not click"
    assert hashlib.sha256(source.read_bytes()).hexdigest() == digest
    assert facts.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_that_is_no_recording(tmp_path: Path, channels: int) -> None:
    soundfile.write(tmp_path / "a.flac", np.zeros((RATE, channels)), RATE, subtype="PCM_16", format="FLAC")
    with pytest.raises(EvidenceBroken):
        cover(tmp_path / "a.flac", tmp_path / "b.flac", [Span(0, 1)], {})


class Bucket(LockingStore):
    """One that can be looked through, and locks what is put."""

    def put(self, key: str, source: Path, sha256: str, kind: str, retain_until: datetime) -> None:
        super().put(key, source, sha256, kind, retain_until)
        self._lock(key, retain_until)

    def put_bytes(self, key: str, data: bytes, kind: str, retain_until: datetime) -> None:
        super().put_bytes(key, data, kind, retain_until)
        self._lock(key, retain_until)

    def _lock(self, key: str, until: datetime) -> None:
        if not self.drops_locks:
            self.locked[key, "0"] = ("governance", until)


@dataclass
class Made:
    """A recording in a bucket, what makes redactions of it, and its sound."""

    kept: ArchivedRecording
    bucket: Bucket
    redactions: Redactions
    original: Path

    @property
    def manifest(self) -> Manifest:
        return read(archived_manifest(self.bucket, self.kept))

    def make(self, **changes: Any) -> PlacedRedaction:
        wanted = Wanted([Span(1, 2, SpanTrack.EXTERNAL, Cover.TONE)], "法第78条", "2026-0001", "sato", NOW)
        return self.redactions.make(self.kept, self.original, self.manifest, replace(wanted, **changes))


@pytest.fixture
def made(bench_after: BenchAfter, tmp_path: Path) -> Made:
    bench = bench_after(archive_one)
    with bench.database.read() as connection:
        kept = calls.find_recording(connection, RECORDING_ID)
    assert kept
    bucket = Bucket(versions=bench.store.versions)
    (tmp_path / "original.flac").write_bytes(bucket.objects[kept.key])
    redactions = Redactions(bucket, lambda: KEY, KEYS, locked=True, shortest_lock=timedelta(days=1))
    return Made(kept, bucket, redactions, tmp_path / "original.flac")


def test_a_redaction_lies_beside_its_recording_and_says_what_it_is(made: Made) -> None:
    placed = made.make()
    base = made.kept.key.removesuffix(".flac")
    assert placed.key == f"{base}.redacted/1.flac" and placed.number == 1
    data = made.bucket.objects[f"{base}.redacted/1.manifest.json"]
    assert hashlib.sha256(data).hexdigest() == placed.manifest_sha256
    said = json.loads(data)
    assert said["schema"] == "callrec-redaction/1" and said["ground"] == "法第78条"
    assert (said["original_sha256"], said["recording_id"]) == (made.kept.sha256, RECORDING_ID)
    assert said["original_pcm_sha256"] == made.manifest.audio.pcm_sha256
    assert said["spans"] == [
        {
            "begin_s": 1,
            "end_s": 2,
            "begin_frame": 8000,
            "end_frame": 16000,
            "track": "external",
            "cover": "tone",
        }
    ]
    assert said["audio"]["sha256"] == hashlib.sha256(made.bucket.objects[placed.key]).hexdigest()
    assert made.bucket.objects[made.kept.key] == made.original.read_bytes()
    with made.redactions.given(made.kept, placed) as (sound, manifest):
        assert sound.read_bytes() == made.bucket.objects[placed.key] and manifest == data


def test_the_file_does_not_say_who_telephoned(made: Made) -> None:
    placed = made.make()
    assert b"312345678" not in made.bucket.objects[placed.key]
    assert b"312345678" in made.bucket.objects[made.kept.key], "the recording's own does"


def test_it_is_locked_as_long_as_its_recording_and_held_with_it(made: Made) -> None:
    made.kept = replace(made.kept, hold=True, retain_until=NOW + timedelta(days=400))
    placed = made.make()
    for key in (placed.key, placed.manifest_key):
        found = made.bucket.head(key)
        assert found.legal_hold and found.is_locked_until(NOW + timedelta(days=400))


def test_a_bucket_that_drops_the_lock_or_the_hold_is_told(made: Made) -> None:
    made.bucket.drops_locks = True
    with pytest.raises(EvidenceBroken, match="does not lock"):
        made.make()
    made.bucket.drops_locks, made.bucket.lies = False, True
    made.kept = replace(made.kept, hold=True)
    with pytest.raises(EvidenceBroken, match="does not lock"):
        made.make()


def test_redactions_are_counted_also_by_two_at_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [made.make().number, made.make().number] == [1, 2]
    monkeypatch.setattr(made.bucket, "listed", lambda prefix: iter(()))  # both have looked before
    placed = made.make()
    assert placed.number == 3 and placed.key.endswith("/3.flac")


@pytest.mark.parametrize("of", ["key", "manifest_key"])
def test_what_was_changed_is_not_given(made: Made, of: str) -> None:
    placed = made.make()
    (data,) = made.bucket.versions[getattr(placed, of)]
    made.bucket.versions[getattr(placed, of)] = [data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]]
    with pytest.raises(EvidenceBroken), made.redactions.given(made.kept, placed):
        pass


def test_another_redaction_under_its_name_is_not_given(made: Made) -> None:
    first, second = made.make(), made.make(spans=[Span(3, 4)])
    for of in ("key", "manifest_key"):
        made.bucket.versions[getattr(first, of)] = made.bucket.versions[getattr(second, of)]
    said = pytest.raises(EvidenceBroken, match="is not the one that was made")
    with said, made.redactions.given(made.kept, first):
        pass


def test_one_that_is_gone_or_never_was(made: Made) -> None:
    placed = made.make()
    del made.bucket.versions[placed.key]
    with pytest.raises(EvidenceBroken, match="is missing"), made.redactions.given(made.kept, placed):
        pass
    with pytest.raises(NotFound, match="has no redaction 7"):
        find([], 7, RECORDING_ID)


def test_the_documented_number_is_in_the_key(made: Made) -> None:
    assert re.search(r"\.redacted/1\.manifest\.json$", made.make().manifest_key)
