"""What searches go by: hits, and the signs of notes. What only served them before goes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

FLAGS = (None, "incident", "held")
OLD = {
    "calls": (["number"], ["facility", "started_at"], ["extension", "started_at"]),
    "call_facilities": (["facility", "call_id"],),
    "participants": (["extension", "started_at"],),
}
"""Indexes that nothing goes by any more."""
AT_ONCE = 10_000
_UNRELEASED = sa.text("released_at IS NULL")
_ASKED_FOR = sa.text(
    "action IN ('heard', 'fetched', 'exported', 'linked', 'handed-over', 'copy-mistaken', 'refused', 'lost')"
)


def upgrade() -> None:
    id_ = _kind_of_ids()
    op.create_table(
        "hits",
        _column("place", sa.BigInteger),
        sa.Column("length_ms", sa.Integer, nullable=True),
        _column("kind", sa.SmallInteger),
        *(_column(name, sa.Boolean) for name in ("leads", "incident", "held", "by_key")),
        _column("call_id", id_),
        sa.Column("recording_id", id_, nullable=True),
        sa.Column("facility", sa.String(32), nullable=True),
        sa.Column("extension", sa.Text, nullable=True),
        sa.Column("number", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("place", name="pk_hits"),
        sqlite_with_rowid=False,
    )
    _others("hit_extensions", "extension", sa.Text)
    _others("hit_facilities", "facility", sa.String(32), sa.Column("filed", sa.String(32), nullable=True))
    op.create_table(
        "note_grams",
        _column("gram", sa.Text),
        _column("began", sa.BigInteger),
        _column("call_id", id_),
        sa.PrimaryKeyConstraint("gram", "began", "call_id", name="pk_note_grams"),
        sqlite_with_rowid=False,
    )
    _fill()
    _index()
    for table, indexes in OLD.items():
        for columns in indexes:
            op.drop_index("_".join(["ix", table, *columns]), table)
    op.create_index(
        "ix_holds_at_id", "holds", ["at", "id"], sqlite_where=_UNRELEASED, postgresql_where=_UNRELEASED
    )
    op.drop_index("ix_custody_action_at", "custody")
    op.create_index(
        "ix_custody_action_at",
        "custody",
        ["action", "at"],
        sqlite_where=_ASKED_FOR,
        postgresql_where=_ASKED_FOR,
    )


def _kind_of_ids() -> Any:
    (found,) = (
        each["type"] for each in sa.inspect(op.get_bind()).get_columns("calls") if each["name"] == "id"
    )
    return found


def _others(table: str, by: str, kind: Any, *more: sa.Column[Any]) -> None:
    op.create_table(
        table,
        _column("place", sa.BigInteger),
        sa.Column("length_ms", sa.Integer, nullable=True),
        _column("kind", sa.SmallInteger),
        _column("incident", sa.Boolean),
        _column("held", sa.Boolean),
        _column(by, kind),
        *more,
        sa.PrimaryKeyConstraint("place", by, name=f"pk_{table}"),
        sqlite_with_rowid=False,
    )


def _index() -> None:
    op.create_index("ix_hits_call_id", "hits", ["call_id"])
    op.create_index("ix_hit_facilities_filed", "hit_facilities", ["facility", "filed", "place"])
    _some("ix_hits_number", "hits", ["number", "place"], None, "number")
    for table, bys in (
        ("hits", (None, "facility", "extension")),
        ("hit_extensions", ("extension",)),
        ("hit_facilities", ("facility",)),
    ):
        for by in bys:
            _orders(table, by)


def _orders(table: str, by: str | None) -> None:
    first, name = ([by, "kind"], f"{by}_") if by else (["kind"], "")
    for flag in FLAGS:
        rare = f"{name}{flag}_" if flag else name
        _some(f"ix_{table}_{rare}time", table, [*first, "place", "length_ms"], flag)
        if by != "extension":
            _some(f"ix_{table}_{rare}length", table, [*first, "length_ms", "place"], flag, "length_ms")


def _some(name: str, table: str, columns: list[str], flag: str | None, known: str | None = None) -> None:
    said = [f"{known} IS NOT NULL"] if known else []
    sqlite, postgresql = (
        " AND ".join([*([each] if flag else []), *said]) for each in (f"{flag} = 1", f"{flag}")
    )
    where: dict[str, Any] = {"sqlite_where": sa.text(sqlite), "postgresql_where": sa.text(postgresql)}
    op.create_index(name, table, columns, **(where if sqlite else {}))


def _fill() -> None:
    moment = _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE
    op.execute(sa.text(_HITS.format(moment=moment)))
    op.execute(sa.text(_OTHER_EXTENSIONS))
    op.execute(sa.text(_OTHER_FACILITIES))
    _sign(moment)


_POSTGRESQL = "CAST(EXTRACT(EPOCH FROM calls.started_at) * 1000000 AS bigint)"
_SQLITE = """
CASE typeof(calls.started_at) WHEN 'integer' THEN calls.started_at ELSE
(COALESCE(strftime('%s', substr(calls.started_at, 1, 19)), 0) * 1000000
+ CASE WHEN substr(calls.started_at, 20, 1) = '.' THEN CAST(substr(calls.started_at, 21, 6) AS INTEGER) ELSE 0
END) END
"""
"""The microseconds since 1970 of when a call began."""

_HITS = """
INSERT INTO hits (
    place, call_id, recording_id, length_ms, kind, leads, incident, held, by_key, facility, extension, number
)
SELECT
    ({moment}) * 1024
        + row_number() OVER (PARTITION BY {moment} ORDER BY calls.id, recordings.id) - 1,
    calls.id,
    recordings.id,
    CASE WHEN recordings.id IS NULL THEN NULL
        WHEN recordings.duration_s BETWEEN 0 AND 2000000
        THEN CAST(round(recordings.duration_s * 1000) AS integer) ELSE 0 END,
    CASE WHEN recordings.id IS NULL THEN 0 ELSE 1 END
        + CASE WHEN calls.test THEN 2 ELSE 0 END
        + CASE calls.direction WHEN 'inbound' THEN 4 WHEN 'outbound' THEN 8 WHEN 'internal' THEN 12 ELSE 0 END
        + CASE calls.mode
            WHEN 'never' THEN 16 WHEN 'manual' THEN 32 WHEN 'standby' THEN 48 WHEN 'automatic' THEN 64 ELSE 0
          END,
    recordings.id IS NULL OR NOT EXISTS (
        SELECT 1 FROM recordings AS earlier WHERE earlier.call_id = calls.id AND earlier.id < recordings.id
    ),
    COALESCE(calls.incident, false),
    COALESCE(recordings.hold, false),
    COALESCE(recordings.kept_because IN ('key', 'help'), false),
    calls.facility,
    calls.extension,
    calls.number
FROM calls LEFT JOIN recordings ON recordings.call_id = calls.id
"""

_OTHER_EXTENSIONS = """
INSERT INTO hit_extensions (place, extension, length_ms, kind, incident, held)
SELECT hits.place, participants.extension, hits.length_ms, hits.kind, hits.incident, hits.held
FROM hits JOIN participants ON participants.call_id = hits.call_id
WHERE hits.extension IS NULL OR participants.extension <> hits.extension
"""

_OTHER_FACILITIES = """
INSERT INTO hit_facilities (place, facility, length_ms, kind, incident, held, filed)
SELECT
    hits.place, call_facilities.facility, hits.length_ms, hits.kind, hits.incident, hits.held, hits.facility
FROM hits JOIN call_facilities ON call_facilities.call_id = hits.call_id
WHERE hits.facility IS NULL OR call_facilities.facility <> hits.facility
"""


_NOTED = """
SELECT ({moment}) * 1024 AS began, notes.call_id, notes.folded
FROM notes JOIN calls ON calls.id = notes.call_id
"""


def _sign(moment: str) -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text(_NOTED.format(moment=moment)))
    while some := rows.fetchmany(AT_ONCE):
        signs = {(sign, row.began, row.call_id) for row in some for sign in _signs(row.folded)}
        connection.execute(
            sa.text("INSERT INTO note_grams VALUES (:gram, :began, :call_id) ON CONFLICT DO NOTHING"),
            [dict(zip(("gram", "began", "call_id"), each, strict=True)) for each in sorted(signs)],
        )


def _signs(folded: str) -> set[str]:
    return {*folded, *map("".join, pairwise(folded))}


def downgrade() -> None:
    op.drop_index("ix_custody_action_at", "custody")
    op.create_index("ix_custody_action_at", "custody", ["action", "at"])
    op.drop_index("ix_holds_at_id", "holds")
    for table in ("note_grams", "hit_facilities", "hit_extensions", "hits"):
        op.drop_table(table)
    for table, indexes in OLD.items():
        for columns in indexes:
            op.create_index("_".join(["ix", table, *columns]), table, columns)


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
