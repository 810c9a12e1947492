"""What is done after a call so that it is kept: incidents, legal holds, longer retention, notes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from pydantic import AwareDatetime

from callrec.catalogue import finding, holds, notes
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.holds import HeldRecording
from callrec.dates import check_moment, spoken
from callrec.desk.operation import Session, operation
from callrec.desk.recordings import named, request_of, unseen
from callrec.desk.words import written
from callrec.errors import Refused
from callrec.lifecycle.keeping import Keeping, RecordingKeeping, incident_until
from callrec.lifecycle.requests import plain_number
from callrec.model.access import Role

LONGEST_REASON = 500
LONGEST_NUMBER = 16
LONGEST_NOTE = 2000


@operation("incident", Role.MANAGER)
def mark_incidents(session: Session, /, ids: list[str], reason: str) -> Iterator[Keeping]:
    """Marks recordings as incidents, and keeps each as long as its rule says of those."""
    why, keeping = _reason(reason), _keeping(session)
    days = session.app.settings.retention.incident_days
    for kept in _named(session, ids):
        with session.app.database.read() as connection:
            call = finding.call(connection, kept.call_id, reach=session.reach)
        yield keeping.mark(kept, incident_until(call, kept, days), why)


@operation("incident", Role.MANAGER)
def clear_incidents(session: Session, /, ids: list[str], reason: str) -> Iterator[Keeping]:
    """Takes the mark away. What was kept longer because of it stays so."""
    why, keeping = _reason(reason), _keeping(session)
    for kept in _named(session, ids):
        yield keeping.clear(kept, why)


@operation("hold add", Role.MANAGER)
def add_holds(session: Session, /, ids: list[str], reason: str, request: str | None) -> Iterator[Keeping]:
    """Puts recordings under legal hold, for a request or without one. Raises NotFound where there is no such
    request."""
    why, number, keeping = _reason(reason), _number(request), _keeping(session)
    _check_request(session, number)
    for kept in _named(session, ids):
        yield keeping.hold(kept, why, number)


@operation("hold release", Role.MANAGER)
def release_holds(session: Session, /, ids: list[str], reason: str, request: str | None) -> Iterator[Keeping]:
    """Releases the holds of a request, or those without one. Raises as `add_holds`."""
    why, number, keeping = _reason(reason), _number(request), _keeping(session)
    _check_request(session, number)
    for kept in _named(session, ids):
        with session.app.database.read() as connection:
            there = holds.in_force(connection, kept.id)
            hidden = unseen(session, connection, [each.request for each in there])
        yield keeping.release(kept, why, number, hidden)


@operation("hold list", Role.MANAGER, Role.AUDITOR)
def list_holds(session: Session, /) -> list[HeldRecording]:
    """Returns all holds that are in force."""
    with session.app.database.read() as connection:
        found = holds.everywhere(connection, session.reach)
        hidden = unseen(session, connection, [each.hold.request for each in found])
    return [replace(each, hold=each.hold.without(hidden)) for each in found]


@operation("retain", Role.MANAGER)
def retain(session: Session, /, ids: list[str], until: AwareDatetime, reason: str) -> Iterator[Keeping]:
    """Keeps recordings until then. Raises Refused where that is not longer than it is."""
    check_moment(until)
    why, keeping = _reason(reason), _keeping(session)
    for kept in _named(session, ids):
        yield keeping.retain(kept, until, why)


@operation("note", Role.MANAGER)
def add_note(session: Session, /, id_: str, text: str) -> str:
    """Writes a note about a call, recorded or not. Returns the id of the call.

    Raises Refused where its numbers and names are gone: nothing would take those of a note away again.
    """
    said = written("TEXT", text, LONGEST_NOTE)
    with session.app.database.begin() as connection:
        found = finding.look_up(connection, id_, reach=session.reach)
        if found.erased_at is not None:
            raise Refused(
                "numbers and names were taken out of call {id} at {moment}: nothing can be written about it "
                "any more",
                id=found.call.id,
                moment=spoken(found.erased_at, session.app.settings.office.zone),
            )
        new = notes.add(connection, found.call.id, said, who=session.who, at=session.now)
        # Not the words: the log is for ever, and what is said of people is not.
        recording_id = found.recording.id if found.recording else found.call.id
        sha256 = hashlib.sha256(said.encode()).hexdigest()
        about = {"call": found.call.id, "note": new.id, "text_sha256": sha256}
        session.note(connection, recording_id, "noted", at=new.at, **about)
    return found.call.id


def _keeping(session: Session) -> RecordingKeeping:
    app = session.app
    return RecordingKeeping(
        app.database,
        app.protection,
        session.note,
        app.settings.office.zone,
        who=session.who,
        now=session.now,
    )


def _named(session: Session, ids: list[str]) -> list[ArchivedRecording]:
    """Returns the recordings that are named. A wrong one is said before anything is done."""
    with session.app.database.read() as connection:
        return named(session, connection, ids)


def _reason(text: str) -> str:
    return written("--reason", text, LONGEST_REASON)


def _number(text: str | None) -> str | None:
    """Returns the number of a request as it is stored, however it was typed."""
    if text is None:
        return None
    given = written("--request", text, LONGEST_NUMBER)
    return plain_number(given) or given


def _check_request(session: Session, number: str | None) -> None:
    """Raises NotFound unless there is such a request, which the caller may know of."""
    if number is None:
        return
    with session.app.database.read() as connection:
        request_of(session, connection, number)
