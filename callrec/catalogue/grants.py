"""Keeps who may do what: roles that were given to accounts and groups of the machine."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import changes
from callrec.catalogue.calls import insert_once
from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import grants
from callrec.errors import NotFound
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
) -> None:
    """Gives a role, for facilities, or without any named for all. What is given already stays as it is."""
    before = _plain(of(connection, [who]))
    for facility in facilities or (_EVERYWHERE,):
        row = {"who": who, "role": role, "facility": facility, "granted_at": at, "granted_by": by}
        insert_once(connection, grants, row)
    _note(connection, who, before, by=by, at=at)


def revoke(
    connection: sa.Connection, who: str, role: Role, facilities: Sequence[str], *, by: str, at: datetime
) -> None:
    """Takes a role back, for facilities, or without any for all. Raises NotFound where it was not given."""
    before = _plain(of(connection, [who]))
    condition = (grants.c.who == who) & (grants.c.role == role)
    if facilities:
        condition &= grants.c.facility.in_(facilities)
    if not connection.execute(grants.delete().where(condition)).rowcount:
        raise NotFound("{who} does not have the role {role}: see callrec access list", who=who, role=role)
    _note(connection, who, before, by=by, at=at)


def _note(
    connection: sa.Connection, who: str, before: list[dict[str, Any]], *, by: str, at: datetime
) -> None:
    after = _plain(of(connection, [who]))
    changes.note(connection, f"access {who}", {"grants": before}, {"grants": after}, who=by, at=at)


def _plain(found: list[Grant]) -> list[dict[str, Any]]:
    return [{**asdict(each), "granted_at": each.granted_at.isoformat()} for each in found]


def _found(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Grant]:
    order = (grants.c.who, grants.c.role, grants.c.facility)
    rows = connection.execute(sa.select(grants).where(condition).order_by(*order))
    return [_READ(row, lambda row: {**row._asdict(), "facility": row.facility or None}) for row in rows]
