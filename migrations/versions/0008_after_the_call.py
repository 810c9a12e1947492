"""What happens after a call: notes, holds, requests, destruction, and who may do what."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
MOMENT = sa.DateTime(timezone=True)
NEW = ("grants", "copies", "request_recordings", "requests", "holds", "notes", "destructions")
"""Tables that did not exist before, in an order in which they can be dropped."""


def upgrade() -> None:
    op.add_column("calls", sa.Column("erased_at", MOMENT, nullable=True))
    op.add_column("recordings", sa.Column("destroyed_at", MOMENT, nullable=True))
    # SQLite cannot take the default away again without dropping a table that others refer to.
    because = sa.Column("retained_because", sa.String(16), nullable=False, server_default="rule")
    op.add_column("recordings", because)
    op.execute(sa.text("UPDATE recordings SET retained_because = 'incident' WHERE incident"))
    op.create_index("ix_custody_action_at", "custody", ["action", "at"])
    _facilities_of_calls()
    _notes_and_holds()
    _grants()
    _requests()
    _destructions()


def _facilities_of_calls() -> None:
    op.create_table(
        "call_facilities",
        _text("call_id", sa.String(36)),
        _text("facility", sa.String(32)),
        sa.PrimaryKeyConstraint("call_id", "facility", name="pk_call_facilities"),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_call_facilities_call_id"),
    )
    op.create_index("ix_call_facilities_facility_call_id", "call_facilities", ["facility", "call_id"])
    op.execute(sa.text(_FACILITIES))


_FACILITIES = """
INSERT INTO call_facilities (call_id, facility)
SELECT id, facility FROM calls WHERE facility IS NOT NULL
UNION
SELECT participants.call_id, extensions.facility
FROM participants JOIN extensions ON extensions.number = participants.extension
"""
"""As far as it can be known afterwards: by the facilities that extensions belong to now."""


def _notes_and_holds() -> None:
    op.create_table(
        "notes",
        _text("id", sa.String(36)),
        _text("call_id", sa.String(36)),
        _text("at", MOMENT),
        *(_text(name) for name in ("who", "text", "folded")),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_notes_call_id"),
    )
    op.create_index("ix_notes_call_id", "notes", ["call_id"])
    op.create_table(
        "holds",
        _text("id", sa.String(36)),
        _text("recording_id", sa.String(36)),
        _text("at", MOMENT),
        _text("who"),
        _text("reason"),
        _maybe("request"),
        _maybe("released_at", MOMENT),
        _maybe("released_by"),
        _maybe("release_reason"),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.id"], name="fk_holds_recording_id"),
    )
    op.create_index("ix_holds_recording_id", "holds", ["recording_id"])


def _grants() -> None:
    op.create_table(
        "grants",
        _text("who"),
        _text("role", sa.String(16)),
        _text("facility", sa.String(32)),
        _text("granted_at", MOMENT),
        _text("granted_by"),
        sa.PrimaryKeyConstraint("who", "role", "facility", name="pk_grants"),
    )


def _requests() -> None:
    op.create_table(
        "requests",
        _text("number", sa.String(16)),
        _text("kind", sa.String(16)),
        _text("for_whom"),
        _text("ground"),
        _maybe("due", sa.Date()),
        _text("state", sa.String(16)),
        _maybe("facilities", JSON),
        _text("opened_at", MOMENT),
        _text("opened_by"),
        _maybe("decided_at", MOMENT),
        _maybe("decided_by"),
        _maybe("refusal"),
        _maybe("approved_for", JSON),
        _maybe("closed_at", MOMENT),
        _maybe("closed_by"),
        sa.PrimaryKeyConstraint("number", name="pk_requests"),
    )
    op.create_table(
        "request_recordings",
        _text("request", sa.String(16)),
        _text("recording_id", sa.String(36)),
        _text("added_at", MOMENT),
        _text("added_by"),
        sa.PrimaryKeyConstraint("request", "recording_id", name="pk_request_recordings"),
        sa.ForeignKeyConstraint(["request"], ["requests.number"], name="fk_request_recordings_request"),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name="fk_request_recordings_recording_id"
        ),
    )
    op.create_table(
        "copies",
        _text("id", sa.String(36)),
        _text("request", sa.String(16)),
        _text("to_whom"),
        _text("medium"),
        _text("files", JSON),
        _text("handed_at", MOMENT),
        _text("handed_by"),
        _maybe("ended_at", MOMENT),
        _maybe("ended_by"),
        _maybe("outcome", sa.String(16)),
        sa.PrimaryKeyConstraint("id", name="pk_copies"),
        sa.ForeignKeyConstraint(["request"], ["requests.number"], name="fk_copies_request"),
    )
    op.create_index("ix_copies_request", "copies", ["request"])


def _destructions() -> None:
    op.create_table(
        "destructions",
        _text("recording_id", sa.String(36)),
        _text("begun_at", MOMENT),
        _text("begun_by"),
        _text("reason", JSON),
        _maybe("finished_at", MOMENT),
        _maybe("problem", JSON),
        sa.PrimaryKeyConstraint("recording_id", name="pk_destructions"),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.id"], name="fk_destructions_recording_id"),
    )


def downgrade() -> None:
    """Refused while there is anything that version 0007 does not know: it would be lost, or not be done."""
    connection = op.get_bind()
    for table in NEW:
        if count := connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one():  # noqa: S608
            raise RuntimeError(f"{count} rows of {table} are not known to version 0007")
    if count := connection.execute(sa.text(_CHANGED)).scalar_one():
        raise RuntimeError(f"{count} calls were erased, or their recordings destroyed: not known to 0007")
    for table in (*NEW, "call_facilities"):
        op.drop_table(table)
    op.drop_index("ix_custody_action_at", "custody")
    op.drop_column("recordings", "retained_because")
    op.drop_column("recordings", "destroyed_at")
    op.drop_column("calls", "erased_at")


_CHANGED = """
SELECT (SELECT count(*) FROM calls WHERE erased_at IS NOT NULL)
+ (SELECT count(*) FROM recordings WHERE destroyed_at IS NOT NULL)
"""


def _text(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _maybe(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)
