"""What becomes of calls whose announcement could not be played, as a term of rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    # SQLite cannot take the default away again without dropping a table that others refer to.
    op.add_column("rules", sa.Column("unannounced", sa.String(16), nullable=False, server_default="record"))


def downgrade() -> None:
    """Refused while a rule in force says discard: without it people would be recorded who are not told."""
    strict = op.get_bind().execute(sa.text(_STRICT)).scalars().all()
    if strict:
        raise RuntimeError(
            f"rules {strict} record nothing unannounced, which version 0006 does not know: "
            "remove or change them first"
        )
    op.drop_column("rules", "unannounced")


_STRICT = """
SELECT id FROM rules AS newest
WHERE version = (SELECT max(version) FROM rules WHERE rules.id = newest.id) AND NOT removed
AND unannounced <> 'record'
ORDER BY id
"""
