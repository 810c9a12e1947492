"""What of the office a caller may change: what belongs to the facilities for which there is the role.

Everybody with the role may read all of it: it says nothing of any call.
"""

from __future__ import annotations

from callrec.catalogue import facilities
from callrec.catalogue.database import Connection
from callrec.desk.operation import Session
from callrec.errors import Sentence
from callrec.model.office import Extension, Facility
from callrec.model.rules import Rule, Scope
from callrec.rulebook.difference import Step


def require_facility(session: Session, code: str) -> None:
    """Raises NotAllowed unless the caller may change a facility."""
    session.require(code, Sentence("facility {code}", code=code))


def require_rule(session: Session, connection: Connection, rule: Rule) -> None:
    """Raises NotAllowed unless a rule is about a facility that the caller may change, or about an extension
    of one: one about all calls, or about a number outside, is for who has the role for all facilities."""
    if rule.scope is Scope.FACILITY:
        require_facility(session, rule.target or "")
    elif rule.scope is Scope.EXTENSION:
        require_facility(session, facilities.extension(connection, rule.target or "").facility)
    else:
        session.require_all(f"rule --{rule.scope}")


def require_step(session: Session, step: Step) -> None:
    """Raises NotAllowed unless the caller may change all facilities that a step is about."""
    for each in (step.before, step.after):
        if isinstance(each, Extension):
            require_facility(session, each.facility)
        elif isinstance(each, Facility):
            require_facility(session, each.code)
