"""Puts into the bucket what was done, out of the outbox that the catalogue has, and reads it there.

Each statement is signed, put under a key of its own, read back, and locked and held as the recording beside
which it lies. Only then it leaves the outbox. Done twice is the same as once, by whichever process.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from callrec.archive.store import BrowsingStore, ListedVersion, LockingStore
from callrec.catalogue import calls, custody, statements
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Database
from callrec.catalogue.statements import TOMBSTONES, WaitingStatement
from callrec.errors import AlreadyThere, CallrecError, CatalogueDamaged, EvidenceBroken, NotFound
from callrec.evidence.placing import JSON, content
from callrec.evidence.statement import REQUESTS, SCHEMA, Statement, folder, read, write
from callrec.model.captures import Custody
from callrec.signing import PublicKeys, Signer

log = structlog.get_logger()

_STATEMENT = re.compile(r"\.statements/[0-9a-f-]{36}\.json$")

AT_ONCE = 100
"""So many are put while a person waits, at most: the controller puts the others."""
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
        self.is_wanted = False
        """Whether this process has done something that is to be stated."""

    def attempt(self) -> None:
        """Puts what waits, if this process has left something there. What cannot be put now waits."""
        if not self.is_wanted or self._clock() < self._next_try:
            return
        try:
            self.is_wanted = self.put(most=AT_ONCE) == AT_ONCE
        except (CallrecError, OSError) as error:
            self.is_wanted, self._next_try = True, self._clock() + PAUSE_SECONDS
            log.warning("not stated in the bucket yet", problem=str(error))

    def put(self, tombstones_of: str | None = None, most: int | None = None) -> int:
        """Puts what waits, the oldest first: all, or how one recording is destroyed. Returns how many.

        One that cannot be put keeps no other waiting, but where the bucket is away. Raises CallrecError, for
        the first that could not be put.
        """
        count, after, failed = 0, "", list[EvidenceBroken]()
        while most is None or count < most:
            with self._database.read() as connection:
                each = statements.next_waiting(connection, after, tombstones_of)
            if each is None:
                break
            try:
                self._put(each)
            except EvidenceBroken as error:
                failed.append(error)
            count, after = count + 1, each.id
        if failed:
            raise failed[0]
        return count

    def _put(self, each: WaitingStatement) -> None:
        said, kept = statement(each), self._kept(each.recording_id)
        if kept and kept.state is Custody.DESTROYED and each.action not in TOMBSTONES:
            return  # purge was quicker, and forgets it
        if kept:
            self._require_logged(each)
        data = write(said, self._keys().signer())
        key = key_of(said, kept)
        until = datetime.now(UTC) + self._shortest_lock
        if kept and kept.retain_until:
            until = max(until, kept.retain_until)
        try:
            self._store().put_bytes(key, data, JSON, until)
        except AlreadyThere:
            log.info("it was stated before", key=key)
        version = self._proved(key, said, kept.retain_until if kept else None)
        with self._database.begin() as connection:
            now = calls.find_recording(connection, kept.id) if kept else None
            if now and now.hold:  # not before: somebody may have asked for it meanwhile
                self._hold(key, version)
            statements.done(connection, each.id)

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

    def _proved(self, key: str, said: Statement, until: datetime | None) -> str | None:
        """Returns the version of a statement that was read back. Raises EvidenceBroken unless the bucket has
        just this one, and locks it, until then at least."""
        found = self._store().head(key)
        there = read(content(self._store(), key, found.version), self._keys().public)
        if replace(there, key_id="", signature="") != said:
            raise EvidenceBroken("{key} reads back different from what was put", key=key)
        if self._locks and not found.is_locked_until(until or datetime.now(UTC)):
            raise EvidenceBroken(
                "the S3 server does not lock {key}: create the bucket with Object Lock, "
                'or set archive.object_lock = "off"',
                key=key,
            )
        return found.version

    def _hold(self, key: str, version: str | None) -> None:
        if self._locks:
            self._store().hold(key, version, on=True)


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
