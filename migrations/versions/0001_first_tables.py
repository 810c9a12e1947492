"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("direction", sa.String(length=16), nullable=True),
        sa.Column("facility", sa.String(length=32), nullable=True),
        sa.Column("extension", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("mode", sa.String(length=16), nullable=True),
        sa.Column("rule", sa.Integer(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("details", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_extension_started_at"), "calls", ["extension", "started_at"], unique=False)
    op.create_index(op.f("ix_calls_facility_started_at"), "calls", ["facility", "started_at"], unique=False)
    op.create_index(op.f("ix_calls_number"), "calls", ["number"], unique=False)
    op.create_index(op.f("ix_calls_started_at"), "calls", ["started_at"], unique=False)
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", JSON, nullable=True),
        sa.Column("after", JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    op.create_index(op.f("ix_changes_subject"), "changes", ["subject"], unique=False)
    op.create_table(
        "custody",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("recording_id", sa.String(length=36), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("details", JSON, nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_custody")),
    )
    op.create_index(op.f("ix_custody_recording_id"), "custody", ["recording_id"], unique=False)
    op.create_table(
        "facilities",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_facilities")),
    )
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
    )
    op.create_table(
        "rules",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("direction", sa.String(length=16), nullable=True),
        sa.Column("announce", sa.String(length=16), nullable=True),
        sa.Column("languages", sa.String(length=64), nullable=False),
        sa.Column("prompt", sa.String(length=32), nullable=False),
        sa.Column("retain_days", sa.Integer(), nullable=True),
        sa.Column("retain_incident_days", sa.Integer(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_rules")),
    )
    op.create_table(
        "extensions",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("facility", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["facility"], ["facilities.code"], name=op.f("fk_extensions_facility")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_extensions")),
    )
    op.create_index(op.f("ix_extensions_facility"), "extensions", ["facility"], unique=False)
    op.create_table(
        "participants",
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_participants_call_id")),
        sa.PrimaryKeyConstraint("call_id", "extension", name=op.f("pk_participants")),
    )
    op.create_index(
        op.f("ix_participants_extension_started_at"),
        "participants",
        ["extension", "started_at"],
        unique=False,
    )
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("kept_because", sa.String(length=32), nullable=False),
        sa.Column("incident", sa.Boolean(), nullable=False),
        sa.Column("announced", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("hold", sa.Boolean(), nullable=False),
        sa.Column("retain_until", MOMENT, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("manifest_version", sa.Text(), nullable=True),
        sa.Column("manifest", JSON, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_recordings_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sa.UniqueConstraint("key", name=op.f("uq_recordings_key")),
    )
    op.create_index(op.f("ix_recordings_call_id"), "recordings", ["call_id"], unique=False)
    op.create_index(op.f("ix_recordings_started_at"), "recordings", ["started_at"], unique=False)
    op.execute("INSERT INTO revision (id, number) VALUES (1, 1)")


def downgrade() -> None:
    for table in (
        "recordings",
        "participants",
        "extensions",
        "rules",
        "revision",
        "facilities",
        "custody",
        "changes",
        "calls",
    ):
        op.drop_table(table)
