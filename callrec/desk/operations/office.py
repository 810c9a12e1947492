"""What a client has to know of the office: the zone, what staff dial before a number, and the rules by which
it explains calls and checks them."""

from __future__ import annotations

from callrec.desk.operation import Session, operation
from callrec.model.access import Role
from callrec.policy.office import OfficeParts
from callrec.settings import OfficeSettings


@operation("--help", anybody=True)
def office_settings(session: Session, /) -> OfficeSettings:
    """Returns the settings by which dates and numbers are read and shown."""
    return session.app.settings.office


@operation("rule explain", Role.RULES)
def office_parts(session: Session, /) -> OfficeParts:
    """Returns all facilities, extensions and rules as they are now: they are no calls."""
    return session.app.office_parts()
