"""Destroys recordings whose time is over, each in steps that can be repeated from wherever a run was ended.

1. The intent is written, with what decided; from then on the next run goes on with it.
2. In S3 every version of the sound, of the manifest and of what lies beside them is looked at. One that is
   held or locked keeps them all.
3. The bucket is told what is about to happen: the statement `destruction-begun`, signed, read back. It says
   that there was a call, when, whose extension, and by which rule its recording goes, without numbers and
   names. Nothing is deleted before.
4. All versions of the sound are deleted and looked for again, then those of what lies beside, last of the
   manifest. In this order: a run that is ended in between leaves a manifest, which says whose sound is gone
   and by which rule, and never a voice of which nobody knows whose it is.
5. One transaction writes that the recording is destroyed; then the bucket is told too: `destroyed`.

What stays in the bucket are the statements of its destruction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from callrec.archive.store import DestructionStore, StoredVersion
from callrec.catalogue import destructions, locks, rebuilding, statements, trial
from callrec.catalogue.database import Connection, Database
from callrec.catalogue.destructions import DueRecording
from callrec.errors import (
    CatalogueDamaged,
    CheckFailed,
    EvidenceBroken,
    Refused,
    Sentence,
    StoreUnreachable,
    Unreachable,
    WrongConfiguration,
)
from callrec.lifecycle.destruction import Outcome, Verdict, decide, require_clocks, require_few
from callrec.lifecycle.tombstone import tombstone
from callrec.model.access import Through

log = structlog.get_logger()


class Tombstones(Protocol):
    """What stays in the bucket of a recording that is destroyed."""

    def put(self, recording_id: str) -> None:
        """Puts what waits to be stated about the destruction of a recording into the bucket, and proves it.
        Raises CallrecError where that cannot be."""

    def has(self, key: str) -> bool:
        """Returns whether an object says how a recording was destroyed, signed."""


class Purge:
    """The destruction of what is past its time, by whoever has the keys for it."""

    def __init__(
        self,
        database: Database,
        store: DestructionStore,
        tombstones: Tombstones,
        who: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._store, self._tombstones = database, store, tombstones
        self._who, self._clock = who, clock
        self.now = clock
        """Tells the time by which it is decided: once `require_clocks` has compared them, that of the clock
        that was behind all others, and from then on by one that nobody sets."""
        self.damaged: list[CatalogueDamaged] = []
        """Rows that something else than callrec has changed: what they are about is left alone."""

    def verdicts(self) -> list[Verdict]:
        """Returns what is to become of each recording that is past its time, or was begun."""
        now = self.now()
        with self._database.read() as connection:
            return decide(destructions.due(connection, now, self.damaged.append), now)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other purges out meanwhile. Raises Refused where one is at work, and while the catalogue does
        not know what the bucket says: which recordings are held, say."""
        with locks.one_purge(self._database):
            with self._database.read() as connection:
                if rebuilding.is_unfinished(connection):
                    raise Refused(
                        "the catalogue was put back from a backup, or is being made of the bucket: run "
                        "callrec catalogue rebuild to its end first; nothing was destroyed"
                    )
            yield

    def require_few(self, verdicts: Iterable[Verdict], at_most: str) -> None:
        """Raises Refused where more would go than may in one run."""
        with self._database.read() as connection:
            archived = destructions.archived(connection)
        require_few(verdicts, at_most, archived)

    def require_clocks(self) -> None:
        """Raises Refused where the clocks do not agree: nothing can be said of times then.

        Where they do, nothing is destroyed early because one of them is ahead (decision 22).
        """
        with self._database.read() as connection:
            newest, database = destructions.newest_entry(connection), trial.clock(connection)
        now, store, begun = self._clock(), self._store.time(), time.monotonic()
        require_clocks(now, newest, store, database)
        earliest = min(now, store, database or now)
        self.now = lambda: earliest + timedelta(seconds=time.monotonic() - begun)

    def destroy(self, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
        """Yields what became of each recording.

        Raises StoreUnreachable and CatalogueUnreachable, after which the next run goes on.
        """
        for each in verdicts:
            waits = each.outcome is not Outcome.WOULD_DESTROY
            yield each if waits and not each.recording.begun else self._destroyed(each)

    # --- the steps of one

    def _destroyed(self, wanted: Verdict) -> Verdict:
        found = self._begin(wanted.recording)
        if found is None:  # another run has done it since
            return replace(wanted, outcome=Outcome.DESTROYED)
        if found.outcome is not Outcome.WOULD_DESTROY:
            return self._kept(found)
        try:
            stopped = self._emptied(found.recording)
        except (Unreachable, EvidenceBroken, WrongConfiguration) as error:
            stopped = self._told(found, Outcome.FAILED, Sentence(error.template, **error.values))
            if isinstance(error, (StoreUnreachable, WrongConfiguration)):
                raise
        if stopped is not None:
            return stopped
        self._finish(found.recording)
        self._state(found.recording.id)
        return replace(found, outcome=Outcome.DESTROYED)

    def _state(self, recording_id: str) -> None:
        """Has the bucket say that a recording is destroyed. What it does not take waits for the controller:
        the others must not wait for that. Raises StoreUnreachable, as nothing goes on then."""
        try:
            self._tombstones.put(recording_id)
        except StoreUnreachable:
            raise
        except (Unreachable, EvidenceBroken) as error:
            log.warning("not stated in the bucket yet", recording=recording_id, problem=str(error))

    def _begin(self, wanted: DueRecording) -> Verdict | None:
        """Writes the intent, unless the recording is held or kept longer since it was looked at. Returns what
        is so now; None where it is destroyed."""
        now = self._clock()
        with self._database.begin() as connection:
            found = destructions.find(connection, wanted.id, for_change=True)
            if found is None:
                return None
            (verdict,) = decide([found], self.now())
            if verdict.outcome is Outcome.WOULD_DESTROY and found.begun:
                destructions.go_on(connection, found.id)
            elif verdict.outcome is Outcome.WOULD_DESTROY:
                destructions.begin(connection, found, who=self._who, at=now)
                self._note(connection, found, "destruction-begun", now)
        return verdict

    def _emptied(self, each: DueRecording) -> Verdict | None:
        """Deletes all of it. Returns what stopped that; None where nothing is left but what says so."""
        objects = self._objects(each)
        for key, _ in objects:  # before anything goes: all stays, or all may go
            if stopped := self._stopped(each, key, self._store.versions(key)):
                return stopped
        self._tombstones.put(each.id)
        for key, archived in objects:
            if stopped := self._held_meanwhile(each) or self._delete(each, key, archived):
                return stopped
        return self._came_since(each)

    def _objects(self, each: DueRecording) -> list[tuple[str, str | None]]:
        """Returns what is to go, in order: the sound, what lies beside it, the manifest."""
        sound, manifest = each.objects
        return [sound, *((key, None) for key in self._beside(each)), manifest]

    def _beside(self, each: DueRecording) -> list[str]:
        known = {key for key, _ in each.objects}
        listed = dict.fromkeys(found.key for found in self._store.listed(f"{each.base}."))
        return [key for key in listed if key not in known and not self._tombstones.has(key)]

    def _came_since(self, each: DueRecording) -> Verdict | None:
        """Returns the verdict where something was put beside it meanwhile: the next run destroys it."""
        if not (left := self._beside(each)):
            return None
        came = Sentence("{keys} was put beside it while it was destroyed", keys=", ".join(left))
        return self._told(Verdict(each, Outcome.FAILED), Outcome.FAILED, came)

    def _delete(self, each: DueRecording, key: str, archived: str | None) -> Verdict | None:
        """Deletes all versions of one object, and looks whether they are gone: also the one that was archived
        by itself, as a server that lists nothing has not proved that nothing is there."""
        versions = self._store.versions(key)
        if stopped := self._stopped(each, key, versions):
            return stopped
        for version in versions:
            self._store.remove(key, version.version)
        if self._store.versions(key) or self._store.is_there(key, archived):
            lied = Sentence("the S3 server says that {key} is deleted, and still has it", key=key)
            return self._told(Verdict(each, Outcome.FAILED), Outcome.FAILED, lied)
        return None

    def _stopped(self, each: DueRecording, key: str, versions: list[StoredVersion]) -> Verdict | None:
        """Returns the verdict where the store must keep a version of an object."""
        verdict, now = Verdict(each, Outcome.WOULD_DESTROY), self.now()
        if any(version.legal_hold for version in versions):
            held = Sentence("the S3 server has a legal hold on {key}", key=key)
            return self._told(verdict, Outcome.HELD, held)
        until = max((version.retain_until for version in versions if version.retain_until), default=now)
        if until > now and key not in (each.key, each.manifest_key):
            # What was said of it of late is locked for a while: no problem, the next runs come to it.
            return self._waits(each)
        if until > now:
            ends = f"{until:%Y-%m-%d %H:%M}Z"
            locked = Sentence("the S3 server locks {key} until {time}", key=key, time=ends)
            return self._told(verdict, Outcome.LOCKED, locked)
        return None

    def _waits(self, each: DueRecording) -> Verdict:
        """Takes the intent back of a recording that is whole: with it, nobody could hold what is not to go
        today."""
        if all(self._store.is_there(key, was) for key, was in each.objects):
            self._withdraw(each)
        return Verdict(each, Outcome.LOCKED)

    def _held_meanwhile(self, each: DueRecording) -> Verdict | None:
        """Returns the verdict where somebody holds a recording, or keeps it longer, since it was begun."""
        with self._database.read() as connection:
            found = destructions.find(connection, each.id)
        verdicts = decide([found] if found else [], self.now())
        return next((self._kept(one) for one in verdicts if one.outcome is not Outcome.WOULD_DESTROY), None)

    def _kept(self, verdict: Verdict) -> Verdict:
        """Takes the intent back where nothing was deleted yet; else says that a part is gone."""
        each = verdict.recording
        gone = [key for key, was in each.objects if each.begun and not self._store.is_there(key, was)]
        if gone:
            lost = Sentence("it is to be kept, but {keys} was deleted before", keys=", ".join(gone))
            return self._told(verdict, verdict.outcome, lost)
        if each.begun:
            self._withdraw(each)
        return verdict

    def _withdraw(self, each: DueRecording) -> None:
        with self._database.begin() as connection:
            destructions.withdraw(connection, each.id)
            self._note(connection, each, "destruction-withdrawn", self._clock())

    def _told(self, verdict: Verdict, outcome: Outcome, problem: Sentence) -> Verdict:
        """Writes why a recording could not be destroyed, for `callrec status`."""
        with self._database.begin() as connection:
            destructions.tell(connection, verdict.recording.id, problem)
        return replace(verdict, outcome=outcome, problem=problem)

    def _finish(self, each: DueRecording) -> None:
        """Writes that a recording is destroyed, once its objects were looked for and are not there."""
        now = self._clock()
        with self._database.begin() as connection:
            if destructions.finish(connection, each.id, now):
                statements.forget(connection, each.id)
                self._note(connection, each, "destroyed", now)

    def _note(self, connection: Connection, each: DueRecording, action: str, at: datetime) -> None:
        marks: dict[str, Any] = {"role": "", "through": Through.DIRECT.value}
        stated = tombstone(connection, each.id)
        details = {**each.reason(), **marks}
        statements.enter(connection, each.id, action, who=self._who, at=at, stated=stated, **details)


def require_done(verdicts: Iterable[Verdict], damaged: Sequence[CatalogueDamaged] = ()) -> None:
    """Raises CatalogueDamaged where something was passed over, and CheckFailed where something could not be
    destroyed that nobody holds."""
    if damaged:
        raise damaged[0]
    left = [each for each in verdicts if each.problem is not None]
    if left:
        raise CheckFailed(
            "{count} recordings could not be destroyed: see callrec status; the next run tries again",
            count=len(left),
        )
