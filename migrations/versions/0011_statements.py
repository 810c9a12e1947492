"""What was done and is not yet stated in the bucket, and how far a rebuilding of the catalogue has come."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "statements",
        _column("id", sa.String(36)),
        _column("recording_id", sa.String(36)),
        _column("request", sa.String(16)),
        _column("action", sa.String(32)),
        _column("at", MOMENT),
        _column("who"),
        _column("details", JSON),
        sa.PrimaryKeyConstraint("id", name="pk_statements"),
    )
    op.create_index("ix_statements_recording_id", "statements", ["recording_id"])
    op.create_table(
        "rebuilding",
        _column("id", sa.Integer),
        _column("after"),
        _column("at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_rebuilding"),
    )


def downgrade() -> None:
    """Refused while something waits to be stated: it would be in no bucket for ever."""
    if count := op.get_bind().execute(sa.text("SELECT count(*) FROM statements")).scalar_one():
        raise RuntimeError(f"{count} statements are not in the bucket yet")
    op.drop_table("rebuilding")
    op.drop_table("statements")


def _column(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
