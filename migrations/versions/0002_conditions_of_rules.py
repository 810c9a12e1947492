"""Conditions of rules (hours, holidays, from when until when), and numbers that are no phones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)
CONDITIONS = ("hours", "holidays", "effective_from", "effective_until")


def upgrade() -> None:
    with op.batch_alter_table("rules") as rules:
        rules.add_column(sa.Column("hours", sa.Text(), nullable=False, server_default=""))
        rules.add_column(sa.Column("holidays", sa.String(8), nullable=False, server_default="include"))
        rules.add_column(sa.Column("effective_from", MOMENT, nullable=True))
        rules.add_column(sa.Column("effective_until", MOMENT, nullable=True))
    with op.batch_alter_table("extensions") as extensions:
        extensions.add_column(sa.Column("service", sa.Boolean(), nullable=False, server_default=sa.false()))
    # What is written from now on says these things itself.
    with op.batch_alter_table("rules") as rules:
        rules.alter_column("hours", server_default=None)
        rules.alter_column("holidays", server_default=None)
    with op.batch_alter_table("extensions") as extensions:
        extensions.alter_column("service", server_default=None)


def downgrade() -> None:
    """Refused while a rule in force has conditions: without them it would record more than it should."""
    conditional = op.get_bind().execute(sa.text(_CONDITIONAL)).scalars().all()
    if conditional:
        raise RuntimeError(
            f"rules {conditional} have conditions that version 0001 does not know: remove them first"
        )
    with op.batch_alter_table("extensions") as extensions:
        extensions.drop_column("service")
    with op.batch_alter_table("rules") as rules:
        for name in CONDITIONS:
            rules.drop_column(name)


_CONDITIONAL = """
SELECT id FROM rules AS newest
WHERE version = (SELECT max(version) FROM rules WHERE rules.id = newest.id) AND NOT removed
AND (hours <> '' OR holidays <> 'include' OR effective_from IS NOT NULL OR effective_until IS NOT NULL)
ORDER BY id
"""
