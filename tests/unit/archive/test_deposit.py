"""What a bucket holds under our key and is not ours: a new version goes on top, which is catalogued."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from callrec.archive.deposit import MOST_VERSIONS
from callrec.archive.store import StoredObject, TornObject
from callrec.catalogue import finding
from callrec.errors import EvidenceBroken, Fault
from callrec.model.access import EVERYWHERE
from tests.told import told_by
from tests.unit.bench import Bench
from tests.unit.fakes import MemoryStore
from tests.unit.samples import RECORDING_ID

KEY = f"recordings/shiba/2026/11/22/{RECORDING_ID}.flac"
MANIFEST = KEY.replace(".flac", ".manifest.json")


def _archived_versions(bench: Bench) -> tuple[str | None, str | None]:
    with bench.database.read() as connection:
        kept = finding.recording(connection, RECORDING_ID, reach=EVERYWHERE)
    assert not bench.spool.waiting() and not told_by(bench.archiver)
    return kept.version, kept.manifest_version


def _tears(bench: Bench, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """The store keeps ten bytes less, so many times."""
    left = [times]
    real = bench.store.put_over

    def put_over(key: str, data: bytes) -> None:
        left[0] -= 1
        real(key, data[:-10] if left[0] >= 0 else data)

    monkeypatch.setattr(bench.store, "put_over", put_over)


@pytest.mark.parametrize("key", [KEY, MANIFEST])
def test_what_somebody_else_put_there_stays_below_a_new_version(bench: Bench, key: str) -> None:
    bench.captured()
    bench.store.put_over(key, b"somebody was here first")
    bench.archiver.work()
    assert _archived_versions(bench) == (("1", "0") if key == KEY else ("0", "1"))
    assert len(bench.store.versions[key]) == 2
    assert bench.store.versions[key][0] == b"somebody was here first"


def test_an_object_that_was_torn_once_gets_a_new_version(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.captured()
    _tears(bench, monkeypatch, 1)
    bench.archiver.work()
    assert _archived_versions(bench) == ("1", "0")


def test_a_server_that_notices_itself_what_it_has_lost(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes do not fit its checksum, so that the library refuses them."""
    bench.captured()
    real = bench.store.read

    def read(key: str, version: str | None = None) -> Iterator[bytes]:
        if (key, version) == (KEY, "0"):
            raise TornObject("the checksum does not fit")
        yield from real(key, version)

    monkeypatch.setattr(bench.store, "read", read)
    bench.archiver.work()
    assert _archived_versions(bench) == ("1", "0")


def test_a_server_that_keeps_nothing_whole_is_not_filled_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.captured()
    _tears(bench, monkeypatch, 1000)
    for _ in range(MOST_VERSIONS + 2):
        bench.later()
    assert len(bench.store.versions[KEY]) == MOST_VERSIONS and not bench.deleted
    assert bench.spool.waiting() == [RECORDING_ID]
    assert told_by(bench.archiver) == [f"{KEY} reads back different from what was put"]


def test_without_versions_nothing_is_put_over_what_is_there(bench: Bench) -> None:
    bench.captured()
    bench.store.versioned = False
    bench.store.put_over(KEY, b"somebody was here first")
    with pytest.raises(EvidenceBroken, match="reads back different") as raised:
        bench.archiver.archive(RECORDING_ID)
    assert raised.value.fault is Fault.SERVER
    assert not bench.deleted and bench.spool.waiting() == [RECORDING_ID]
    assert bench.store.versions[KEY] == [b"somebody was here first"]


def test_the_new_version_is_locked_as_long(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.captured()
    bench.store.put_over(KEY, b"somebody was here first")
    asked: list[datetime] = []
    real = bench.store.put_again

    def put_again(key: str, source: Path, sha256: str, kind: str, retain_until: datetime) -> None:
        asked.append(retain_until)
        real(key, source, sha256, kind, retain_until)

    monkeypatch.setattr(bench.store, "put_again", put_again)
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest and asked == [manifest.retain_until]


def test_what_is_put_is_proved_by_one_request(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer tells of the very bytes that come with it."""
    bench.captured()
    asked_again: list[str] = []
    real = bench.store.head

    def get(key: str) -> tuple[StoredObject, Iterator[bytes]]:
        return real(key), bench.store.read(key)

    def head(key: str, version: str | None = None) -> StoredObject:
        asked_again.append(key)
        return real(key, version)

    monkeypatch.setattr(bench.store, "get", get)
    monkeypatch.setattr(bench.store, "head", head)
    bench.archiver.work()
    assert _archived_versions(bench) == ("0", "0") and asked_again == []


def test_a_server_that_tells_of_a_lock_only_where_it_is_asked_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.captured()
    real = bench.store.get

    def get(key: str) -> tuple[StoredObject, Iterator[bytes]]:
        found, content = real(key)
        return replace(found, retain_until=None, lock_mode=None), content

    monkeypatch.setattr(bench.store, "get", get)
    bench.archiver.work()
    assert _archived_versions(bench) == ("0", "0")


def test_what_only_head_tells_is_read_as_well(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose GET tells neither version nor lock: the version that HEAD tells is proved."""
    bench.captured()
    real, read = bench.store.get, list[str | None]()

    def get(key: str) -> tuple[StoredObject, Iterator[bytes]]:
        found, content = real(key)
        return replace(found, version=None, retain_until=None, lock_mode=None), content

    def noted(key: str, version: str | None = None) -> Iterator[bytes]:
        read.append(version)
        yield from MemoryStore.read(bench.store, key, version)

    monkeypatch.setattr(bench.store, "get", get)
    monkeypatch.setattr(bench.store, "read", noted)
    bench.archiver.work()
    assert _archived_versions(bench) == ("0", "0") and read.count("0") == 4, (
        "what GET gave, and what HEAD named"
    )


def test_what_head_tells_is_no_other_object(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.captured()
    real = bench.store.head

    def head(key: str, version: str | None = None) -> StoredObject:
        return replace(real(key, version), version="1", size=999)

    def get(key: str) -> tuple[StoredObject, Iterator[bytes]]:
        return replace(real(key), version=None), MemoryStore.read(bench.store, key, "0")

    monkeypatch.setattr(bench.store, "get", get)
    monkeypatch.setattr(bench.store, "head", head)
    monkeypatch.setattr(
        bench.store, "read", lambda key, version=None: MemoryStore.read(bench.store, key, "0")
    )
    with pytest.raises(EvidenceBroken, match="reads back different"):
        bench.archiver.archive(RECORDING_ID)
