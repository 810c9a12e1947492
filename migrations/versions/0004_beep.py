"""The consent beep of rules; incidents, and captures in standby that were discarded, of calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("rules", sa.Column("beep_s", sa.Integer(), nullable=True))
    # SQLite cannot take the default away again without dropping a table that others refer to.
    op.add_column("calls", sa.Column("incident", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("calls", sa.Column("discarded_at", MOMENT, nullable=True))


def downgrade() -> None:
    """Refused while a rule in force has a beep: without it people would be recorded who are not told.

    What calls say of incidents and of what was discarded stays in their details.
    """
    beeping = op.get_bind().execute(sa.text(_BEEPING)).scalars().all()
    if beeping:
        raise RuntimeError(
            f"rules {beeping} have a consent beep, which version 0003 does not know: remove it first"
        )
    op.drop_column("calls", "discarded_at")
    op.drop_column("calls", "incident")
    op.drop_column("rules", "beep_s")


_BEEPING = """
SELECT id FROM rules AS newest
WHERE version = (SELECT max(version) FROM rules WHERE rules.id = newest.id) AND NOT removed
AND beep_s IS NOT NULL
ORDER BY id
"""
