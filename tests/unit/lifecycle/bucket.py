"""A bucket in memory from which recordings are destroyed, and recordings that are past their time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from callrec import ids
from callrec.archive.store import ListedVersion, StoredVersion
from callrec.catalogue import calls, custody, hits, statements, tables
from callrec.catalogue.database import Database
from callrec.errors import StoreUnreachable, Unreachable, WrongConfiguration
from callrec.lifecycle.destruction import Verdict
from callrec.lifecycle.purge import Purge
from tests.unit.samples import DECISION, END, call

NOW = END + timedelta(days=100)
WHO = "purger"


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Steps:
    """Counts the steps of a run, and ends it at one of them."""

    last: int = -1
    done: int = 0

    def step(self) -> None:
        self.done += 1
        if self.done == self.last:
            raise Killed


@dataclass
class Bucket:
    """What is there, by key; as a real one, it keeps what is locked or held, and says so."""

    there: dict[str, list[StoredVersion]] = field(default_factory=dict)
    now: datetime = NOW
    lies: bool = False
    hides: bool = False
    refuses: bool = False
    away: bool = False
    steps: Steps = field(default_factory=Steps)
    removed: list[str] = field(default_factory=list)
    after: Callable[[str], None] = lambda key: None
    stated: dict[str, str] = field(default_factory=dict)
    """The keys of what says how a recording was destroyed, and what of it each says."""

    def versions(self, key: str) -> list[StoredVersion]:
        self._answer()
        return [] if self.hides else list(self.there.get(key, ()))

    def is_there(self, key: str, version: str | None) -> bool:
        self._answer()
        there = [each.version for each in self.there.get(key, ()) if not each.marker]
        return version in there if version else bool(there)

    def remove(self, key: str, version: str) -> None:
        self._answer()
        kept = [each for each in self.there.get(key, ()) if each.version != version]
        for each in self.there.get(key, ()):
            if each.version == version:
                assert not each.legal_hold and (each.retain_until or self.now) <= self.now, "it was protected"
        if self.refuses:
            raise Unreachable("the S3 server does not let {key} be deleted ({code})", key=key, code="No")
        if not self.lies:
            self.there[key] = kept
        self.removed.append(key)
        self.steps.step()
        self.after(key)

    def time(self) -> datetime:
        self._answer()
        return self.now

    def listed(self, prefix: str, after: str = "") -> Iterator[ListedVersion]:
        self._answer()
        for key, versions in sorted(self.there.items()):
            if key.startswith(prefix) and not self.hides:
                yield from (ListedVersion(key, each.version, 1, NOW, marker=each.marker) for each in versions)

    @property
    def left(self) -> set[str]:
        """What is there, but for what says how it was destroyed."""
        return {key for key, versions in self.there.items() if versions and key not in self.stated}

    def _answer(self) -> None:
        self.steps.step()
        if self.away:
            raise StoreUnreachable("the store is away")


@dataclass
class Tombs:
    """Says in the bucket what the outbox has; what waits there is put at once."""

    database: Database
    bucket: Bucket
    away: bool = False

    def put(self, recording_id: str) -> None:
        if self.away:
            raise WrongConfiguration("the signing key {path} is not there", path="signing.pem")
        with self.database.read() as connection:
            found = statements.waiting(connection, recording_id)
            base = row(self.database, recording_id).key.removesuffix(".flac")
        for each in found:
            self.bucket.steps.step()
            key = f"{base}.statements/{each.id}.json"
            self.bucket.there[key] = [StoredVersion("1", retain_until=NOW + timedelta(days=1))]
            self.bucket.stated[key] = each.action
            with self.database.begin() as connection:
                statements.done(connection, each.id)

    def has(self, key: str) -> bool:
        return key in self.bucket.stated


class KilledDatabase(Database):
    """A database whose process ends before or after one of its commits."""

    def __init__(self, url: str, steps: Steps) -> None:
        super().__init__(url)
        self.steps = steps

    def begin(self) -> AbstractContextManager[sa.Connection]:
        return self._killed(super().begin())

    @contextmanager
    def _killed(self, transaction: AbstractContextManager[sa.Connection]) -> Iterator[sa.Connection]:
        with transaction as connection:
            yield connection
            self.steps.step()
        self.steps.step()


def archived(database: Database, bucket: Bucket, **changes: Any) -> str:
    """A recording whose time is over, its call, and three versions in the bucket; returns its id."""
    id_ = changes.pop("id", None) or ids.new()
    made = call(id=ids.new(), **changes.pop("call", {}))
    key = f"recordings/shiba/2026/11/22/{id_}.flac"
    row = {
        "id": id_,
        "call_id": made.id,
        "started_at": made.started_at,
        "duration_s": 10.0,
        "kept_because": "automatic",
        "incident": False,
        "announced": True,
        "state": "archived",
        "hold": False,
        "retain_until": END + timedelta(days=DECISION.retain_days),
        "retained_because": "rule",
        "sha256": "a" * 64,
        "manifest_sha256": "b" * 64,
        "size": 1,
        "key": key,
        "version": "1",
        "manifest_version": "1",
    }
    with database.begin() as connection:
        calls.save_call(connection, made)
        connection.execute(tables.recordings.insert().values({**row, **changes}))
        hits.rewrite(connection, made.id)
    bucket.there[key] = [StoredVersion("2", marker=True), StoredVersion("1")]
    bucket.there[key.replace(".flac", ".manifest.json")] = [StoredVersion("1")]
    return id_


def purge(database: Database, bucket: Bucket, now: datetime = NOW) -> Purge:
    return Purge(database, bucket, Tombs(database, bucket), WHO, lambda: now)


def run(database: Database, bucket: Bucket, now: datetime = NOW) -> list[Verdict]:
    """One run of a purge."""
    bucket.now = now
    work = purge(database, bucket, now)
    return list(work.destroy(work.verdicts()))


def row(database: Database, recording_id: str) -> Any:
    with database.read() as connection:
        query = sa.select(tables.recordings).where(tables.recordings.c.id == recording_id)
        return connection.execute(query).one()


def intent(database: Database, recording_id: str) -> Any:
    with database.read() as connection:
        query = sa.select(tables.destructions).where(tables.destructions.c.recording_id == recording_id)
        return connection.execute(query).one_or_none()


def told(database: Database, recording_id: str) -> list[str]:
    """What the custody log says was done."""
    with database.read() as connection:
        return [each.action for each in custody.of(connection, recording_id)]
