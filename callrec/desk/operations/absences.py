"""Pages that say why there is no recording of calls, signed, for those who have to decide on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from callrec.catalogue import facilities
from callrec.catalogue.absences import AbsenceScope
from callrec.dates import check_moment
from callrec.desk.operation import Session, operation
from callrec.desk.operations.rights import require_facility
from callrec.desk.words import check_shown
from callrec.errors import Sentence, WrongUsage
from callrec.model.access import Role
from callrec.texts import is_too_long

ACTION = "absence-stated"


@dataclass(frozen=True, slots=True)
class AbsencePage:
    """The page, and the document in it, as it was signed."""

    html: str
    document: str


@operation("absence", Role.HANDLER, Role.MANAGER)
def absence(session: Session, /, scope: AbsenceScope, language: Literal["ja", "en"]) -> AbsencePage:
    """Returns a signed page on the calls of a scope, of the facilities in reach, in a language.

    It is in the custody log before it is given. Raises WrongUsage for a scope that is none, NotAllowed for a
    facility or an extension out of reach, and StoreUnreachable while the bucket cannot be looked into.
    """
    scope = _checked(session, scope)
    page = session.app.absences().page(scope, session.who, session.now, session.reach, language)
    with session.app.database.begin() as connection:
        session.note(
            connection,
            "",
            ACTION,
            sha256=page.sha256,
            begin=scope.begin.isoformat(),
            end=scope.end.isoformat(),
            extension=scope.extension,
            facility=scope.facility,
            # Not which: nothing is ever taken out of this log, and numbers are to be forgotten in time.
            by_number=scope.number is not None,
        )
    return AbsencePage(page.html, page.document.decode())


def _checked(session: Session, scope: AbsenceScope) -> AbsenceScope:
    """Returns the scope with the code of the facility. Raises as `absence` does."""
    for text in (scope.extension, scope.facility, scope.number, scope.dialled):
        check_shown(text)
        if text is not None and (not text or is_too_long(text)):
            raise WrongUsage("there is no such search: see callrec search --help")
    for moment in (scope.begin, scope.end):
        check_moment(moment)
    if not (scope.extension or scope.facility or scope.number):
        raise WrongUsage("say whose calls: --extension, --number or --facility")
    if scope.facility is not None:
        with session.app.database.read() as connection:
            code = facilities.code_of_calls(connection, scope.facility)
        require_facility(session, code)
        scope = replace(scope, facility=code)
    if scope.extension is not None:
        known = session.app.office().extensions.get(scope.extension)
        if known:
            session.require(known.facility, Sentence("extension {number}", number=scope.extension))
    return scope
