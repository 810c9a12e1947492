"""The rules of the office, by which a client explains calls and checks them."""

from __future__ import annotations

from callrec.desk.operation import Session, operation
from callrec.model.access import Role
from callrec.policy.office import OfficeParts


@operation("rule explain", Role.RULES)
def office_parts(session: Session, /) -> OfficeParts:
    """Returns all facilities, extensions and rules as they are now: they are no calls."""
    return session.app.office_parts()
