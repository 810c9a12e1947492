"""Rows of the custody log are never changed or deleted: the database refuses it, whoever asks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

SAYS = "the custody log is only added to: its rows are never changed or deleted"

_FUNCTION = f"""
CREATE FUNCTION custody_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{SAYS}';
END $$
"""
_POSTGRESQL = """
CREATE TRIGGER custody_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody
FOR EACH STATEMENT EXECUTE FUNCTION custody_is_append_only()
"""
_SQLITE = """
CREATE TRIGGER custody_no_{event} BEFORE {event} ON custody
BEGIN
    SELECT RAISE(ABORT, '{says}');
END
"""
_EVENTS = ("update", "delete")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text(_FUNCTION))
        op.execute(sa.text(_POSTGRESQL))
        return
    for event in _EVENTS:
        op.execute(sa.text(_SQLITE.format(event=event, says=SAYS.replace(":", r"\:"))))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text("DROP TRIGGER custody_append_only ON custody"))
        op.execute(sa.text("DROP FUNCTION custody_is_append_only()"))
        return
    for event in _EVENTS:
        op.execute(sa.text(f"DROP TRIGGER custody_no_{event}"))
