"""Who is called to help, and what became of each alert."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.add_column("facilities", sa.Column("support_room", sa.Text(), nullable=True))
    op.add_column("facilities", sa.Column("support_mail", JSON, nullable=True))
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("way", sa.String(16), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("call_id", sa.String(36), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("facility", sa.String(32), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", "way", "recipient", name="pk_alerts"),
    )
    op.create_index("ix_alerts_call_id", "alerts", ["call_id"])


def downgrade() -> None:
    """Refused while there is something to lose: version 0002 could not tell who was called, and when."""
    connection = op.get_bind()
    for table, lost in (("alerts", "true"), ("facilities", _OWN_SUPPORT)):
        count = connection.execute(sa.text(f"SELECT count(*) FROM {table} WHERE {lost}")).scalar_one()  # noqa: S608
        if count:
            raise RuntimeError(f"version 0002 does not know what {count} rows of {table} say of help")
    op.drop_table("alerts")
    # Not in a batch, which makes the table anew: extensions refer to this one.
    op.drop_column("facilities", "support_mail")
    op.drop_column("facilities", "support_room")


_OWN_SUPPORT = "support_room IS NOT NULL OR support_mail IS NOT NULL"
