"""Which PBX has which name, and which controller has it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "pbxs",
        _column("name"),
        _column("identity", sa.String(32)),
        _column("seen_at", sa.DateTime(timezone=True)),
        _column("epoch", sa.Integer),
        _column("owner", sa.String(32)),
        _column("machine"),
        sa.PrimaryKeyConstraint("name", name="pk_pbxs"),
    )


def downgrade() -> None:
    op.drop_table("pbxs")


def _column(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
