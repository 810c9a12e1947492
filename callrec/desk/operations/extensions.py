"""Extensions: listed, added, imported, moved and removed, and the phones they have."""

from __future__ import annotations

from pydantic import Base64Bytes

from callrec.catalogue import changes, facilities, offices
from callrec.catalogue.database import Connection
from callrec.desk.operation import Session, operation
from callrec.desk.operations.rights import require_facility, require_step
from callrec.model.access import Role
from callrec.model.office import Extension
from callrec.rulebook import extension_table
from callrec.rulebook.difference import Step, additions


@operation("extension list", Role.RULES)
def list_extensions(session: Session, /, facility: str | None) -> list[Extension]:
    """Returns the extensions of a facility, or all."""
    with session.app.database.read() as connection:
        code = None if facility is None else facilities.facility(connection, facility).code
        return facilities.all_extensions(connection, code)


@operation("extension add", Role.RULES)
def add_extension(session: Session, /, new: Extension) -> Extension:
    """Adds an extension or a service number to a facility, which may be given by its name."""
    with session.app.database.begin() as connection:
        added = facilities.add_extension(connection, new, who=session.who, at=session.now)
        require_facility(session, added.facility)
    return added


@operation("extension import", Role.RULES)
def import_extensions(session: Session, /, table: Base64Bytes, dry_run: bool) -> list[Step]:
    """Makes extensions what a table says, all or none. Returns what was, or would be, changed.

    Raises WrongEntries with every line that is wrong.
    """
    with session.app.database.begin() as connection:
        there = offices.locked(connection)
        steps = list(additions(there, extension_table.parse(table, there)))
        for step in steps:
            require_step(session, step)
        if not dry_run:
            offices.apply(connection, steps, who=session.who, at=session.now)
    return steps


@operation("extension move", Role.RULES)
def move_extension(session: Session, /, number: str, facility: str) -> Extension:
    """Moves an extension to another facility: who does it may change both."""
    with session.app.database.begin() as connection:
        own = _own(session, connection, number)
        moved = facilities.change_extension(
            connection, own.number, facility=facility, who=session.who, at=session.now
        )
        require_facility(session, moved.facility)
    return moved


@operation("extension alias", Role.RULES)
def alias_extension(session: Session, /, number: str, endpoints: list[str], remove: bool) -> Extension:
    """Makes endpoints phones of an extension too; with `remove` no more."""
    change = facilities.remove_aliases if remove else facilities.add_aliases
    with session.app.database.begin() as connection:
        own = _own(session, connection, number)
        return change(connection, own.number, endpoints, who=session.who, at=session.now)


@operation("extension remove", Role.RULES)
def remove_extension(session: Session, /, number: str) -> Extension:
    """Removes an extension. Raises Refused while it has rules."""
    with session.app.database.begin() as connection:
        own = _own(session, connection, number)
        return facilities.remove_extension(connection, own.number, who=session.who, at=session.now)


def _own(session: Session, connection: Connection, number: str) -> Extension:
    """Returns an extension that the caller may change, and that nobody else does until this transaction ends.

    Raises NotFound and NotAllowed.
    """
    changes.lock(connection)
    found = facilities.extension(connection, number)
    require_facility(session, found.facility)
    return found
