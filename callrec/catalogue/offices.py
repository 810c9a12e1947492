"""Reads the office as a whole, and changes it by many steps of which all or none are done. For imports.

Which steps those are is found by callrec.rulebook.difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from callrec.catalogue import changes, facilities, rules
from callrec.model.office import Extension, Facility
from callrec.model.rules import Rule
from callrec.policy.office import Office
from callrec.rulebook.difference import Step
from callrec.rulebook.fields import FIELDS


def locked(connection: sa.Connection) -> Office:
    """Returns the office as it is, and as it stays until this transaction ends."""
    changes.lock(connection)
    return Office(
        facilities.all_facilities(connection),
        facilities.all_extensions(connection),
        rules.in_force(connection),
    )


def apply(connection: sa.Connection, steps: Iterable[Step], *, who: str, at: datetime) -> None:
    """Does the steps, each with its entry in the changes. An error undoes all with the transaction.

    An alias may go from one extension to another, and a name from one facility to another, so whose they are
    is checked at the end.
    """
    named: list[Facility] = []
    for step in steps:
        _apply(connection, step, who, at)
        if isinstance(step.after, Facility) and _names(step):
            named.append(step.after)
    for each in named:
        facilities.check_one_name(connection, each)
    facilities.check_endpoints(connection)


def _names(step: Step) -> bool:
    """Tells whether a step gives a facility its name, or another."""
    return not (
        isinstance(step.before, Facility)
        and isinstance(step.after, Facility)
        and step.before.name == step.after.name
    )


def _apply(connection: sa.Connection, step: Step, who: str, at: datetime) -> None:
    match step.before, step.after:
        case None, Facility() as new:
            facilities.add_facility(connection, new, who=who, at=at, check=False)
        case Facility(), Facility() as new:
            facilities.change_facility(connection, new.code, who=who, at=at, check=False, **asdict(new))
        case Facility() as old, None:
            facilities.remove_facility(connection, old.code, who=who, at=at)
        case None, Extension() as new:
            facilities.add_extension(connection, new, who=who, at=at, check=False)
        case Extension(), Extension() as new:
            facilities.change_extension(connection, who=who, at=at, check=False, **asdict(new))
        case Extension() as old, None:
            facilities.remove_extension(connection, old.number, who=who, at=at)
        case None, Rule() as new:
            rules.add(connection, new, who=who, at=at)
        case Rule() as old, Rule() as new:
            fields = {name: getattr(new, name) for name in FIELDS}
            rules.change(connection, old.id, who=who, at=at, **fields)
        case Rule() as old, None:
            rules.remove(connection, old.id, who=who, at=at)
