"""The field's own words: the support phone of a facility; key presses and changes of decision of calls.

The manifests of archived recordings stay as they are, here as in the bucket: see callrec.manifest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"

AT_ONCE = 1000
"""Rows in memory at a time."""
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
calls = sa.table("calls", sa.column("id", sa.String), sa.column("details", JSON))

NAMES = {"keys": "key_presses", "turns": "decision_changes"}
"""Of a call's details."""
PRESS_NAMES = {"effect": "result"}
"""Of each of its key presses."""


def upgrade() -> None:
    op.execute("ALTER TABLE facilities RENAME COLUMN support_room TO support_phone")
    _rewrite(lambda details: _with_presses(_renamed(details, NAMES), "key_presses", PRESS_NAMES))


def downgrade() -> None:
    _rewrite(
        lambda details: _renamed(
            _with_presses(details, "key_presses", _inverted(PRESS_NAMES)), _inverted(NAMES)
        )
    )
    op.execute("ALTER TABLE facilities RENAME COLUMN support_phone TO support_room")


def _rewrite(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Changes the details of every call, the oldest first."""
    connection, last = op.get_bind(), ""
    update = calls.update().where(calls.c.id == sa.bindparam("of")).values(details=sa.bindparam("changed"))
    query = sa.select(calls).order_by(calls.c.id).limit(AT_ONCE)
    while rows := connection.execute(query.where(calls.c.id > last)).all():
        connection.execute(update, [{"of": row.id, "changed": change(_plain(row.details))} for row in rows])
        last = rows[-1].id


def _plain(details: Any) -> dict[str, Any]:
    return dict(json.loads(details) if isinstance(details, str) else details)


def _with_presses(details: dict[str, Any], name: str, names: dict[str, str]) -> dict[str, Any]:
    presses = {name: [_renamed(press, names) for press in details[name]]} if name in details else {}
    return {**details, **presses}


def _renamed(found: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in found.items()}


def _inverted(names: dict[str, str]) -> dict[str, str]:
    return {new: old for old, new in names.items()}
