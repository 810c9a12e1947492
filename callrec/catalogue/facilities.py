"""Reads and changes facilities and their extensions; each change is written down with its author.

Whatever changes something needs a transaction that writes, and raises WrongUsage for what makes no sense,
NotFound for what is not there. Whole offices are changed by callrec.catalogue.offices.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import changes
from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import extensions, facilities, rules, rules_in_force
from callrec.errors import NotFound, Refused
from callrec.model.office import Extension, Facility
from callrec.numbers import dialled
from callrec.rulebook.entries import (
    aliases,
    check_aliases,
    check_facility,
    check_name,
    check_one_of_its_name,
    extension_number,
    facility_code,
    is_code,
    known_facility,
)
from callrec.texts import on_one_line

_READ_FACILITY = RowReader(Facility, "facilities", "code")
_READ_EXTENSION = RowReader(Extension, "extensions", "number")


def all_facilities(connection: sa.Connection) -> list[Facility]:
    """Returns all facilities, by code."""
    rows = connection.execute(sa.select(facilities).order_by(facilities.c.code))
    return [_facility(row) for row in rows]


def facility(connection: sa.Connection, text: str) -> Facility:
    """Returns the facility that `text` means, by its code or its name. Raises NotFound."""
    known = {each.code: each for each in all_facilities(connection)}
    return known[known_facility(text, known)]


def code_of_calls(connection: sa.Connection, text: str) -> str:
    """Returns the code under which calls are filed, also of a facility that was removed since.

    Raises NotFound for what is neither a facility's name nor can be a code.
    """
    try:
        return facility(connection, text).code
    except NotFound:
        if not is_code(facility_code(text)):
            raise
        return facility_code(text)


def add_facility(
    connection: sa.Connection, new: Facility, *, who: str, at: datetime, check: bool = True
) -> None:
    """Adds a facility. Raises Refused when there is one of its code, or of its name.

    Without `check` the caller makes sure afterwards that its name is nobody else's (`check_one_name`).
    """
    changes.lock(connection)
    check_facility(new)
    if connection.execute(sa.select(facilities).where(facilities.c.code == new.code)).one_or_none():
        raise Refused("there is a facility {code} already: see callrec facility list", code=new.code)
    if check:
        check_one_name(connection, new)
    connection.execute(facilities.insert().values(asdict(new)))
    changes.note(connection, f"facility {new.code}", None, asdict(new), who=who, at=at)


def change_facility(
    connection: sa.Connection, text: str, *, who: str, at: datetime, check: bool = True, **fields: Any
) -> Facility:
    """Gives a facility another name, or others who are called to help. Returns it as it is now.

    `check` as in `add_facility`.
    """
    changes.lock(connection)
    before = facility(connection, text)
    after = replace(before, **fields)
    check_facility(after)
    if check and after.name != before.name:
        check_one_name(connection, after)
    known = facilities.c.code == before.code
    connection.execute(facilities.update().where(known).values(asdict(after)))
    changes.note(connection, f"facility {before.code}", asdict(before), asdict(after), who=who, at=at)
    return after


def check_one_name(connection: sa.Connection, new: Facility) -> None:
    """Raises Refused where another facility has a name that people read as the one of the new."""
    check_one_of_its_name(new, all_facilities(connection))


def remove_facility(connection: sa.Connection, text: str, *, who: str, at: datetime) -> Facility:
    """Removes a facility and returns it. Raises Refused while it has extensions or rules: they would be about
    nothing."""
    changes.lock(connection)
    before = facility(connection, text)
    code = before.code
    count = connection.execute(
        sa.select(sa.func.count()).select_from(extensions).where(extensions.c.facility == code)
    ).scalar_one()
    if count:
        raise Refused(
            "facility {code} has {count} extensions: move or remove them first (callrec extension move)",
            code=code,
            count=count,
        )
    named = _rules_about(connection, "facility", code)
    if named:
        raise Refused(
            "facility {code} has rules ({rules}): remove them first (callrec rule remove)",
            code=code,
            rules=named,
        )
    connection.execute(facilities.delete().where(facilities.c.code == code))
    changes.note(connection, f"facility {code}", asdict(before), None, who=who, at=at)
    return before


def all_extensions(connection: sa.Connection, facility_code: str | None = None) -> list[Extension]:
    """Returns the extensions of a facility, or all, by number."""
    query = sa.select(extensions).order_by(extensions.c.number)
    if facility_code:
        query = query.where(extensions.c.facility == facility_code)
    return [_extension(row) for row in connection.execute(query)]


def extension(connection: sa.Connection, number: str) -> Extension:
    """Returns the extension of this number, which may be written with full-width digits. Raises NotFound."""
    known = sa.select(extensions).where(extensions.c.number == dialled(number))
    row = connection.execute(known).one_or_none()
    if row is None:
        raise NotFound(
            "there is no extension {number}: see callrec extension list", number=on_one_line(number)
        )
    return _extension(row)


def add_extension(
    connection: sa.Connection, new: Extension, *, who: str, at: datetime, check: bool = True
) -> Extension:
    """Adds an extension or a service number and returns it; full-width digits are taken as narrow ones.

    Raises Refused when there is one of its number, NotFound when there is no such facility. Without `check`
    the caller makes sure afterwards that its endpoints are nobody else's (`check_endpoints`).
    """
    changes.lock(connection)
    new = replace(new, number=extension_number(new.number), aliases=aliases(new.aliases))
    check_name(new.name)
    new = replace(new, facility=facility(connection, new.facility).code)
    if connection.execute(sa.select(extensions).where(extensions.c.number == new.number)).one_or_none():
        raise Refused("there is an extension {number} already: see callrec extension list", number=new.number)
    connection.execute(extensions.insert().values(asdict(new)))
    changes.note(connection, f"extension {new.number}", None, asdict(new), who=who, at=at)
    if check:
        check_endpoints(connection)
    return new


def change_extension(
    connection: sa.Connection, number: str, *, who: str, at: datetime, check: bool = True, **fields: Any
) -> Extension:
    """Gives an extension another facility, name or kind, or other aliases. Returns it as it is now.

    `check` as in `add_extension`.
    """
    changes.lock(connection)
    before = extension(connection, number)
    after = replace(before, **fields)
    after = replace(after, aliases=aliases(after.aliases))
    after = replace(after, facility=facility(connection, after.facility).code)
    check_name(after.name)
    known = extensions.c.number == before.number
    connection.execute(extensions.update().where(known).values(asdict(after)))
    changes.note(connection, f"extension {before.number}", asdict(before), asdict(after), who=who, at=at)
    if check:
        check_endpoints(connection)
    return after


def add_aliases(
    connection: sa.Connection, number: str, names: Collection[str], *, who: str, at: datetime
) -> Extension:
    """Makes endpoints phones of an extension too; returns it. Raises Refused where they are another's."""
    changes.lock(connection)
    both = (*extension(connection, number).aliases, *names)
    return change_extension(connection, number, aliases=both, who=who, at=at)


def remove_aliases(
    connection: sa.Connection, number: str, names: Collection[str], *, who: str, at: datetime
) -> Extension:
    """Makes endpoints phones of an extension no more; returns it. Raises NotFound where they are none."""
    changes.lock(connection)
    known, gone = extension(connection, number), aliases(names)
    for each in gone:
        if each not in known.aliases:
            raise NotFound(
                "extension {number} has no alias {alias}: see callrec extension list",
                number=known.number,
                alias=each,
            )
    left = [each for each in known.aliases if each not in gone]
    return change_extension(connection, number, aliases=left, who=who, at=at)


def check_endpoints(connection: sa.Connection) -> None:
    """Raises Refused where an endpoint would be a phone of two extensions."""
    check_aliases(all_extensions(connection))


def remove_extension(connection: sa.Connection, number: str, *, who: str, at: datetime) -> Extension:
    """Removes an extension and returns it. Raises Refused while it has rules: they would be about nothing."""
    changes.lock(connection)
    before = extension(connection, number)
    named = _rules_about(connection, "extension", before.number)
    if named:
        raise Refused(
            "extension {number} has rules ({rules}): remove them first (callrec rule remove)",
            number=before.number,
            rules=named,
        )
    connection.execute(extensions.delete().where(extensions.c.number == before.number))
    changes.note(connection, f"extension {before.number}", asdict(before), None, who=who, at=at)
    return before


def _facility(row: Any) -> Facility:
    return _READ_FACILITY(row, lambda row: row._asdict())


def _extension(row: Any) -> Extension:
    return _READ_EXTENSION(row, lambda row: row._asdict())


def _rules_about(connection: sa.Connection, scope: str, target: str) -> str:
    """Returns the ids of the rules in force for a target, such as `12, 14`; empty when there are none."""
    query = rules_in_force.where(rules.c.scope == scope, rules.c.target == target)
    return ", ".join(str(row.id) for row in connection.execute(query))
