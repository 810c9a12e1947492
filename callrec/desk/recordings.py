"""Finds the recordings and requests that an operation is asked about, within the reach of who asks."""

from __future__ import annotations

from collections.abc import Collection

from callrec.catalogue import finding, requests
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Connection
from callrec.catalogue.finding import SearchHit
from callrec.dates import spoken
from callrec.desk.operation import Session
from callrec.errors import NotFound, OutOfSight, WrongUsage
from callrec.lifecycle.requests import plain_number
from callrec.model.calls import CallRecord
from callrec.model.captures import Custody, RetainedBecause
from callrec.model.requests import Request
from callrec.texts import items, on_one_line
from callrec.wording import rule_name

MOST_NAMED = 10_000
"""Recordings that may be named at once."""


def look_up(session: Session, connection: Connection, id_: str) -> ArchivedRecording:
    """Returns the recording of an id or its beginning, which may also be those of its call.

    Raises NotFound, also for a call without a recording and for one that was destroyed, and WrongUsage when
    it fits several, or a call that has several.
    """
    first, *others = all_of(session, connection, id_)
    if others:
        raise WrongUsage(
            "call {id} has {count} recordings: name one of {recordings}",
            id=first.call_id,
            count=1 + len(others),
            recordings=", ".join(each.id for each in (first, *others)),
        )
    return first


def all_of(session: Session, connection: Connection, id_: str) -> list[ArchivedRecording]:
    """Returns the recording of an id, or all that are left of the call of that id. Raises as `look_up`, but
    for several of a call."""
    found = finding.look_up_all(connection, id_, reach=session.reach)
    every = [each.recording for each in found if each.recording]
    if not every:
        raise _not_recorded(session, found[0].call)
    left = [each for each in every if each.state is not Custody.DESTROYED]
    if not left:
        raise _destroyed(session, found[0], every[0])
    return left


def named(session: Session, connection: Connection, texts: Collection[str]) -> list[ArchivedRecording]:
    """Returns the recordings that are named, each once. A text may be a list of ids, and the id of a call
    stands for all its recordings.

    Raises as `all_of` and `listed`.
    """
    found = (each for text in listed(texts) for each in all_of(session, connection, text))
    return list({each.id: each for each in found}.values())


def listed(texts: Collection[str]) -> Collection[str]:
    """Returns the ids in some texts, each of which may be a list of them. Raises WrongUsage for more than are
    looked up in a reasonable time: others wait."""
    wanted = items(texts) or texts
    if len(wanted) > MOST_NAMED:
        raise WrongUsage(
            "{count} ids are too many at once: at most {most}", count=len(wanted), most=MOST_NAMED
        )
    return wanted


def request_of(session: Session, connection: Connection, number: str) -> Request:
    """Returns the request of a number, however it was typed. Raises NotFound, also for one out of sight."""
    found = requests.find(connection, plain_number(number))
    template, shown = "there is no request {number}: see callrec request list", on_one_line(number)
    if found is None:
        raise NotFound(template, number=shown)
    if not session.reach.meets(found.reach):
        raise OutOfSight(template, recording_id="", number=shown)
    return found


def unseen(session: Session, connection: Connection, numbers: Collection[str | None]) -> set[str]:
    """Returns those of these numbers that are of requests out of sight, by another facility that took part
    in a call."""
    found = [requests.find(connection, each) for each in set(numbers) if each]
    return {each.number for each in found if each and not session.reach.meets(each.reach)}


def _not_recorded(session: Session, call: CallRecord) -> NotFound:
    """Returns the error that says of a call why there is no recording: what is discarded stays so."""
    if call.discarded_at is None:
        return NotFound("call {id} was not recorded: see callrec show {id}", id=call.id)
    return NotFound(
        "what was recorded of call {id} was discarded at {moment}, and cannot be had back: see callrec "
        "show {id}",
        id=call.id,
        moment=spoken(call.discarded_at, session.app.settings.office.zone),
    )


def _destroyed(session: Session, found: SearchHit, kept: ArchivedRecording) -> NotFound:
    """Returns the error that says of a recording when it was destroyed, and why."""
    zone, decision = session.app.settings.office.zone, found.call.decision
    at, until = (spoken(each, zone) if each else "—" for each in (kept.destroyed_at, kept.retain_until))
    if kept.retained_because is RetainedBecause.PERSON or decision is None:
        return NotFound(
            "recording {id} was destroyed at {moment}: it was to be kept until {until}",
            id=kept.id,
            moment=at,
            until=until,
        )
    return NotFound(
        "recording {id} was destroyed at {moment}: rule {rule} kept it until {until}",
        id=kept.id,
        moment=at,
        rule=rule_name(decision.rule, decision.version),
        until=until,
    )
