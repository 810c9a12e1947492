"""Keeps who may do what: roles that were given to accounts and groups of the machine."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import changes
from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import grants
from callrec.errors import NotFound, Refused
from callrec.model.access import Grant, Role

_READ = RowReader(Grant, "grants", "who", "role", "facility")
_EVERYWHERE = ""


def all_grants(connection: sa.Connection) -> list[Grant]:
    """Returns all that is granted, by who, role and facility."""
    return _found(connection, sa.true())


def of(connection: sa.Connection, names: Collection[str]) -> list[Grant]:
    """Returns what is granted to any of these accounts and groups (``@group``)."""
    return _found(connection, grants.c.who.in_(names))


def grant(
    connection: sa.Connection, who: str, role: Role, facilities: Sequence[str], *, by: str, at: datetime
) -> list[Grant]:
    """Gives a role, for facilities, or without any named for all. Returns what was not given before.

    A facility adds nothing to a role for everywhere.
    """
    changes.lock(connection)
    before = of(connection, [who])
    held = {each.facility for each in before if each.role is role}
    wanted = dict.fromkeys(facilities or (None,))
    new = [Grant(who, role, code, at, by) for code in wanted if not held & {code, None}]
    for each in new:
        row = {**asdict(each), "facility": each.facility or _EVERYWHERE}
        connection.execute(grants.insert().values(row))
    if new:
        _note(connection, who, before, by=by, at=at)
    return new


def revoke(
    connection: sa.Connection, who: str, role: Role, facilities: Sequence[str], *, by: str, at: datetime
) -> list[Grant]:
    """Takes a role back, for facilities, or without any named all of it. Returns what was given until now.

    Raises NotFound where it was not given for one of them, and Refused for a part of everywhere.
    """
    changes.lock(connection)
    before = of(connection, [who])
    held = {each.facility: each for each in before if each.role is role}
    _check_held(who, role, held, facilities)
    gone = [held[code] for code in dict.fromkeys(facilities or held)]
    codes = [each.facility or _EVERYWHERE for each in gone]
    condition = (grants.c.who == who) & (grants.c.role == role) & grants.c.facility.in_(codes)
    connection.execute(grants.delete().where(condition))
    _note(connection, who, before, by=by, at=at)
    return gone


def _check_held(who: str, role: Role, held: Collection[str | None], facilities: Sequence[str]) -> None:
    if not held:
        raise NotFound("{who} does not have the role {role}: see callrec access list", who=who, role=role)
    for code in facilities:
        if code in held:
            continue
        if None in held:
            raise Refused(
                "{who} has the role {role} for everywhere, not for {facility} alone: revoke it without "
                "--facility, then grant it for the facilities that shall stay",
                who=who,
                role=role,
                facility=code,
            )
        raise NotFound(
            "{who} does not have the role {role} for {facility}: see callrec access list",
            who=who,
            role=role,
            facility=code,
        )


def _note(connection: sa.Connection, who: str, before: list[Grant], *, by: str, at: datetime) -> None:
    then, now = ({"grants": _plain(found)} for found in (before, of(connection, [who])))
    changes.note(connection, f"access {who}", then, now, who=by, at=at)


def _plain(found: list[Grant]) -> list[dict[str, Any]]:
    return [{**asdict(each), "granted_at": each.granted_at.isoformat()} for each in found]


def _found(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Grant]:
    order = (grants.c.who, grants.c.role, grants.c.facility)
    rows = connection.execute(sa.select(grants).where(condition).order_by(*order))
    return [_READ(row, lambda row: {**row._asdict(), "facility": row.facility or None}) for row in rows]
