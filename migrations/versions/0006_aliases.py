"""Other endpoints that are phones of an extension."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    # SQLite cannot take the default away again without dropping a table that others refer to.
    op.add_column("extensions", sa.Column("aliases", JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    """Refused while an extension has an alias: without it, calls of that phone would have no rule."""
    known = op.get_bind().execute(
        sa.text("SELECT number FROM extensions WHERE CAST(aliases AS TEXT) <> '[]'")
    )
    if named := known.scalars().all():
        raise RuntimeError(f"extensions {named} have aliases, which version 0005 does not know: remove them")
    op.drop_column("extensions", "aliases")
