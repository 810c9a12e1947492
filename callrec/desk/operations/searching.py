"""The search, and what whoever searches has to know of the office: by modules alone that take no time to
import, for it is asked many times a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from callrec.dates import check_moment
from callrec.desk.operation import Session, operation
from callrec.desk.words import check_shown
from callrec.errors import CatalogueDamaged, WrongUsage
from callrec.model.access import Role
from callrec.model.found import MOST_FOUND, SORTS, FoundCall, SearchQuery
from callrec.model.office import Conventions, FacilityName
from callrec.texts import folded, is_too_long

if TYPE_CHECKING:
    from callrec.catalogue.finding import SearchHit


@operation("--help", anybody=True)
def conventions(session: Session, /) -> Conventions:
    """Returns by what dates and numbers are read and shown."""
    office = session.app.settings.office
    return Conventions(office.timezone, office.prefixes)


@operation("search", Role.HANDLER)
def search(session: Session, /, wanted: SearchQuery) -> Iterator[FoundCall]:
    """Yields what fits a search. `facility` may be a name. Raises CatalogueDamaged at the end, for the first
    row that is."""
    _check(wanted)
    return _lines(session, wanted)


@operation("--help", *Role)
def facility_names(session: Session, /) -> tuple[FacilityName, ...]:
    """Returns what the facilities are called for which who asks has any role."""
    from callrec.catalogue import facilities

    with session.app.database.read() as connection:
        known = facilities.all_facilities(connection)
    return tuple(FacilityName(each.code, each.name) for each in known if session.reach.covers(each.code))


def _lines(session: Session, wanted: SearchQuery) -> Iterator[FoundCall]:
    from callrec.catalogue import facilities, lines

    damaged: list[CatalogueDamaged] = []
    with session.app.database.read() as connection:
        if wanted.facility is not None:
            code = facilities.code_of_calls(connection, wanted.facility)
            wanted = replace(wanted, facility=code)
        found = lines.search(connection, wanted, damaged.append, reach=session.reach)
    yield from found
    if damaged:
        raise damaged[0]


def found_call(found: SearchHit) -> FoundCall:
    """Returns a call and its recording as lists have it."""
    call, kept = found.call, found.recording
    return FoundCall(
        id=kept.id if kept else None,
        call_id=call.id,
        started_at=kept.started_at if kept else call.started_at,
        duration_s=round(kept.duration_s, 3) if kept else None,
        facility=call.facility,
        extension=call.extension,
        number=None if found.erased_at else call.number,
        direction=call.direction,
        mode=call.decision.mode if call.decision else None,
        outcome=call.outcome,
        discarded_at=call.discarded_at,
        unannounced_at=call.unannounced_at,
        kept_because=kept.kept_because if kept else None,
        incident=call.incident,
        announced=kept.announced if kept else any(each.complete for each in call.announcements),
        state=kept.state if kept else None,
        hold=kept.hold if kept else False,
        retain_until=kept.retain_until if kept else None,
        sha256=kept.sha256 if kept else None,
        key=kept.key if kept else None,
    )


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
