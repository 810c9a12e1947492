"""Says what tables there are. What is JSON is kept whole for showing; what is searched has a column.

Numbers come from outside and have no safe length, so they are Text. All times are Moments. migrations/ makes
the tables; a test compares both.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect

from callrec.catalogue.rows import readable

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(sa.TypeDecorator[datetime]):
    """Stores a time in UTC. Naive times are refused; SQLite, which has no zones, gets UTC without one."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return readable(super().result_processor(dialect, coltype))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone must not be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Day(sa.TypeDecorator[date]):
    """Stores a day of the office's calendar."""

    impl = sa.Date
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return readable(super().result_processor(dialect, coltype))


class _Json(sa.TypeDecorator[Any]):
    """Stores plain JSON. None is NULL."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return readable(super().result_processor(dialect, coltype))


Json = _Json().with_variant(JSONB(none_as_null=True), "postgresql")


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=options.pop("nullable", False), **options)


facilities = sa.Table(
    "facilities",
    metadata,
    _column("code", sa.String(32), primary_key=True),
    _column("name", sa.Text),
    _column("support_phone", sa.Text, nullable=True),
    _column("support_mail", Json, nullable=True),
)

extensions = sa.Table(
    "extensions",
    metadata,
    _column("number", sa.Text, primary_key=True),
    sa.Column("facility", sa.String(32), sa.ForeignKey("facilities.code"), nullable=False, index=True),
    _column("name", sa.Text, default=""),
    _column("service", sa.Boolean, default=False),
    _column("aliases", Json, default=list),
)

# Every version of every rule; nothing is edited in place. The one in force is the newest of an id,
# unless that one says `removed` (decision 10).
rules = sa.Table(
    "rules",
    metadata,
    _column("id", sa.Integer, primary_key=True, autoincrement=False),
    _column("version", sa.Integer, primary_key=True, autoincrement=False),
    _column("scope", sa.String(16)),
    _column("target", sa.Text, nullable=True),
    _column("mode", sa.String(16)),
    _column("direction", sa.String(16), nullable=True),
    _column("announce", sa.String(16), nullable=True),
    _column("languages", sa.String(64)),
    _column("prompt", sa.String(32)),
    _column("retain_days", sa.Integer, nullable=True),
    _column("retain_incident_days", sa.Integer, nullable=True),
    _column("priority", sa.Integer),
    _column("hours", sa.Text),
    _column("holidays", sa.String(8)),
    _column("effective_from", Moment, nullable=True),
    _column("effective_until", Moment, nullable=True),
    _column("beep_s", sa.Integer, nullable=True),
    _column("unannounced", sa.String(16)),
    _column("removed", sa.Boolean),
    _column("changed_at", Moment),
    _column("changed_by", sa.Text),
)

_newest = sa.select(rules.c.id, sa.func.max(rules.c.version).label("version")).group_by(rules.c.id).subquery()
rules_in_force = (
    sa.select(rules)
    .join(_newest, (rules.c.id == _newest.c.id) & (rules.c.version == _newest.c.version))
    .where(sa.not_(rules.c.removed))
    .order_by(rules.c.id)
)

# One row: a number that grows with every change the controller has to take up.
revision = sa.Table(
    "revision",
    metadata,
    _column("id", sa.Integer, primary_key=True, autoincrement=False),
    _column("number", sa.Integer),
)

# Who changed what in facilities, extensions and rules.
changes = sa.Table(
    "changes",
    metadata,
    _column("id", sa.Integer, primary_key=True),
    _column("at", Moment),
    _column("who", sa.Text),
    _column("subject", sa.Text, index=True),
    _column("before", Json, nullable=True),
    _column("after", Json, nullable=True),
)

calls = sa.Table(
    "calls",
    metadata,
    _column("id", sa.String(36), primary_key=True),
    _column("started_at", Moment, index=True),
    _column("answered_at", Moment, nullable=True),
    _column("ended_at", Moment, nullable=True),
    _column("direction", sa.String(16), nullable=True),
    _column("facility", sa.String(32), nullable=True),
    _column("extension", sa.Text, nullable=True),
    _column("number", sa.Text, nullable=True, index=True),
    _column("outcome", sa.String(16), nullable=True),
    _column("mode", sa.String(16), nullable=True),
    _column("rule", sa.Integer, nullable=True),
    _column("rule_version", sa.Integer, nullable=True),
    _column("incident", sa.Boolean),
    _column("discarded_at", Moment, nullable=True),
    _column("details", Json),
    _column("erased_at", Moment, nullable=True),  # when numbers and names were taken out of it
    sa.Index(None, "facility", "started_at"),
    sa.Index(None, "extension", "started_at"),
)

# The facilities whose extensions took part in a call, as they were when it was written down: who may know of
# one of them may know of the call.
call_facilities = sa.Table(
    "call_facilities",
    metadata,
    sa.Column("call_id", sa.String(36), sa.ForeignKey("calls.id"), primary_key=True, nullable=False),
    _column("facility", sa.String(32), primary_key=True),
    sa.Index(None, "facility", "call_id"),
)

# The extensions that took part in a call, so that each of them finds it.
participants = sa.Table(
    "participants",
    metadata,
    sa.Column("call_id", sa.String(36), sa.ForeignKey("calls.id"), primary_key=True, nullable=False),
    _column("extension", sa.Text, primary_key=True),
    _column("started_at", Moment),
    sa.Index(None, "extension", "started_at"),
)

recordings = sa.Table(
    "recordings",
    metadata,
    _column("id", sa.String(36), primary_key=True),
    sa.Column("call_id", sa.String(36), sa.ForeignKey("calls.id"), nullable=False, index=True),
    _column("started_at", Moment, index=True),
    _column("duration_s", sa.Float),
    _column("kept_because", sa.String(32)),
    _column("incident", sa.Boolean),
    _column("announced", sa.Boolean),
    _column("state", sa.String(16)),
    _column("hold", sa.Boolean),
    _column("retain_until", Moment, nullable=True),
    _column("sha256", sa.String(64)),
    _column("manifest_sha256", sa.String(64)),
    _column("size", sa.BigInteger),
    _column("key", sa.Text, unique=True),
    _column("version", sa.Text, nullable=True),  # decision 6
    _column("manifest_version", sa.Text, nullable=True),
    _column("manifest", Json),  # of any version, as it was archived: decision 14; empty once it is destroyed
    _column("retained_because", sa.String(16)),
    _column("destroyed_at", Moment, nullable=True),
)

# What people wrote about a call. `folded` is what a search compares.
notes = sa.Table(
    "notes",
    metadata,
    _column("id", sa.String(36), primary_key=True),
    sa.Column("call_id", sa.String(36), sa.ForeignKey("calls.id"), nullable=False, index=True),
    _column("at", Moment),
    _column("who", sa.Text),
    _column("text", sa.Text),
    _column("folded", sa.Text),
)

# Why a recording must not be destroyed, whatever its retention says. One that was released stays on record.
holds = sa.Table(
    "holds",
    metadata,
    _column("id", sa.String(36), primary_key=True),
    sa.Column("recording_id", sa.String(36), sa.ForeignKey("recordings.id"), nullable=False, index=True),
    _column("at", Moment),
    _column("who", sa.Text),
    _column("reason", sa.Text),
    _column("request", sa.Text, nullable=True),
    _column("released_at", Moment, nullable=True),
    _column("released_by", sa.Text, nullable=True),
    _column("release_reason", sa.Text, nullable=True),
)

# Who may do what. An empty facility is all of them: a primary key has no NULL.
grants = sa.Table(
    "grants",
    metadata,
    _column("who", sa.Text, primary_key=True),
    _column("role", sa.String(16), primary_key=True),
    _column("facility", sa.String(32), primary_key=True),
    _column("granted_at", Moment),
    _column("granted_by", sa.Text),
)

# Requests for recordings. `facilities` are those whoever opened it reaches, `approved_for` those of whoever
# approved it; NULL is all.
requests = sa.Table(
    "requests",
    metadata,
    _column("number", sa.String(16), primary_key=True),
    _column("kind", sa.String(16)),
    _column("for_whom", sa.Text),
    _column("ground", sa.Text),
    _column("due", Day, nullable=True),
    _column("state", sa.String(16)),
    _column("facilities", Json, nullable=True),
    _column("opened_at", Moment),
    _column("opened_by", sa.Text),
    _column("decided_at", Moment, nullable=True),
    _column("decided_by", sa.Text, nullable=True),
    _column("refusal", sa.Text, nullable=True),
    _column("approved_for", Json, nullable=True),
    _column("closed_at", Moment, nullable=True),
    _column("closed_by", sa.Text, nullable=True),
)

request_recordings = sa.Table(
    "request_recordings",
    metadata,
    sa.Column("request", sa.String(16), sa.ForeignKey("requests.number"), primary_key=True, nullable=False),
    sa.Column(
        "recording_id", sa.String(36), sa.ForeignKey("recordings.id"), primary_key=True, nullable=False
    ),
    _column("added_at", Moment),
    _column("added_by", sa.Text),
)

# Copies that were given out, and what became of them. `files`: what was given, with its SHA-256.
copies = sa.Table(
    "copies",
    metadata,
    _column("id", sa.String(36), primary_key=True),
    sa.Column("request", sa.String(16), sa.ForeignKey("requests.number"), nullable=False, index=True),
    _column("to_whom", sa.Text),
    _column("medium", sa.Text),
    _column("files", Json),
    _column("handed_at", Moment),
    _column("handed_by", sa.Text),
    _column("ended_at", Moment, nullable=True),
    _column("ended_by", sa.Text, nullable=True),
    _column("outcome", sa.String(16), nullable=True),
)

# What is being destroyed, and what could not be: written before the first object goes.
destructions = sa.Table(
    "destructions",
    metadata,
    sa.Column(
        "recording_id", sa.String(36), sa.ForeignKey("recordings.id"), primary_key=True, nullable=False
    ),
    _column("begun_at", Moment),
    _column("begun_by", sa.Text),
    _column("reason", Json),
    _column("finished_at", Moment, nullable=True),
    _column("problem", Json, nullable=True),
)

# The chain: each row's hash covers its content and the hash before it (decision 7).
custody = sa.Table(
    "custody",
    metadata,
    _column("seq", sa.Integer, primary_key=True, autoincrement=False),
    _column("at", Moment),
    _column("who", sa.Text),
    _column("recording_id", sa.String(36), index=True),
    _column("action", sa.String(32)),
    _column("details", Json),
    _column("previous", sa.String(64)),
    _column("hash", sa.String(64)),
    sa.Index(None, "action", "at"),  # what was heard or refused in a month, among ten million rows
)

# Help that was asked for: one row for each way and recipient (decision 11). No foreign key: an alert goes
# out while its call is under way, and the call's row is written at its end.
alerts = sa.Table(
    "alerts",
    metadata,
    _column("id", sa.String(36), primary_key=True),
    _column("way", sa.String(16), primary_key=True),
    _column("recipient", sa.Text, primary_key=True),
    _column("call_id", sa.String(36), index=True),
    _column("at", Moment),
    _column("facility", sa.String(32)),
    _column("extension", sa.Text),
    _column("state", sa.String(16)),
    _column("tries", sa.Integer),
    _column("sent_at", Moment, nullable=True),
    _column("problem", sa.Text),
)
