"""Facilities: listed, added, renamed and removed, who is called to help them, and how much they record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callrec.catalogue import facilities, reports
from callrec.catalogue.database import Connection
from callrec.catalogue.reports import Activity
from callrec.dates import parse_range
from callrec.desk.operation import Session, operation
from callrec.desk.operations.rights import require_facility
from callrec.errors import WrongUsage
from callrec.model.access import Role
from callrec.model.office import UNASSIGNED, Facility
from callrec.model.rules import Direction, Mode
from callrec.policy.office import Office
from callrec.rulebook.entries import facility_code, support_mail, support_phone

DAYS = 30
"""Of which the report is where no span is named."""


@dataclass(frozen=True, slots=True)
class CountedFacility:
    """A facility, and how many extensions it has."""

    facility: Facility
    extensions: int


@dataclass(frozen=True, slots=True)
class FacilityActivity:
    """How many phones of a facility are in which mode for calls from outside, and what happened there."""

    code: str
    name: str
    """Empty of a facility that is none any more."""
    modes: dict[Mode, int]
    activity: Activity


@dataclass(frozen=True, slots=True)
class FacilityReport:
    """What happened at the facilities in a half-open span of time."""

    begin: datetime
    end: datetime
    facilities: list[FacilityActivity]


@operation("facility list", Role.RULES)
def list_facilities(session: Session, /) -> list[CountedFacility]:
    with session.app.database.read() as connection:
        owned = [each.facility for each in facilities.all_extensions(connection)]
        return [
            CountedFacility(each, owned.count(each.code)) for each in facilities.all_facilities(connection)
        ]


@operation("facility add", Role.RULES)
def add_facility(session: Session, /, code: str, name: str) -> Facility:
    """Adds a facility. Raises Refused where there is one of this code or name."""
    new = Facility(facility_code(code), name)
    require_facility(session, new.code)
    with session.app.database.begin() as connection:
        facilities.add_facility(connection, new, who=session.who, at=session.now)
    return new


@operation("facility rename", Role.RULES)
def rename_facility(session: Session, /, facility: str, name: str) -> Facility:
    """Gives a facility, which is named by code or name, another name."""
    with session.app.database.begin() as connection:
        return _changed(session, connection, facility, name=name)


@operation("facility support", Role.RULES)
def support_facility(
    session: Session, /, facility: str, phone: str | None, mail: list[str], default: bool
) -> Facility:
    """Says who is called to help a facility; what is not given (None, no address) stays.

    With `default` it is as the settings say for all.
    """
    fields = _support(phone, mail, default=default)
    with session.app.database.begin() as connection:
        return _changed(session, connection, facility, **fields)


@operation("facility remove", Role.RULES)
def remove_facility(session: Session, /, facility: str) -> Facility:
    """Removes a facility. Raises Refused while it has extensions or rules."""
    with session.app.database.begin() as connection:
        code = _own(session, connection, facility)
        return facilities.remove_facility(connection, code, who=session.who, at=session.now)


@operation("facility report", Role.RULES)
def report_facilities(session: Session, /, when: str | None) -> FacilityReport:
    """Returns what happened at the facilities in reach: on a day or in a span of days as people write them,
    else in the last 30 days."""
    zone, now = session.app.settings.office.zone, session.now
    begin, end = parse_range(_last_days(DAYS, now.astimezone(zone)) if when is None else when, zone, now)
    with session.app.database.read() as connection:
        found = reports.activity(connection, begin, end)
    summed = summary(session.app.office(), found, now)
    return FacilityReport(begin, end, [each for each in summed if session.reach.covers(each.code)])


def summary(office: Office, activity: dict[str, Activity], now: datetime) -> list[FacilityActivity]:
    """Returns one for each facility, and one for calls of extensions that belong to none."""
    modes = _modes(office, now)
    names = {code: each.name for code, each in office.facilities.items()}
    others = sorted(activity.keys() - names.keys(), key=lambda code: (code == UNASSIGNED, code))
    return [
        FacilityActivity(
            code, names.get(code, ""), dict(modes.get(code, Counter())), activity.get(code, Activity())
        )
        for code in [*names, *others]
    ]


def _changed(session: Session, connection: Connection, facility: str, **fields: Any) -> Facility:
    code = _own(session, connection, facility)
    return facilities.change_facility(connection, code, who=session.who, at=session.now, **fields)


def _own(session: Session, connection: Connection, facility: str) -> str:
    """Returns the code of a facility that the caller may change. Raises NotFound and NotAllowed."""
    code = facilities.facility(connection, facility).code
    require_facility(session, code)
    return code


def _support(phone: str | None, mail: list[str], *, default: bool) -> dict[str, Any]:
    """Returns the fields of a facility that shall change. Raises WrongUsage for --default beside others."""
    if default == bool(phone is not None or mail):
        raise WrongUsage("give --phone or --mail, or --default alone")
    if default:
        return {"support_phone": None, "support_mail": None}
    fields: dict[str, Any] = {} if phone is None else {"support_phone": support_phone(phone)}
    return {**fields, "support_mail": support_mail(mail)} if mail else fields


def _modes(office: Office, now: datetime) -> dict[str, Counter[Mode]]:
    """Returns how many phones of each facility are in which mode, for calls from outside."""
    found: dict[str, Counter[Mode]] = {}
    for extension in office.extensions.values():
        if not extension.service:
            decision = office.decide(office.facts(Direction.INBOUND, [extension.number], None, now))
            found.setdefault(extension.facility, Counter())[decision.mode] += 1
    return found


def _last_days(days: int, today: datetime) -> str:
    first = today.date().toordinal() - days + 1
    return f"{datetime.fromordinal(first):%Y-%m-%d}..{today:%Y-%m-%d}"
