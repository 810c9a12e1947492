"""Says what tables there are. What is JSON is kept whole for showing; what is searched has a column.
Manifests are in the bucket alone, and here are their hashes (decision 25).

Numbers come from outside and have no safe length, so they are Text. All times are Moments. migrations/ makes
the tables; a test compares both.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from callrec.catalogue.columns import Day, Id, Json, Moment, Packed, Sha256, column

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


facilities = sa.Table(
    "facilities",
    metadata,
    column("code", sa.String(32), primary_key=True),
    column("name", sa.Text),
    column("support_phone", sa.Text, nullable=True),
    column("support_mail", Json, nullable=True),
)

extensions = sa.Table(
    "extensions",
    metadata,
    column("number", sa.Text, primary_key=True),
    sa.Column("facility", sa.String(32), sa.ForeignKey("facilities.code"), nullable=False, index=True),
    column("name", sa.Text, default=""),
    column("service", sa.Boolean, default=False),
    column("aliases", Json, default=list),
)

# Every version of every rule; nothing is edited in place. The one in force is the newest of an id,
# unless that one says `removed` (decision 10).
rules = sa.Table(
    "rules",
    metadata,
    column("id", sa.Integer, primary_key=True, autoincrement=False),
    column("version", sa.Integer, primary_key=True, autoincrement=False),
    column("scope", sa.String(16)),
    column("target", sa.Text, nullable=True),
    column("mode", sa.String(16)),
    column("direction", sa.String(16), nullable=True),
    column("announce", sa.String(16), nullable=True),
    column("languages", sa.String(64)),
    column("prompt", sa.String(32)),
    column("retain_days", sa.Integer, nullable=True),
    column("retain_incident_days", sa.Integer, nullable=True),
    column("priority", sa.Integer),
    column("hours", sa.Text),
    column("holidays", sa.String(8)),
    column("effective_from", Moment, nullable=True),
    column("effective_until", Moment, nullable=True),
    column("beep_s", sa.Integer, nullable=True),
    column("unannounced", sa.String(16)),
    column("removed", sa.Boolean),
    column("changed_at", Moment),
    column("changed_by", sa.Text),
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
    column("id", sa.Integer, primary_key=True, autoincrement=False),
    column("number", sa.Integer),
)

# Who changed what in facilities, extensions and rules.
changes = sa.Table(
    "changes",
    metadata,
    column("id", sa.Integer, primary_key=True),
    column("at", Moment),
    column("who", sa.Text),
    column("subject", sa.Text, index=True),
    column("before", Json, nullable=True),
    column("after", Json, nullable=True),
)

calls = sa.Table(
    "calls",
    metadata,
    column("id", Id, primary_key=True),
    column("started_at", Moment, index=True),
    column("answered_at", Moment, nullable=True),
    column("ended_at", Moment, nullable=True),
    column("direction", sa.String(16), nullable=True),
    column("facility", sa.String(32), nullable=True),
    column("extension", sa.Text, nullable=True),
    column("number", sa.Text, nullable=True),
    column("outcome", sa.String(16), nullable=True),
    column("mode", sa.String(16), nullable=True),
    column("rule", sa.Integer, nullable=True),
    column("rule_version", sa.Integer, nullable=True),
    column("incident", sa.Boolean),
    column("discarded_at", Moment, nullable=True),
    column("details", Packed),
    column("more_numbers", sa.Text, nullable=True),  # that were dialled or took part, beside `number`
    column("away", sa.Boolean, server_default=sa.false()),  # the dialplan handled it alone
    column("automatic_later", sa.Boolean, server_default=sa.false()),  # so it is of somebody who joined
    column("test", sa.Boolean, server_default=sa.false()),  # callrec made it itself
    column("erased_at", Moment, nullable=True),  # when numbers and names were taken out of it
)

# The facilities whose extensions took part in a call, as they were when it was written down: who may know of
# one of them may know of the call.
call_facilities = sa.Table(
    "call_facilities",
    metadata,
    sa.Column("call_id", Id, sa.ForeignKey("calls.id"), primary_key=True, nullable=False),
    column("facility", sa.String(32), primary_key=True),
    sqlite_with_rowid=False,
)

# The extensions that took part in a call.
participants = sa.Table(
    "participants",
    metadata,
    sa.Column("call_id", Id, sa.ForeignKey("calls.id"), primary_key=True, nullable=False),
    column("extension", sa.Text, primary_key=True),
    column("started_at", Moment),
    sqlite_with_rowid=False,
)

recordings = sa.Table(
    "recordings",
    metadata,
    column("id", Id, primary_key=True),
    sa.Column("call_id", Id, sa.ForeignKey("calls.id"), nullable=False, index=True),
    column("started_at", Moment, index=True),
    column("duration_s", sa.Float),
    column("kept_because", sa.String(32)),
    column("incident", sa.Boolean),
    column("announced", sa.Boolean),
    column("state", sa.String(16)),
    column("hold", sa.Boolean),
    column("retain_until", Moment, nullable=True),
    column("sha256", Sha256),
    column("manifest_sha256", Sha256),
    column("size", sa.BigInteger),
    column("key", sa.Text),
    column("version", sa.Text, nullable=True),  # decision 6
    column("manifest_version", sa.Text, nullable=True),
    column("sample_rate", sa.Integer, nullable=True),
    column("silences", Packed, nullable=True),  # where it is silent on purpose; gone once it is destroyed
    column("retained_because", sa.String(16)),
    column("destroyed_at", Moment, nullable=True),
    # What is past its time, among millions that were destroyed before.
    sa.Index(
        None,
        "retain_until",
        sqlite_where=sa.text("state = 'archived'"),
        postgresql_where=sa.text("state = 'archived'"),
    ),
)


def _orders(table: str, by: str | None) -> list[sa.Index]:
    """Returns the indexes in which a search reads hits, of all or of one facility or extension: each kind by
    itself, by time and by length; incidents and what is held, which are rare, once more by themselves. The
    few hits of an extension are sorted by length when somebody asks. What a search looks at beside the order
    stands in the index, too, also the flag itself: SQLite reads the rows for it else."""
    first, name = ([by, "kind"], f"{by}_") if by else (["kind"], "")
    found = []
    for flag in (None, "incident", "held"):
        rare, more = (f"{name}{flag}_", [flag]) if flag else (name, [])
        looked_at = ["facility", *more] if (table, by) == ("hits", "extension") else more
        found.append(_some(f"ix_{table}_{rare}time", [*first, "place", "length_ms", *looked_at], flag))
        if by != "extension":
            columns = [*first, "length_ms", "place", *more]
            found.append(_some(f"ix_{table}_{rare}length", columns, flag, "length_ms"))
    return found


def _some(name: str, columns: list[str], flag: str | None, known: str | None = None) -> sa.Index:
    """Returns an index of the rows in which one column is true, and another is known."""
    said = [f"{known} IS NOT NULL"] if known else []
    sqlite, postgresql = (
        " AND ".join([*([each] if flag else []), *said]) for each in (f"{flag} = 1", f"{flag}")
    )
    where: dict[str, Any] = {"sqlite_where": sa.text(sqlite), "postgresql_where": sa.text(postgresql)}
    return sa.Index(name, *columns, **(where if sqlite else {}))


# What a search goes by, as it follows from the tables above: a row for each recording, and for each call
# without one. `place` says when the call began (callrec.catalogue.places), `kind` what most searches ask
# (callrec.catalogue.kinds). The first hit of a call `leads`. No foreign keys: all can be made again. Columns
# stand by their size, as PostgreSQL packs them best.
hits = sa.Table(
    "hits",
    metadata,
    column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    column("length_ms", sa.Integer, nullable=True),
    column("kind", sa.SmallInteger),
    column("leads", sa.Boolean),
    column("incident", sa.Boolean),
    column("held", sa.Boolean),
    column("by_key", sa.Boolean),
    column("call_id", Id, index=True),
    column("recording_id", Id, nullable=True),
    column("facility", sa.String(32), nullable=True),
    column("extension", sa.Text, nullable=True),
    column("number", sa.Text, nullable=True),
    *(index for by in (None, "facility", "extension") for index in _orders("hits", by)),
    _some("ix_hits_number", ["number", "place", "kind", "length_ms", "facility"], None, "number"),
    sqlite_with_rowid=False,
)


def _others(name: str, by: str, kind: Any, *more: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        column("place", sa.BigInteger, primary_key=True, autoincrement=False),
        column("length_ms", sa.Integer, nullable=True),
        column("kind", sa.SmallInteger),
        column("incident", sa.Boolean),
        column("held", sa.Boolean),
        column(by, kind, primary_key=True),
        *more,
        *_orders(name, by),
        sqlite_with_rowid=False,
    )


# Who took part in the call of a hit beside the extension and the facility under which it is filed.
hit_extensions = _others("hit_extensions", "extension", sa.Text)
hit_facilities = _others(
    "hit_facilities",
    "facility",
    sa.String(32),
    column("filed", sa.String(32), nullable=True),  # the facility under which it is filed
    sa.Index("ix_hit_facilities_filed", "facility", "filed", "place", "kind", "length_ms"),
)

# What people wrote about a call. `folded` is what a search compares.
notes = sa.Table(
    "notes",
    metadata,
    column("id", sa.String(36), primary_key=True),
    sa.Column("call_id", Id, sa.ForeignKey("calls.id"), nullable=False, index=True),
    column("at", Moment),
    column("who", sa.Text),
    column("text", sa.Text),
    column("folded", sa.Text),
)

# The signs and pairs of signs of the notes about a call, which began at a place (callrec.catalogue.grams).
note_grams = sa.Table(
    "note_grams",
    metadata,
    column("gram", sa.Text, primary_key=True),
    column("began", sa.BigInteger, primary_key=True, autoincrement=False),
    column("call_id", Id, primary_key=True),
    sqlite_with_rowid=False,
)

# Why a recording must not be destroyed, whatever its retention says. One that was released stays on record.
holds = sa.Table(
    "holds",
    metadata,
    column("id", sa.String(36), primary_key=True),
    sa.Column("recording_id", Id, sa.ForeignKey("recordings.id"), nullable=False, index=True),
    column("at", Moment),
    column("who", sa.Text),
    column("reason", sa.Text),
    column("request", sa.Text, nullable=True),
    column("released_at", Moment, nullable=True),
    column("released_by", sa.Text, nullable=True),
    column("release_reason", sa.Text, nullable=True),
    sa.Index(
        None,
        "at",
        "id",
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    ),
)

# Who may do what. An empty facility is all of them: a primary key has no NULL.
grants = sa.Table(
    "grants",
    metadata,
    column("who", sa.Text, primary_key=True),
    column("role", sa.String(16), primary_key=True),
    column("facility", sa.String(32), primary_key=True),
    column("granted_at", Moment),
    column("granted_by", sa.Text),
)

# Requests for recordings. `facilities` are those whoever opened it reaches, `approved_for` those of whoever
# approved it; NULL is all.
requests = sa.Table(
    "requests",
    metadata,
    column("number", sa.String(16), primary_key=True),
    column("kind", sa.String(16)),
    column("for_whom", sa.Text),
    column("ground", sa.Text),
    column("due", Day, nullable=True),
    column("state", sa.String(16)),
    column("facilities", Json, nullable=True),
    column("opened_at", Moment),
    column("opened_by", sa.Text),
    column("decided_at", Moment, nullable=True),
    column("decided_by", sa.Text, nullable=True),
    column("refusal", sa.Text, nullable=True),
    column("approved_for", Json, nullable=True),
    column("closed_at", Moment, nullable=True),
    column("closed_by", sa.Text, nullable=True),
)

request_recordings = sa.Table(
    "request_recordings",
    metadata,
    sa.Column("request", sa.String(16), sa.ForeignKey("requests.number"), primary_key=True, nullable=False),
    sa.Column("recording_id", Id, sa.ForeignKey("recordings.id"), primary_key=True, nullable=False),
    column("added_at", Moment),
    column("added_by", sa.Text),
)

# Copies that were given out, and what became of them. `files`: what was given, with its SHA-256.
copies = sa.Table(
    "copies",
    metadata,
    column("id", sa.String(36), primary_key=True),
    sa.Column("request", sa.String(16), sa.ForeignKey("requests.number"), nullable=False, index=True),
    column("to_whom", sa.Text),
    column("medium", sa.Text),
    column("files", Json),
    column("handed_at", Moment),
    column("handed_by", sa.Text),
    column("ended_at", Moment, nullable=True),
    column("ended_by", sa.Text, nullable=True),
    column("outcome", sa.String(16), nullable=True),
)

# What is being destroyed, and what could not be: written before the first object goes.
destructions = sa.Table(
    "destructions",
    metadata,
    sa.Column("recording_id", Id, sa.ForeignKey("recordings.id"), primary_key=True, nullable=False),
    column("begun_at", Moment),
    column("begun_by", sa.Text),
    column("reason", Packed),
    column("finished_at", Moment, nullable=True),
    column("problem", Json, nullable=True),
)

ASKED_FOR = (
    "action IN ('heard', 'fetched', 'exported', 'linked', 'handed-over', 'copy-mistaken', 'refused', 'lost')"
)
"""Actions by which the custody log is asked. A question has to say this, too, for the index to serve."""

# The chain: each row's hash covers its content and the hash before it (decision 7).
custody = sa.Table(
    "custody",
    metadata,
    column("seq", sa.Integer, primary_key=True, autoincrement=False),
    column("at", Moment),
    column("who", sa.Text),
    column("recording_id", Id, index=True),
    column("action", sa.String(32)),
    column("details", Packed),
    column("previous", Sha256),
    column("hash", Sha256),
    # What was heard or refused in a month, among the rows that each recording has.
    sa.Index(None, "action", "at", sqlite_where=sa.text(ASKED_FOR), postgresql_where=sa.text(ASKED_FOR)),
)

# What was done and is not in the bucket yet: written with the change itself, deleted once the bucket was
# proved to have it. No foreign key: what is about a request has no recording.
statements = sa.Table(
    "statements",
    metadata,
    column("id", sa.String(36), primary_key=True),
    column("recording_id", sa.String(36), index=True),
    column("request", sa.String(16)),
    column("action", sa.String(32)),
    column("at", Moment),
    column("who", sa.Text),
    column("details", Json),
)

# One row while the catalogue is being made of the bucket: the last key that was done.
rebuilding = sa.Table(
    "rebuilding",
    metadata,
    column("id", sa.Integer, primary_key=True, autoincrement=False),
    column("after", sa.Text),
    column("at", Moment),
)

# Help that was asked for: one row for each way and recipient (decision 11). No foreign key: an alert goes
# out while its call is under way, and the call's row is written at its end.
alerts = sa.Table(
    "alerts",
    metadata,
    column("id", sa.String(36), primary_key=True),
    column("way", sa.String(16), primary_key=True),
    column("recipient", sa.Text, primary_key=True),
    column("call_id", sa.String(36), index=True),
    column("at", Moment),
    column("facility", sa.String(32)),
    column("extension", sa.Text),
    column("state", sa.String(16)),
    column("tries", sa.Integer),
    column("sent_at", Moment, nullable=True),
    column("problem", sa.Text),
)

# One row a PBX: by which mark in its own database it is told from others of its name, and which controller
# has it (decision 21).
pbxs = sa.Table(
    "pbxs",
    metadata,
    column("name", sa.Text, primary_key=True),
    column("identity", sa.String(32)),
    column("seen_at", Moment),
    column("epoch", sa.Integer),
    column("owner", sa.String(32)),
    column("machine", sa.Text),
)
