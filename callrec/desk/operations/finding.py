"""Calls and recordings, found and shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from callrec.catalogue import alerts, custody, facilities, finding, holds, notes, requests, rules
from callrec.catalogue.alerts import DeliveryRow
from callrec.catalogue.custody import Entry
from callrec.catalogue.database import Connection
from callrec.catalogue.finding import SearchHit
from callrec.catalogue.holds import Hold
from callrec.catalogue.notes import WrittenNote
from callrec.catalogue.query import SORTS, SearchQuery
from callrec.dates import check_moment
from callrec.desk.operation import Session, operation
from callrec.desk.recordings import unseen
from callrec.desk.words import check_shown
from callrec.errors import CatalogueDamaged, WrongUsage
from callrec.model.access import Role
from callrec.model.rules import Rule
from callrec.texts import folded, is_too_long

MOST_FOUND = 1_000_000
OF_REQUEST = ("request", "copy", "to", "medium")
"""What the custody log says of a request where something was done under it."""


@dataclass(frozen=True, slots=True)
class After:
    """What was written about a call and its recording when it was over."""

    notes: list[WrittenNote]
    holds: list[Hold]
    """Also those that were released."""
    requests: list[str]
    """The numbers of those that list it, as far as who asks reaches them."""


@dataclass(frozen=True, slots=True)
class ShownCall:
    """Everything that is known of a call and its recording. `considered`: the rules that were looked at, in
    the versions of then. `others`: further recordings of the call, where that was asked for."""

    found: SearchHit
    entries: list[Entry]
    told: list[DeliveryRow]
    considered: list[Rule]
    after: After
    others: list[str]


@operation("search", Role.HANDLER)
def search(session: Session, /, wanted: SearchQuery) -> Iterator[SearchHit]:
    """Yields what fits a search. `facility` may be a name. Raises CatalogueDamaged at the end, for the first
    row that is."""
    _check(wanted)
    return _hits(session, wanted)


@operation("show", Role.HANDLER)
def show(session: Session, /, id_: str) -> ShownCall:
    """Returns what is known of the recording or call of an id or its beginning. Raises NotFound."""
    with session.app.database.read() as connection:
        found, *more = finding.look_up_all(connection, id_, reach=session.reach)
        decision = found.call.decision
        versions = [(each.rule, each.version) for each in decision.considered] if decision else []
        return ShownCall(
            found,
            _entries(session, connection, found.recording.id) if found.recording else [],
            alerts.of_call(connection, found.call.id),
            list(rules.versions(connection, versions).values()),
            _after(session, connection, found),
            [each.recording.id for each in more if each.recording],
        )


def _entries(session: Session, connection: Connection, recording_id: str) -> list[Entry]:
    """Returns what was done with a recording. Of a request out of reach, by another facility that took part
    in the call, nothing is said: not its number, nor who was given a copy."""
    entries = custody.of(connection, recording_id)
    hidden = unseen(session, connection, [str(each.details.get("request") or "") for each in entries])
    return [
        replace(each, details={name: value for name, value in each.details.items() if name not in OF_REQUEST})
        if each.details.get("request") in hidden
        else each
        for each in entries
    ]


def _after(session: Session, connection: Connection, found: SearchHit) -> After:
    written = notes.of_call(connection, found.call.id)
    if found.recording is None:
        return After(written, [], [])
    id_ = found.recording.id
    listing = requests.numbers_of(connection, id_, reach=session.reach)
    held = holds.of_recording(connection, id_)
    hidden = unseen(session, connection, [each.request for each in held])
    return After(written, [each.without(hidden) for each in held], listing)


def _hits(session: Session, wanted: SearchQuery) -> Iterator[SearchHit]:
    damaged: list[CatalogueDamaged] = []
    with session.app.database.read() as connection:
        if wanted.facility is not None:
            code = facilities.code_of_calls(connection, wanted.facility)
            wanted = replace(wanted, facility=code)
        found = finding.search(connection, wanted, damaged.append, reach=session.reach)
    yield from found
    if damaged:
        raise damaged[0]


def _check(wanted: SearchQuery) -> None:
    """Raises WrongUsage for what no search can be."""
    texts = (wanted.extension, wanted.facility, wanted.number, wanted.dialled, wanted.direction, wanted.mode)
    given = [text for text in (*texts, wanted.note, wanted.after) if text is not None]
    for text in given:
        check_shown(text)
    for moment in (wanted.begin, wanted.end):
        if moment is not None:
            check_moment(moment)
    if wanted.sort not in SORTS or not 1 <= wanted.limit <= MOST_FOUND + 1 or any(map(is_too_long, given)):
        raise WrongUsage("there is no such search: see callrec search --help")
    if wanted.note is not None and not folded(wanted.note):
        raise WrongUsage("--note is empty: give a part of what was written")
