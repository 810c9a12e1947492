"""The consent beep of rules; incidents, and captures in standby that were discarded, of calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("rules") as rules:
        rules.add_column(sa.Column("beep_s", sa.Integer(), nullable=True))
    with op.batch_alter_table("calls") as calls:
        calls.add_column(sa.Column("incident", sa.Boolean(), nullable=False, server_default=sa.false()))
        calls.add_column(sa.Column("discarded_at", MOMENT, nullable=True))
    # What is written from now on says this itself.
    with op.batch_alter_table("calls") as calls:
        calls.alter_column("incident", server_default=None)


def downgrade() -> None:
    """Refused while a rule in force has a beep: without it people would be recorded who are not told.

    What calls say of incidents and of what was discarded stays in their details.
    """
    beeping = op.get_bind().execute(sa.text(_BEEPING)).scalars().all()
    if beeping:
        raise RuntimeError(
            f"rules {beeping} have a consent beep, which version 0002 does not know: remove it first"
        )
    with op.batch_alter_table("calls") as calls:
        calls.drop_column("discarded_at")
        calls.drop_column("incident")
    with op.batch_alter_table("rules") as rules:
        rules.drop_column("beep_s")


_BEEPING = """
SELECT id FROM rules AS newest
WHERE version = (SELECT max(version) FROM rules WHERE rules.id = newest.id) AND NOT removed
AND beep_s IS NOT NULL
ORDER BY id
"""
