"""Destroys recordings whose time is over, each in steps that can be repeated from wherever a run was ended.

1. The intent is written, with what decided; from then on the next run goes on with it.
2. In S3 every version of both objects is looked at. One that is held or locked keeps them all.
3. All versions of the sound are deleted and looked for again, then those of the manifest. In this order: a
   run that is ended in between leaves a manifest, which says whose sound is gone and by which rule, and
   never a voice of which nobody knows whose it is.
4. One transaction writes that the recording is destroyed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any

from callrec.archive.store import DestructionStore, StoredVersion
from callrec.catalogue import destructions, statements
from callrec.catalogue.database import Connection, Database
from callrec.catalogue.destructions import DueRecording
from callrec.errors import CatalogueDamaged, CheckFailed, Sentence, StoreUnreachable, Unreachable
from callrec.lifecycle.destruction import Outcome, Verdict, decide, require_clocks, require_few
from callrec.model.access import Through


class Purge:
    """The destruction of what is past its time, by whoever has the keys for it."""

    def __init__(
        self, database: Database, store: DestructionStore, who: str, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._store, self._who, self._clock = database, store, who, clock
        self.damaged: list[CatalogueDamaged] = []
        """Rows that something else than callrec has changed: what they are about is left alone."""

    def verdicts(self) -> list[Verdict]:
        """Returns what is to become of each recording that is past its time, or was begun."""
        now = self._clock()
        with self._database.read() as connection:
            return decide(destructions.due(connection, now, self.damaged.append), now)

    def alone(self) -> AbstractContextManager[None]:
        """Keeps other purges out meanwhile. Raises Refused where one is at work."""
        return destructions.one_purge(self._database)

    def require_few(self, verdicts: Iterable[Verdict], at_most: str) -> None:
        """Raises Refused where more would go than may in one run."""
        with self._database.read() as connection:
            archived = destructions.archived(connection)
        require_few(verdicts, at_most, archived)

    def require_clocks(self) -> None:
        """Raises Refused where the clocks do not agree: nothing can be said of times then."""
        with self._database.read() as connection:
            newest = destructions.newest_entry(connection)
        require_clocks(self._clock(), newest, self._store.time())

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
        except Unreachable as error:
            stopped = self._told(found, Outcome.FAILED, Sentence(error.template, **error.values))
            if isinstance(error, StoreUnreachable):
                raise
        if stopped is not None:
            return stopped
        self._finish(found.recording)
        return replace(found, outcome=Outcome.DESTROYED)

    def _begin(self, wanted: DueRecording) -> Verdict | None:
        """Writes the intent, unless the recording is held or kept longer since it was looked at. Returns what
        is so now; None where it is destroyed."""
        now = self._clock()
        with self._database.begin() as connection:
            found = destructions.find(connection, wanted.id, for_change=True)
            if found is None:
                return None
            (verdict,) = decide([found], now)
            if verdict.outcome is Outcome.WOULD_DESTROY and found.begun:
                destructions.go_on(connection, found.id)
            elif verdict.outcome is Outcome.WOULD_DESTROY:
                destructions.begin(connection, found, who=self._who, at=now)
                self._note(connection, found, "destruction-begun", now)
        return verdict

    def _emptied(self, each: DueRecording) -> Verdict | None:
        """Deletes all of both objects. Returns what stopped that; None where both are gone."""
        for key, _ in each.objects:  # before anything goes: both stay, or both may go
            if stopped := self._stopped(each, key, self._store.versions(key)):
                return stopped
        for key, archived in each.objects:
            if stopped := self._held_meanwhile(each) or self._delete(each, key, archived):
                return stopped
        return None

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
        verdict, now = Verdict(each, Outcome.WOULD_DESTROY), self._clock()
        if any(version.legal_hold for version in versions):
            held = Sentence("the S3 server has a legal hold on {key}", key=key)
            return self._told(verdict, Outcome.HELD, held)
        until = max((version.retain_until for version in versions if version.retain_until), default=now)
        if until > now:
            time = f"{until:%Y-%m-%d %H:%M}Z"
            locked = Sentence("the S3 server locks {key} until {time}", key=key, time=time)
            return self._told(verdict, Outcome.LOCKED, locked)
        return None

    def _held_meanwhile(self, each: DueRecording) -> Verdict | None:
        """Returns the verdict where somebody holds a recording, or keeps it longer, since it was begun."""
        with self._database.read() as connection:
            found = destructions.find(connection, each.id)
        verdicts = decide([found] if found else [], self._clock())
        return next((self._kept(one) for one in verdicts if one.outcome is not Outcome.WOULD_DESTROY), None)

    def _kept(self, verdict: Verdict) -> Verdict:
        """Takes the intent back where nothing was deleted yet; else says that a part is gone."""
        each = verdict.recording
        gone = [key for key, was in each.objects if each.begun and not self._store.is_there(key, was)]
        if gone:
            lost = Sentence("it is to be kept, but {keys} was deleted before", keys=", ".join(gone))
            return self._told(verdict, verdict.outcome, lost)
        with self._database.begin() as connection:
            if each.begun:
                destructions.withdraw(connection, each.id)
                self._note(connection, each, "destruction-withdrawn", self._clock())
        return verdict

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
                self._note(connection, each, "destroyed", now)

    def _note(self, connection: Connection, each: DueRecording, action: str, at: datetime) -> None:
        marks: dict[str, Any] = {"role": "", "through": Through.DIRECT.value}
        statements.enter(connection, each.id, action, who=self._who, at=at, **each.reason(), **marks)


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
