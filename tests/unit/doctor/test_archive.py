"""The trial of a bucket: what a server does not keep is found, and what is left behind is bounded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callrec.archive.s3 import S3Store
from callrec.archive.store import StoredObject
from callrec.archive.trial import LOCK, Trial, try_out
from callrec.errors import CheckFailed, EvidenceBroken, StoreUnreachable
from callrec.settings import ArchiveSettings
from tests.unit.fakes import MemoryStore

MINUTE = timedelta(minutes=1)


@dataclass
class Bucket(MemoryStore):
    """A bucket that deletes what is not locked; it can be told to be worse than that."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    may_delete: bool = True
    may_list: bool = True
    ignores_locks: bool = False
    told: dict[str, Any] = field(default_factory=dict)
    """What it says of an object that is not so."""

    def head(self, key: str, version: str | None = None) -> StoredObject:
        found = super().head(key, version)
        return replace(found, **{"lock_mode": found.retain_until and "governance", **self.told})

    def list_versions(self, prefix: str) -> list[tuple[str, str]]:
        if not self.may_list:
            raise StoreUnreachable("AccessDenied")
        return [(key, "0") for key in self.versions if key.startswith(prefix)]

    def delete(self, key: str, version: str | None) -> None:
        locked = self.until.get(key, self.now) > self.now and not self.ignores_locks
        if not self.may_delete or locked:
            raise StoreUnreachable("it lets nothing be deleted")
        del self.versions[key]
        self.until.pop(key, None)


def _tried(bucket: Bucket, lock: str = "governance", after: timedelta = timedelta(0)) -> Trial:
    bucket.now += after
    return try_out(bucket, "rec 1.city", lock, bucket.now)


def test_what_is_locked_stays_until_its_lock_has_ended() -> None:
    bucket = Bucket()
    first = _tried(bucket)
    assert first.key.startswith("doctor/rec-1-city/20") and first.locked and not first.deleted
    assert first.checksum and first.versioned
    assert timedelta(0) < bucket.until[first.key] - bucket.now <= LOCK
    assert _tried(bucket, after=MINUTE).key != first.key and len(bucket.objects) == 2
    last = _tried(bucket, after=LOCK + MINUTE)
    assert list(bucket.objects) == [last.key], "it has swept"


def test_a_trial_a_minute_is_all_that_is_left_where_nothing_may_be_deleted() -> None:
    bucket = Bucket(may_delete=False)
    bucket.now = bucket.now.replace(second=0)
    keys = {_tried(bucket, after=timedelta(seconds=10)).key for _ in range(3)}
    assert list(bucket.objects) == list(keys) and len(keys) == 1
    assert len(bucket.versions[keys.pop()]) == 1


@pytest.mark.parametrize("may_delete", [True, False])
def test_what_is_not_locked_goes_at_once_where_that_is_allowed(may_delete: bool) -> None:
    bucket = Bucket(may_delete=may_delete, drops_locks=True)
    assert _tried(bucket, "off").deleted is may_delete
    assert bool(bucket.objects) is not may_delete


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"drops_locks": True}, "took the lock of .* and dropped it"),
        ({"told": {"lock_mode": None}}, "took the lock of .* and dropped it"),
        ({"told": {"lock_mode": "compliance"}}, "another lock on .* compliance until"),
        ({"told": {"retain_until": datetime.now(UTC)}}, "another lock on .* governance until"),
        ({"told": {"version": None}}, "keeps no versions"),
        ({"told": {"size": 1}}, "reads back different"),
        ({"told": {"sha256": "ab"}}, "another checksum"),
        ({"ignores_locks": True}, "deleted .* while it was locked"),
    ],
)
def test_a_server_that_does_not_keep_what_it_took(options: dict[str, Any], words: str) -> None:
    with pytest.raises(CheckFailed, match=words):
        _tried(Bucket(**options))


def test_a_key_that_may_not_look_through_the_bucket() -> None:
    with pytest.raises(CheckFailed, match=r"\(AccessDenied\): give its key the rights ListBucket and"):
        _tried(Bucket(may_list=False))


def test_a_server_that_takes_nothing() -> None:
    with pytest.raises(StoreUnreachable):
        _tried(Bucket(away=True))


@pytest.mark.parametrize("said", [None, "kms"])
def test_a_server_that_does_not_encrypt(said: str | None) -> None:
    with pytest.raises(EvidenceBroken, match="does not encrypt doctor/"):
        try_out(Bucket(encryption=said), "rec", "governance", datetime.now(UTC), "s3")
    assert try_out(Bucket(encryption="s3"), "rec", "governance", datetime.now(UTC), "s3").locked


def test_no_other_object_can_be_deleted() -> None:
    with pytest.raises(ValueError, match="no object of a trial"):
        S3Store(ArchiveSettings(endpoint_url="http://127.0.0.1:9")).delete("recordings/x.flac", None)
