"""Puts into the bucket what was done, out of the outbox that the catalogue has, and reads it there.

Each statement is signed, put under a key of its own, read back, and locked and held as the recording beside
which it lies. Only then it leaves the outbox. Done twice is the same as once, by whichever process. The
database is never kept waiting for the bucket: no transaction is open while that is asked.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from callrec.archive.store import BrowsingStore, ListedVersion, LockingStore, StoredObject
from callrec.catalogue import calls, custody, statements
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Database
from callrec.catalogue.statements import TOMBSTONES, WaitingStatement
from callrec.errors import (
    AlreadyThere,
    CallrecError,
    CatalogueDamaged,
    CatalogueOutdated,
    CatalogueUnreachable,
    EvidenceBroken,
    NotFound,
    StoreUnreachable,
    WrongConfiguration,
)
from callrec.evidence.placing import JSON, content
from callrec.evidence.statement import REQUESTS, SCHEMA, Statement, folder, read, write
from callrec.model.captures import Custody
from callrec.signing import PublicKeys, Signer

log = structlog.get_logger()

_STATEMENT = re.compile(r"\.statements/[0-9a-f-]{36}\.json$")

SECONDS_AT_ONCE = 15.0
"""So long a person waits until what was done is in the bucket, at most: the controller puts the others."""
PAUSE_SECONDS = 30.0
"""How long nobody waits for a bucket that was away."""


class StatementStore(BrowsingStore, LockingStore, Protocol):
    """A bucket into which statements are put."""


class Keys(Protocol):
    """The keys of callrec."""

    @property
    def public(self) -> PublicKeys: ...

    def signer(self) -> Signer:
        """Returns the key to sign with. Raises WrongConfiguration where it is gone."""


class Outbox:
    """What was done and is not in the bucket yet. Any thread may use it."""

    def __init__(
        self,
        database: Database,
        store: Callable[[], StatementStore],
        keys: Callable[[], Keys],
        *,
        locks: bool,
        shortest_lock: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`locks`: objects carry a retention, of `shortest_lock` at least."""
        self._database, self._store, self._keys = database, store, keys
        self._locks, self._shortest_lock, self._clock = locks, shortest_lock, clock
        self._next_try = 0.0
        self._mine = _Mine()

    def wants(self, id_: str) -> None:
        """Notes that this thread has written down something that is to be stated."""
        self._mine.ids.append(id_)

    def attempt(self) -> None:
        """Puts what this thread has written down, the newest first, as long as a person may wait. What cannot
        be put now waits for the controller, as does what others have left."""
        mine, until = self._mine.ids, self._clock() + SECONDS_AT_ONCE
        while mine and self._next_try <= self._clock() < until:
            id_ = mine.pop()
            try:
                self._put(id_)
            except Exception as error:
                self._not_yet(id_, error)

    def _not_yet(self, id_: str, error: Exception) -> None:
        if _concerns_all(error):
            self._mine.ids.append(id_)
            self._next_try = self._clock() + PAUSE_SECONDS
        expected = isinstance(error, (CallrecError, OSError))
        log.warning("not stated in the bucket yet", problem=str(error), exc_info=not expected)

    def put(self, tombstones_of: str | None = None, ended: Callable[[], bool] = lambda: False) -> int:
        """Puts what waits, the oldest first, until it is to be `ended`: all, or how one recording is
        destroyed. Returns how many.

        One that cannot be put keeps no other waiting, but where bucket, database or key are away. Raises what
        the first raised that could not be put.
        """
        count, failed = 0, list[Exception]()
        id_ = self._next("", tombstones_of)
        while id_ is not None and not ended():
            try:
                self._put(id_)
            except Exception as error:
                if _concerns_all(error):
                    raise
                failed.append(error)
            count, id_ = count + 1, self._next(id_, tombstones_of)
        if failed:
            raise failed[0]
        return count

    def _next(self, after: str, tombstones_of: str | None) -> str | None:
        with self._database.read() as connection:
            return statements.next_waiting(connection, after, tombstones_of)

    def _put(self, id_: str) -> None:
        with self._database.read() as connection:
            each = statements.find(connection, id_)
        if each is None:  # another process was quicker
            return
        said, kept = statement(each), self._kept(each.recording_id)
        if kept and kept.state is Custody.DESTROYED and each.action not in TOMBSTONES:
            return  # purge was quicker, and forgets it
        if kept:
            self._require_logged(each)
        key, until = key_of(said, kept), datetime.now(UTC) + self._shortest_lock
        if kept and kept.retain_until:
            until = max(until, kept.retain_until)
        data = write(said, self._keys().signer())
        try:
            self._store().put_bytes(key, data, JSON, until)
        except AlreadyThere:
            log.info("it was stated before", key=key)
        self._settle(each, key, self._proved(key, said), kept)

    def _settle(
        self, each: WaitingStatement, key: str, version: str | None, kept: ArchivedRecording | None
    ) -> None:
        """Locks and holds a statement as its recording is, and takes it out of the outbox. Again, where
        somebody has kept the recording otherwise meanwhile."""
        held = False
        while True:
            held = self._keep_as(key, version, kept, held=held)
            with self._database.begin() as connection:
                now = calls.find_recording(connection, kept.id) if kept else None
                if _kept_alike(now, kept):
                    statements.done(connection, each.id)
                    return
            kept = now

    def _keep_as(self, key: str, version: str | None, kept: ArchivedRecording | None, *, held: bool) -> bool:
        """Locks and holds a statement as a recording is; `held`: we have held it before. Returns whether we
        hold it now. Raises EvidenceBroken where the server does not lock."""
        if not self._locks:
            return False
        self._lock(self._store().head(key, version), kept.retain_until if kept else None)
        hold = bool(kept and kept.hold)
        if hold != held:
            self._store().hold(key, version, on=hold)
        return hold

    def _lock(self, found: StoredObject, until: datetime | None) -> None:
        now = datetime.now(UTC)
        if (
            until and until > now and found.lock_mode and not found.is_locked_until(until)
        ):  # longer since it was put
            whole = until.replace(microsecond=0) + timedelta(seconds=1)
            self._store().lock(found.key, found.version, found.lock_mode, whole)
            found = self._store().head(found.key, found.version)
        if found.retain_until is None or not found.is_locked_until(until or found.retain_until):
            raise EvidenceBroken(
                "the S3 server does not lock {key}: create the bucket with Object Lock, "
                'or set archive.object_lock = "off"',
                key=found.key,
            )

    def _require_logged(self, each: WaitingStatement) -> None:
        """Raises EvidenceBroken unless the custody log, which is anchored, says the same: a row of the outbox
        alone is nothing to sign."""
        try:
            with self._database.read() as connection:
                entries = custody.of(connection, each.recording_id)
        except CatalogueDamaged as error:  # of this recording: others need not wait for it
            raise EvidenceBroken(error.template, **error.values) from error
        told = (each.action, each.at, each.who)
        if not any(
            row.details.get("statement") == each.id and (row.action, row.at, row.who) == told
            for row in entries
        ):
            raise EvidenceBroken(
                "the custody log does not tell of {action}, which waits to be stated of recording {id}",
                action=each.action,
                id=each.recording_id,
            )

    def _kept(self, recording_id: str) -> ArchivedRecording | None:
        """Returns the recording that a statement is about; None of a request. Raises EvidenceBroken."""
        if not recording_id:
            return None
        with self._database.read() as connection:
            found = calls.find_recording(connection, recording_id)
        if found is None:
            raise EvidenceBroken(
                "there is no row of recording {id}, about which something is to be stated", id=recording_id
            )
        return found

    def _proved(self, key: str, said: Statement) -> str | None:
        """Returns the version of a statement that was read back. Raises EvidenceBroken unless it is this
        one."""
        found = self._store().head(key)
        there = read(content(self._store(), key, found.version), self._keys().public)
        if replace(there, key_id="", signature="") != said:
            raise EvidenceBroken("{key} reads back different from what was put", key=key)
        return found.version


class _Mine(threading.local):
    """What one thread has written down and not stated yet."""

    def __init__(self) -> None:
        self.ids: list[str] = []


def _concerns_all(error: Exception) -> bool:
    """Returns whether an error is none of one statement: no other could be put either."""
    away = (StoreUnreachable, CatalogueUnreachable, CatalogueOutdated, WrongConfiguration, OSError)
    return isinstance(error, away) and not isinstance(error, CatalogueDamaged)


def _kept_alike(one: ArchivedRecording | None, other: ArchivedRecording | None) -> bool:
    if one is None or other is None:
        return True  # it is about a request, or there is no row any more
    return (one.hold, one.retain_until) == (other.hold, other.retain_until)


def statement(each: WaitingStatement) -> Statement:
    """Returns what is to be stated, not signed yet."""
    return Statement(
        SCHEMA, each.id, each.recording_id, each.request, each.action, each.at, each.who, each.details
    )


def key_of(said: Statement, kept: ArchivedRecording | None) -> str:
    """Returns the key of a statement: beside its recording, or under its request."""
    where = folder(kept.key) if kept else f"{REQUESTS}{said.request}/"
    return f"{where}{said.id}.json"


class BucketTombstones:
    """What stays in the bucket of recordings that are destroyed."""

    def __init__(self, outbox: Outbox, store: BrowsingStore, keys: PublicKeys) -> None:
        self._outbox, self._store, self._keys = outbox, store, keys

    def put(self, recording_id: str) -> None:
        """Puts what waits to be stated about the destruction of a recording. Raises as `Outbox.put`."""
        self._outbox.put(recording_id)

    def has(self, key: str) -> bool:
        """Returns whether an object, any version of it, says how a recording was destroyed, signed."""
        if not _STATEMENT.search(key):
            return False
        return any(self._is_one(each) for each in self._store.listed(key) if each.key == key)

    def _is_one(self, each: ListedVersion) -> bool:
        if each.marker:
            return False
        try:
            said = read(content(self._store, each.key, each.version), self._keys)
        except (EvidenceBroken, NotFound):
            return False
        return said.action in TOMBSTONES and each.key.endswith(
            f"{said.recording_id}.statements/{said.id}.json"
        )
