"""Decides what may be done under a request, and by whom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from callrec.catalogue import requests
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.custody import Entry
from callrec.catalogue.database import Connection
from callrec.errors import NotAllowed, NotFound, Refused, Sentence, WrongUsage
from callrec.ids import pasted
from callrec.model.access import Reach
from callrec.model.requests import (
    REQUEST,
    Copy,
    CopyOutcome,
    GivenFile,
    ListedRecording,
    Request,
    RequestState,
    RequestStep,
)
from callrec.recording.states import IllegalTransition, advance
from callrec.texts import on_one_line
from callrec.wording import REQUEST_STATES

GIVING = {"fetched", "exported", "linked"}
"""What the custody log says where somebody got a file, or a link to one."""
_NUMBER = re.compile("[0-9]{4}-[0-9]{4,10}")


def permit(
    connection: Connection, required: bool, number: str | None, kept: ArchivedRecording, reach: Reach
) -> None:
    """Raises NotAllowed unless a recording may be heard or given out under the request of this number.

    `required`: not without one. `reach` is that of who wants it.
    """
    if not number:
        if required:
            raise NotAllowed(
                "recordings are heard and given out only under an approved request: name it with --request"
            )
        return
    request = seen(connection, number, reach)
    step(request, RequestStep.FETCH)
    if not requests.lists(connection, request.number, kept.id):
        raise NotAllowed(
            "request {number} does not list recording {id}: callrec request add lists it",
            number=request.number,
            id=kept.id,
        )
    check_covers(request, kept.id, requests.facilities_of_call(connection, kept.call_id))


def seen(connection: Connection, number: str, reach: Reach) -> Request:
    """Returns the request of a number. One that `reach` does not meet is none: NotAllowed."""
    found = requests.find(connection, plain_number(number))
    if found is None or not found.reach.meets(reach):
        raise NotAllowed("there is no request {number}: see callrec request list", number=on_one_line(number))
    return found


def check_covers(request: Request, recording_id: str, facilities: frozenset[str]) -> None:
    """Raises NotAllowed where a request was approved by somebody who does not reach a recording."""
    if request.approved_for is not None and not request.approved_for.meets(Reach(facilities)):
        raise NotAllowed(
            "whoever approved request {number} has no role for the facilities of recording {id}: open "
            "another request for it",
            number=request.number,
            id=recording_id,
        )


def step(request: Request, wanted: RequestStep) -> RequestState:
    """Returns the state of a request after a step. Raises Refused where it cannot be taken, and NotAllowed
    where that is to get a recording."""
    try:
        return advance(REQUEST, request.state, wanted)
    except IllegalTransition as error:
        refused = NotAllowed if wanted is RequestStep.FETCH else Refused
        raise refused(
            REFUSALS[wanted], number=request.number, state=Sentence(REQUEST_STATES[request.state])
        ) from error


REFUSALS = {
    RequestStep.ADD: "request {number} is {state}: nothing can be added to it, open another",
    RequestStep.APPROVE: "request {number} is {state}: only one that is open can be approved",
    RequestStep.REFUSE: "request {number} is {state}: only one that is open can be refused",
    RequestStep.FETCH: "request {number} is {state}: under it nothing can be heard or given out",
    RequestStep.HAND_OVER: "request {number} is {state}: under it nothing can be handed over",
    RequestStep.WITHDRAW: "request {number} is {state}: there is no hand-over to withdraw",
    RequestStep.RETURN_ONE: "request {number} is {state}: no copy of it is out",
    RequestStep.RETURN_LAST: "request {number} is {state}: no copy of it is out",
    RequestStep.CLOSE: "request {number} is {state}: there is nothing left to close",
}


def plain_number(text: str) -> str:
    """Returns a number of a request as it is stored, however it was typed; empty where it is none."""
    plain = pasted(text)
    return plain if _NUMBER.fullmatch(plain) else ""


def check_other_person(request: Request, who: str) -> None:
    """Raises NotAllowed where who decides on a request is who opened it.

    Of ``callrec (sudo: tanaka)`` both count: the account can choose what sudo says of who was there before.
    """
    shared = persons(request.opened_by) & persons(who)
    if shared:
        raise NotAllowed(
            "request {number} was opened by {who}: somebody else has to decide on it",
            number=request.number,
            who=", ".join(sorted(shared)),
        )


def check_listed_by_others(request: Request, recordings: Iterable[ListedRecording], who: str) -> None:
    """Raises NotAllowed where who approves has listed one of the recordings: nobody else would have looked at
    it then."""
    for each in recordings:
        if shared := persons(each.added_by) & persons(who):
            raise NotAllowed(
                "recording {id} was listed in request {number} by {who}: somebody else has to approve it",
                id=each.id,
                number=request.number,
                who=", ".join(sorted(shared)),
            )


def check_not_approver(request: Request, who: str) -> None:
    """Raises NotAllowed where who lists recordings is who approved the request, for the same reason."""
    if shared := persons(request.approved_by or "") & persons(who):
        raise NotAllowed(
            "request {number} was approved by {who}: somebody else has to list recordings in it",
            number=request.number,
            who=", ".join(sorted(shared)),
        )


def persons(who: str) -> frozenset[str]:
    """Returns the accounts that are named where somebody acts."""
    return frozenset(name for name in re.split(r" \(sudo: |\)$", who) if name)


def check_reaches_all(recordings: Sequence[ListedRecording], reach: Reach, number: str, who: str) -> None:
    """Raises NotAllowed where one of the recordings is none that who approves may know of."""
    if len(within(reach, recordings)) < len(recordings):
        raise NotAllowed(
            "request {number} lists recordings for which {who} has no role: a manager for all of them has to "
            "approve it",
            number=number,
            who=who,
        )


def check_nothing_is_out(request: Request, copies: Iterable[Copy], seen: Iterable[Copy]) -> None:
    """Raises Refused where copies that were given out did not come back, and names those that are `seen`."""
    if any(each.is_out for each in copies):
        raise Refused(
            "request {number} cannot be closed, copies are still out ({copies}): callrec request return, or "
            "destroyed",
            number=request.number,
            copies=", ".join(each.id for each in seen if each.is_out) or "—",
        )


def given_files(recording: ListedRecording, number: str, entries: Iterable[Entry]) -> list[GivenFile]:
    """Returns the files of a recording that leave with a copy: each that was fetched under the request, by
    its custody log; else the one in the archive, if it is there still."""
    fetched = [
        GivenFile(recording.id, said["sha256"], str(said.get("format", "")), str(said.get("clip", "")))
        for said in (each.details for each in entries if each.action in GIVING)
        if said.get("sha256") and plain_number(str(said.get("request") or "")) == number
    ]
    whole = [GivenFile(recording.id, recording.sha256, "flac")] if recording.is_there else []
    return list(dict.fromkeys(fetched)) or whole


def copies_to_end(request: Request, copies: Iterable[Copy], id_: str | None) -> list[Copy]:
    """Returns the copies that are out, or the one of this id, or its beginning. Raises NotFound, and
    WrongUsage where the beginning is that of several."""
    out = [each for each in copies if each.is_out]
    if id_ is not None:
        return [_named(request, out, id_)]
    if not out:
        raise _none_out(request, "—")
    return out


def copy_to_withdraw(request: Request, copies: Iterable[Copy], id_: str) -> Copy:
    """Returns the copy of an id, or its beginning, that is out or was given for good. Raises as
    `copies_to_end`."""
    return _named(request, [each for each in copies if each.outcome in (None, CopyOutcome.GIVEN)], id_)


def _named(request: Request, copies: Iterable[Copy], id_: str) -> Copy:
    found, shown = (
        [each for each in copies if each.id.startswith(pasted(id_) or "-")],
        on_one_line(id_ or "—"),
    )
    if not found:
        raise _none_out(request, shown)
    if len(found) > 1:
        raise WrongUsage(
            "{id} fits several copies of request {number}: give more of it", id=shown, number=request.number
        )
    return found[0]


def _none_out(request: Request, shown: str) -> NotFound:
    return NotFound(
        "no copy {id} of request {number} is out: see callrec request show", id=shown, number=request.number
    )


def within(reach: Reach, listed: Iterable[ListedRecording]) -> list[ListedRecording]:
    """Returns the recordings of which somebody with this reach may know."""
    return [each for each in listed if reach.meets(Reach(each.facilities))]


def as_seen(copies: Iterable[Copy], recordings: Iterable[ListedRecording]) -> list[Copy]:
    """Returns the copies of which somebody may know who may know of these recordings, with their files."""
    known = {each.id for each in recordings}
    shown = [
        replace(each, files=tuple(file for file in each.files if file.recording_id in known))
        for each in copies
    ]
    return [each for each in shown if each.files]


def is_overdue(request: Request, copies: Iterable[Copy], today: date) -> bool:
    """Returns whether the day until which copies were to come back is over, and one is still out."""
    return request.due is not None and request.due < today and any(each.is_out for each in copies)


def overdue(connection: Connection, today: date, reach: Reach) -> list[Request]:
    """Returns the requests of which copies should have come back, as far as they may be known."""
    listed, copies = requests.listed(connection), requests.copies_of(connection)
    return [
        each
        for each in requests.all_requests(connection)
        if each.reach.meets(reach)
        and is_overdue(each, as_seen(copies[each.number], within(reach, listed[each.number])), today)
    ]
