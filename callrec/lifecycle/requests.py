"""Decides what may be done under a request, and by whom."""

from __future__ import annotations

import re

from callrec.catalogue import requests
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Connection
from callrec.errors import Refused, Sentence
from callrec.ids import pasted
from callrec.model.access import Reach
from callrec.model.requests import REQUEST, IllegalStep, Request, RequestState, RequestStep, advance
from callrec.texts import on_one_line
from callrec.wording import REQUEST_STATES

_NUMBER = re.compile("[0-9]{4}-[0-9]{4,10}")


def permit(
    connection: Connection, required: bool, number: str | None, kept: ArchivedRecording, reach: Reach
) -> None:
    """Raises Refused unless a recording may be heard or given out under the request of this number.

    `required`: not without one. `reach` is that of who wants it.
    """
    if not number:
        if required:
            raise Refused(
                "recordings are heard and given out only under an approved request: name it with --request"
            )
        return
    request = _seen(connection, number, reach)
    step(request, RequestStep.FETCH)
    if not requests.lists(connection, request.number, kept.id):
        raise Refused(
            "request {number} does not list recording {id}: callrec request add lists it",
            number=request.number,
            id=kept.id,
        )
    check_covers(request, kept.id, requests.facilities_of_call(connection, kept.call_id))


def _seen(connection: Connection, number: str, reach: Reach) -> Request:
    """Returns the request of a number. One that `reach` does not meet is none."""
    found = requests.find(connection, plain_number(number))
    if found is None or not found.reach.meets(reach):
        raise Refused("there is no request {number}: see callrec request list", number=on_one_line(number))
    return found


def check_covers(request: Request, recording_id: str, facilities: frozenset[str]) -> None:
    """Raises Refused where a request was approved by somebody who does not reach a recording."""
    if request.approved_for is not None and not request.approved_for.meets(Reach(facilities)):
        raise Refused(
            "whoever approved request {number} has no role for the facilities of recording {id}: open "
            "another request for it",
            number=request.number,
            id=recording_id,
        )


def step(request: Request, wanted: RequestStep) -> RequestState:
    """Returns the state of a request after a step. Raises Refused where it cannot be taken."""
    try:
        return advance(REQUEST, request.state, wanted)
    except IllegalStep as error:
        raise Refused(
            _REFUSALS[wanted], number=request.number, state=Sentence(REQUEST_STATES[request.state])
        ) from error


_REFUSALS = {
    RequestStep.ADD: "request {number} is {state}: nothing can be added to it, open another",
    RequestStep.APPROVE: "request {number} is {state}: only one that is open can be approved",
    RequestStep.REFUSE: "request {number} is {state}: only one that is open can be refused",
    RequestStep.FETCH: "request {number} is {state}: under it nothing can be heard or given out",
    RequestStep.HAND_OVER: "request {number} is {state}: under it nothing can be handed over",
    RequestStep.RETURN_ONE: "request {number} is {state}: no copy of it is out",
    RequestStep.RETURN_LAST: "request {number} is {state}: no copy of it is out",
    RequestStep.CLOSE: "request {number} is {state}: it cannot be closed",
}


def plain_number(text: str) -> str:
    """Returns a number of a request as it is stored, however it was typed; empty where it is none."""
    plain = pasted(text)
    return plain if _NUMBER.fullmatch(plain) else ""
