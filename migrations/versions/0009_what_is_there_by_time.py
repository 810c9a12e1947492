"""What is still there, by the moment until which it is kept: for `callrec purge`, and for status."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_THERE = sa.text("state = 'archived'")


def upgrade() -> None:
    op.create_index(
        "ix_recordings_retain_until",
        "recordings",
        ["retain_until"],
        sqlite_where=_THERE,
        postgresql_where=_THERE,
    )


def downgrade() -> None:
    op.drop_index("ix_recordings_retain_until", "recordings")
