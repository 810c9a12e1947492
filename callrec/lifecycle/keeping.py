"""Carries out what people do so that a recording is kept: hold, longer retention, incident.

Each step can be repeated after a crash or a failure: what is wanted is written down first, then the bucket
is asked and read back, and only then the catalogue says so, in one transaction with the custody log. A lock
that stands while the catalogue does not yet know of it does no harm. Others may be at the same recording at
once; so the bucket is compared with the catalogue once more at the end, when neither can get ahead of the
other any longer. Who may do it is not asked here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from callrec.catalogue import calls, destructions, holds, retention
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Connection, Database
from callrec.catalogue.holds import Hold
from callrec.dates import spoken
from callrec.errors import EvidenceBroken, NotFound, Refused, Unreachable, WrongUsage
from callrec.lifecycle.protection import Protection
from callrec.model.calls import CallRecord
from callrec.model.captures import Custody, RetainedBecause
from callrec.policy import retention as policy

WITHOUT_REQUEST = "—"


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a recording stands after somebody did something with it. `changed`: it was not so before."""

    recording_id: str
    changed: bool
    hold: bool
    retain_until: datetime | None
    locked: bool
    """Whether the bucket keeps it too; else the catalogue alone says so."""


class CustodyLog(Protocol):
    """Enters into the custody log what somebody did, and who, when and how: as `Session.note` does."""

    def __call__(
        self, connection: Connection, recording_id: str, action: str, *, at: datetime, **details: Any
    ) -> None: ...


class RecordingKeeping:
    """Changes how recordings are kept, for `who`. All methods raise NotFound for one that was destroyed, and
    as `Protection` does; those that keep it, Refused for one that is being destroyed."""

    def __init__(
        self,
        database: Database,
        protection: Protection,
        log: CustodyLog,
        zone: ZoneInfo,
        *,
        who: str,
        now: datetime,
    ) -> None:
        self._database, self._protection, self._log, self._zone = database, protection, log, zone
        self._who, self._now = who, now

    # --- holds

    def hold(self, kept: ArchivedRecording, reason: str, request: str | None) -> Keeping:
        """Puts a recording under legal hold. The same hold twice is one."""
        said = {"reason": reason, "request": request or ""}
        with self._taken(kept, to_keep=True) as (connection, row):
            new = not self._is_held(connection, row, reason, request)
            if new:
                self._intend(connection, row, "to-be-held", said)
        if new:
            self._protect(replace(row, hold=True))
            with self._taken(kept, to_keep=not self._protection.locks) as (connection, row):
                if not self._is_held(connection, row, reason, request):
                    new_hold = holds.add(connection, row.id, reason, request, who=self._who, at=self._now)
                    self._enter(connection, row, "held", {**said, "hold": new_hold})
        return self._agreed(kept, changed=new)

    def release(
        self, kept: ArchivedRecording, reason: str, request: str | None, hidden: Collection[str] = ()
    ) -> Keeping:
        """Releases the holds of a request, or those without one. Of `hidden` requests no number is named.

        The bucket lets go with the last. Raises Refused where only others are left, NotFound where none is.
        """
        said = {"reason": reason, "request": request or ""}
        with self._taken(kept) as (connection, row):
            there = holds.in_force(connection, row.id)
            released = _fitting(row, there, request, hidden)
            if there:
                self._intend(connection, row, "to-be-released", said)
        if not there and not self._protection.is_held(row):  # one that was broken off may have left it held
            raise NotFound("recording {id} is not held: see callrec hold list", id=row.id)
        if len(released) == len(there):
            self._protection.let_go(row)
        with self._taken(kept) as (connection, row):
            holds.release(connection, row.id, released, reason, who=self._who, at=self._now)
            these = [each.id for each in released]
            self._enter(connection, row, "released", {**said, "holds": these})
        done = self._agreed(kept, changed=True)
        if not done.hold:
            self._protection.let_go(row)
        return done

    @staticmethod
    def _is_held(connection: Connection, row: ArchivedRecording, reason: str, request: str | None) -> bool:
        """Returns whether a hold for this reason and request is in force."""
        there = holds.in_force(connection, row.id)
        return (reason, request) in [(each.reason, each.request) for each in there]

    # --- retention

    def retain(self, kept: ArchivedRecording, until: datetime, reason: str) -> Keeping:
        """Keeps a recording for longer. Raises Refused for shorter, WrongUsage for what is no such time."""
        self._check(until)
        with self._taken(kept, to_keep=True) as (connection, row):
            if row.retain_until is not None and until < row.retain_until:
                raise Refused(
                    "recording {id} is kept until {moment}: it can be kept longer, not shorter",
                    id=row.id,
                    moment=spoken(row.retain_until, self._zone),
                )
            new = row.retain_until != until
            if new:
                self._intend(connection, row, "to-be-retained", _until(reason, row, until))
        if new:
            self._protect(replace(row, retain_until=until))
            with self._taken(kept, to_keep=not self._protection.locks) as (connection, row):
                if _is_longer(until, row):
                    retention.keep_until(connection, row.id, until, RetainedBecause.PERSON)
                    self._enter(connection, row, "retained", _until(reason, row, until))
        return self._agreed(kept, changed=new)

    def _check(self, until: datetime) -> None:
        if until <= self._now:
            raise WrongUsage("{moment} is over: write a day to come", moment=spoken(until, self._zone))
        if until > self._now + timedelta(days=policy.LONGEST_DAYS):
            raise WrongUsage(
                "{moment} is too far away: {days} days from now at most",
                moment=spoken(until, self._zone),
                days=policy.LONGEST_DAYS,
            )

    # --- incidents

    def mark(self, kept: ArchivedRecording, until: datetime, reason: str) -> Keeping:
        """Marks a recording and its call as an incident, and keeps it until then, if that is longer."""
        with self._taken(kept, to_keep=True) as (connection, row):
            new = not row.incident or _is_longer(until, row)
            if new:
                self._intend(connection, row, "to-be-marked", _until(reason, row, until))
        if new:
            longest = until if _is_longer(until, row) else row.retain_until
            self._protect(replace(row, retain_until=longest))
            with self._taken(kept, to_keep=not self._protection.locks) as (connection, row):
                self._mark(connection, row, until, reason)
        return self._agreed(kept, changed=new)

    def _mark(self, connection: Connection, row: ArchivedRecording, until: datetime, reason: str) -> None:
        retention.mark(connection, row, incident=True)
        if _is_longer(until, row):
            retention.keep_until(connection, row.id, until, RetainedBecause.INCIDENT)
        self._enter(connection, row, "marked-incident", _until(reason, row, until))

    def clear(self, kept: ArchivedRecording, reason: str) -> Keeping:
        """Takes the mark of an incident away. What is kept longer because of it stays so."""
        with self._taken(kept) as (connection, row):
            if row.incident:
                retention.mark(connection, row, incident=False)
                self._log(connection, row.id, "cleared-incident", at=self._now, reason=reason)
        return self._agreed(kept, changed=row.incident)

    # --- the steps

    @contextmanager
    def _taken(
        self, kept: ArchivedRecording, *, to_keep: bool = False
    ) -> Iterator[tuple[Connection, ArchivedRecording]]:
        """Gives a transaction that writes, and the recording as it is now, which only this one changes.

        `to_keep`: raises Refused while it is being destroyed. Where the bucket has just locked it, that need
        not be asked: nobody destroys it then.
        """
        with self._database.begin() as connection:
            row = retention.taken(connection, kept.id)
            if row.state is Custody.DESTROYED:
                raise NotFound("recording {id} was destroyed meanwhile: see callrec show {id}", id=row.id)
            if to_keep and self._is_going(connection, row):
                raise _too_late(row)
            yield connection, row

    def _is_going(self, connection: Connection, row: ArchivedRecording) -> bool:
        """Returns whether a recording is being destroyed. Of one that something has kept from that until now,
        only the bucket can say whether all of it is there."""
        stopped = self._protection.locks and destructions.is_stopped(connection, row.id)
        return destructions.is_begun(connection, row.id) and not stopped

    def _protect(self, row: ArchivedRecording) -> None:
        """Has the bucket keep a recording. Raises Refused or NotFound where a part of it is destroyed."""
        try:
            self._protection.protect(row, self._now)
        except (EvidenceBroken, Unreachable) as error:  # some servers refuse to lock what is not there
            refused = isinstance(error, Unreachable)
            with self._taken(row) as (connection, _):
                stopped = refused and destructions.is_stopped(connection, row.id)
                if destructions.is_begun(connection, row.id) and not stopped:
                    raise _too_late(row) from None
            raise

    def _intend(
        self, connection: Connection, row: ArchivedRecording, action: str, said: Mapping[str, Any]
    ) -> None:
        """Writes down what the bucket is going to be asked for: who finds it done can find out by whom."""
        if self._protection.locks:
            self._log(connection, row.id, action, at=self._now, **said)

    def _enter(
        self, connection: Connection, row: ArchivedRecording, action: str, said: Mapping[str, Any]
    ) -> None:
        """Writes down what was done, and whether the bucket keeps it or the catalogue alone."""
        where = "bucket" if self._protection.locks else "catalogue"
        self._log(connection, row.id, action, at=self._now, kept_by=where, **said)

    def _agreed(self, kept: ArchivedRecording, *, changed: bool) -> Keeping:
        """Makes the bucket say what the catalogue says by now, and returns that."""
        with self._database.read() as connection:
            row = calls.find_recording(connection, kept.id) or kept
        self._protect(row)
        return Keeping(row.id, changed, row.hold, row.retain_until, self._protection.locks)


def incident_until(call: CallRecord, kept: ArchivedRecording, default_days: int) -> datetime:
    """Returns until when an incident is kept: as the rule says that decided the call, else by default."""
    ended = call.ended_at or kept.started_at
    if call.decision is None:
        return ended + timedelta(days=default_days)
    return policy.retain_until(call.decision, ended, incident=True)


def _fitting(
    row: ArchivedRecording, there: Sequence[Hold], request: str | None, hidden: Collection[str]
) -> list[Hold]:
    """Returns the holds of a request, or those without one. Raises Refused where there are only others."""
    fitting = [each for each in there if each.request == request]
    if there and not fitting:
        numbers = ("…" if each.request in hidden else each.request or WITHOUT_REQUEST for each in there)
        others = ", ".join(dict.fromkeys(numbers))
        raise Refused(
            "recording {id} is held for other requests ({requests}; — is none): name one with --request, "
            "see callrec hold list",
            id=row.id,
            requests=others,
        )
    return fitting


def _too_late(row: ArchivedRecording) -> Refused:
    return Refused("recording {id} is being destroyed, as its time is over: see callrec show {id}", id=row.id)


def _is_longer(until: datetime, row: ArchivedRecording) -> bool:
    return row.retain_until is None or until > row.retain_until


def _until(reason: str, row: ArchivedRecording, until: datetime) -> dict[str, str]:
    """Returns what the custody log says of a longer retention."""
    before = row.retain_until.isoformat() if row.retain_until else ""
    after = until if _is_longer(until, row) else row.retain_until
    return {"reason": reason, "before": before, "until": after.isoformat() if after else ""}
