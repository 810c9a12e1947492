"""Requests for recordings: opened, decided on by another person, handed over, returned and closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from callrec import ids
from callrec.catalogue import custody, facilities, requests
from callrec.catalogue.database import Connection
from callrec.desk.operation import Session, operation
from callrec.desk.recordings import named, request_of
from callrec.desk.words import written, written_or_not
from callrec.errors import Refused, WrongUsage
from callrec.lifecycle import requests as rules
from callrec.model.access import Role
from callrec.model.requests import (
    Copy,
    CopyOutcome,
    ListedRecording,
    Request,
    RequestFile,
    RequestKind,
    RequestState,
    RequestStep,
)

ENDED = {CopyOutcome.RETURNED: "copy-returned", CopyOutcome.DESTROYED: "copy-destroyed"}
"""What the custody log calls the end of a copy."""
LONGEST_NAME, LONGEST_TEXT = 200, 2000
"""Characters of a name or medium, and of a ground or reason."""


@operation("request open", Role.HANDLER, Role.MANAGER)
def open_request(
    session: Session, /, kind: RequestKind, for_whom: str, ground: str = "", due: date | None = None
) -> Request:
    """Opens a request, under a new number. `due` is the day until which copies are to come back."""
    for_whom = written("--for", for_whom, LONGEST_NAME)
    ground = written_or_not("--ground", ground, LONGEST_TEXT)
    today = _today(session)
    if due is not None and due < today:
        raise WrongUsage("--due {day} is over already: write a later day", day=due)
    said = {"for_whom": for_whom, "ground": ground, "due": due}
    with session.app.database.begin() as connection:
        made = requests.open_(
            connection,
            kind,
            for_whom=for_whom,
            ground=ground,
            due=due,
            reach=session.reach,
            by=session.who,
            at=session.now,
            year=today.year,
        )
        opened = {"kind": kind, **said, "due": due and str(due)}
        _enter(session, connection, made, "request-opened", [("", opened)])
    return made


@operation("request approve", Role.MANAGER)
def approve_request(session: Session, /, number: str) -> Request:
    """Approves a request of somebody else, for the recordings within the caller's reach.

    Raises NotAllowed where it lists others, or one that the caller has listed.
    """
    with session.app.database.begin() as connection:
        request = _taken(session, connection, number)
        rules.check_other_person(request, session.who)
        state = rules.step(request, RequestStep.APPROVE)
        listed = requests.listed(connection, request.number)[request.number]
        rules.check_reaches_all(listed, session.reach, request.number, session.who)
        rules.check_listed_by_others(request, listed, session.who)
        codes = session.reach.as_list()
        _decide(session, connection, request, state, approved_for=codes)
        covered = [each.id for each in listed]
        said = {"recordings": covered, "facilities": codes}
        _enter(session, connection, request, "request-approved", [("", said)])
        return requests.taken(connection, request.number)


@operation("request refuse", Role.MANAGER)
def refuse_request(session: Session, /, number: str, reason: str) -> Request:
    """Refuses a request of somebody else, and says why."""
    reason = written("--reason", reason, LONGEST_TEXT)
    with session.app.database.begin() as connection:
        request = _taken(session, connection, number)
        rules.check_other_person(request, session.who)
        state = rules.step(request, RequestStep.REFUSE)
        _decide(session, connection, request, state, refusal=reason)
        _enter(session, connection, request, "request-refused", [("", {"reason": reason})])
        return requests.taken(connection, request.number)


def _decide(
    session: Session, connection: Connection, request: Request, state: RequestState, **values: Any
) -> None:
    decided = {"decided_by": session.who, "decided_at": session.now}
    requests.change(connection, request.number, state, **decided, **values)


@operation("request add", Role.HANDLER, Role.MANAGER)
def add_to_request(session: Session, /, number: str, ids: list[str]) -> list[str]:
    """Lists recordings in a request; returns the ids of those that were not listed before."""
    with session.app.database.begin() as connection:
        request = _taken(session, connection, number)
        rules.step(request, RequestStep.ADD)
        rules.check_not_approver(request, session.who)
        wanted = named(session, connection, ids)
        new = [each for each in wanted if not requests.lists(connection, request.number, each.id)]
        for each in new:
            rules.check_covers(request, each.id, requests.facilities_of_call(connection, each.call_id))
        for each in new:
            requests.add(connection, request.number, each.id, by=session.who, at=session.now)
        _enter(session, connection, request, "added", [(each.id, {}) for each in new])
    return [each.id for each in new]


@operation("request hand-over", Role.HANDLER, Role.MANAGER)
def hand_over(session: Session, /, number: str, to_whom: str, medium: str, for_good: bool = False) -> Copy:
    """Writes down that what was fetched under a request was given out, as one copy.

    `for_good`: it need not come back. Of a listed recording of which nothing was fetched, the file in the
    archive counts. What the caller does not reach is not in it.
    """
    to_whom = written("--to", to_whom, LONGEST_NAME)
    medium = written("--medium", medium, LONGEST_NAME)
    with session.app.database.begin() as connection:
        request = _taken(session, connection, number)
        state = rules.step(request, RequestStep.HAND_OVER)
        listed = rules.within(session.reach, requests.listed(connection, request.number)[request.number])
        files = [
            file
            for each in listed
            for file in rules.given_files(each, request.number, custody.of(connection, each.id))
        ]
        if not files:
            raise Refused(
                "request {number} lists no recording that is there: callrec request add lists one",
                number=request.number,
            )
        requests.change(connection, request.number, state)
        copy = requests.add_copy(
            connection,
            request.number,
            files,
            to_whom=to_whom,
            medium=medium,
            by=session.who,
            at=session.now,
            for_good=for_good,
        )
        said = {"to": to_whom, "medium": medium} | ({"for_good": True} if for_good else {})
        _enter(session, connection, request, "handed-over", _in_copies([copy], **said))
    return copy


@operation("request withdraw", Role.HANDLER, Role.MANAGER)
def withdraw_copy(session: Session, /, number: str, copy: str, reason: str) -> Copy:
    """Writes down that a copy was written down by mistake, and why: wrongly for good or not, to somebody
    else, or never given. What was written stays; what is right is handed over anew."""
    reason = written("--reason", reason, LONGEST_TEXT)
    with session.app.database.begin() as connection:
        request = _taken(session, connection, number)
        rules.step(request, RequestStep.WITHDRAW)
        copies = requests.copies_of(connection, request.number)[request.number]
        wrong = rules.copy_to_withdraw(request, _seen_copies(session, connection, request, copies), copy)
        requests.end_copy(connection, wrong.id, CopyOutcome.MISTAKEN, by=session.who, at=session.now)
        _enter(session, connection, request, "copy-mistaken", _in_copies([wrong], reason=reason))
    return wrong


@operation("request return", Role.HANDLER, Role.MANAGER)
def return_copies(session: Session, /, number: str, copy: str | None = None) -> list[Copy]:
    """Writes down that the copies of a request that are out came back, or one of them."""
    return _end(session, number, copy, CopyOutcome.RETURNED)


@operation("request destroyed", Role.HANDLER, Role.MANAGER)
def destroyed_copies(session: Session, /, number: str, copy: str | None = None) -> list[Copy]:
    """Writes down that whoever had the copies of a request destroyed them, or one of them."""
    return _end(session, number, copy, CopyOutcome.DESTROYED)


def _end(session: Session, number: str, id_: str | None, outcome: CopyOutcome) -> list[Copy]:
    with session.app.database.begin() as connection:
        request = _taken(session, connection, number)
        rules.step(request, RequestStep.RETURN_ONE)
        copies = requests.copies_of(connection, request.number)[request.number]
        visible = _seen_copies(session, connection, request, copies)
        ended = rules.copies_to_end(request, visible, id_)
        gone = {each.id for each in ended}
        left = [each for each in copies if each.is_out and each.id not in gone]
        step = RequestStep.RETURN_ONE if left else RequestStep.RETURN_LAST
        requests.change(connection, request.number, rules.step(request, step))
        for each in ended:
            requests.end_copy(connection, each.id, outcome, by=session.who, at=session.now)
        _enter(session, connection, request, ENDED[outcome], _in_copies(ended))
        after = requests.copies_of(connection, request.number)[request.number]
    return [each for each in after if each.id in gone]


@operation("request close", Role.HANDLER, Role.MANAGER)
def close_request(session: Session, /, number: str) -> Request:
    """Closes a request: nothing can be fetched under it any more. Raises Refused while copies are out."""
    with session.app.database.begin() as connection:
        request = _taken(session, connection, number)
        copies = requests.copies_of(connection, request.number)[request.number]
        rules.check_nothing_is_out(request, copies, _seen_copies(session, connection, request, copies))
        state = rules.step(request, RequestStep.CLOSE)
        closed = {"closed_by": session.who, "closed_at": session.now}
        requests.change(connection, request.number, state, **closed)
        _enter(session, connection, request, "request-closed", [("", {})])
        return requests.taken(connection, request.number)


# --- looking at them


@operation("request list", Role.HANDLER, Role.MANAGER, Role.AUDITOR)
def list_requests(session: Session, /, overdue: bool = False) -> list[RequestFile]:
    """Returns the requests that the caller may know of, the oldest first; only those `overdue`."""
    with session.app.database.read() as connection:
        listed, copies = requests.listed(connection), requests.copies_of(connection)
        names = _names(connection)
        found = [
            _file(session, each, listed[each.number], copies[each.number], names)
            for each in requests.all_requests(connection)
            if session.reach.meets(each.reach)
        ]
    return [each for each in found if each.overdue or not overdue]


@operation("request show", Role.HANDLER, Role.MANAGER, Role.AUDITOR)
def show_request(session: Session, /, number: str) -> RequestFile:
    """Returns a request with the recordings it lists, and the copies of them, as far as they are in reach."""
    with session.app.database.read() as connection:
        request = request_of(session, connection, number)
        listed = requests.listed(connection, request.number)[request.number]
        copies = requests.copies_of(connection, request.number)[request.number]
        return _file(session, request, listed, copies, _names(connection))


def _file(
    session: Session,
    request: Request,
    listed: Sequence[ListedRecording],
    copies: Sequence[Copy],
    names: dict[str, str],
) -> RequestFile:
    seen = rules.within(session.reach, listed)
    seen_copies = rules.as_seen(copies, seen)
    overdue = rules.is_overdue(request, seen_copies, _today(session))
    codes = request.approved_for.as_list() if request.approved_for else None
    approved_for = None if codes is None else tuple(names.get(code, code) for code in codes)
    return RequestFile(request, tuple(seen), tuple(seen_copies), overdue, approved_for)


def _names(connection: Connection) -> dict[str, str]:
    return {each.code: each.name for each in facilities.all_facilities(connection)}


# --- what all of them need


def _taken(session: Session, connection: Connection, number: str) -> Request:
    """Does as `request_of`, and keeps others from changing the request until the end of the transaction."""
    return requests.taken(connection, request_of(session, connection, number).number)


def _seen_copies(
    session: Session, connection: Connection, request: Request, copies: Sequence[Copy]
) -> list[Copy]:
    return rules.as_seen(
        copies, rules.within(session.reach, requests.listed(connection, request.number)[request.number])
    )


def _today(session: Session) -> date:
    return session.now.astimezone(session.app.settings.office.zone).date()


def _enter(
    session: Session,
    connection: Connection,
    request: Request,
    action: str,
    said: Sequence[tuple[str, dict[str, Any]]],
) -> None:
    """Enters a step into the custody log, of each recording that it is about (empty: of none), and states how
    the request stands after it."""
    id_ = ids.new()
    for recording_id, details in said:
        session.note(
            connection, recording_id, action, request=request.number, **{**details, "statement": id_}
        )
    if said:
        session.state_request(connection, id_, request.number, action)


def _in_copies(copies: Iterable[Copy], **details: Any) -> list[tuple[str, dict[str, Any]]]:
    """Returns what the custody log says of each recording in each of these copies."""
    return [
        (id_, {"copy": copy.id, "sha256": _hashes(copy, id_), **details})
        for copy in copies
        for id_ in dict.fromkeys(each.recording_id for each in copy.files)
    ]


def _hashes(copy: Copy, recording_id: str) -> list[str]:
    return [each.sha256 for each in copy.files if each.recording_id == recording_id]
