"""Facilities: listed, added, renamed and removed, and who is called to help them."""

from __future__ import annotations

from dataclasses import dataclass

from callrec.catalogue import facilities
from callrec.desk.operation import Session, operation
from callrec.model.access import Role
from callrec.model.office import Facility


@dataclass(frozen=True, slots=True)
class CountedFacility:
    """A facility, and how many extensions it has."""

    facility: Facility
    extensions: int


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
    session.require(code, f"facility {code}")
    new = Facility(code, name)
    with session.app.database.begin() as connection:
        facilities.add_facility(connection, new, who=session.who, at=session.now)
    return new
