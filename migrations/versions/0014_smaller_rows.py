"""Rows of a tenth of the size: manifests are in the bucket alone (decision 25), and what is JSON is packed.

All tables that refer to calls and recordings are written anew, some rows at a time; the chain of the custody
log stays as it is, for its hashes are over the same text.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import CreateTable

from callrec.catalogue.calls import AWAY, numbers_beside, placed_silences
from callrec.catalogue.packing import pack, unpacked_text
from callrec.errors import CallrecError
from callrec.manifest import read

revision = "0014"
down_revision = "0013"

log = logging.getLogger("alembic.runtime.migration")

AT_ONCE = 2000
"""Rows in memory at a time."""
TABLES = (
    *("calls", "call_facilities", "participants", "recordings", "notes", "holds", "request_recordings"),
    *("destructions", "custody"),
)
"""Those that refer to others come after them."""
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
PACKED = (("calls", "details"), ("custody", "details"), ("destructions", "reason"))
AUTOMATIC = "automatic"
WHERE = ("sqlite_where", "postgresql_where")

Row = dict[str, Any]
Change = Callable[[Row], None]


# --- up


def upgrade() -> None:
    added: dict[str, list[sa.Column[Any]]] = {
        "calls": [
            sa.Column("more_numbers", sa.Text, nullable=True),
            _flag("away"),
            _flag("automatic_later"),
        ],
        "recordings": [
            sa.Column("sample_rate", sa.Integer, nullable=True),
            sa.Column("silences", sa.LargeBinary, nullable=True),
        ],
    }
    kinds = {each: sa.LargeBinary() for each in PACKED}
    changes: dict[str, Change] = {
        "calls": _smaller_call,
        "recordings": _without_manifest,
        "custody": lambda row: row.update(details=_packed(row["details"])),
        "destructions": lambda row: row.update(reason=_packed(row["reason"])),
    }
    _rewrite(kinds, added, {("recordings", "manifest")}, changes)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def _packed(value: Any) -> bytes:
    """Returns JSON as a database gives it, packed; what is none stays damaged."""
    if not isinstance(value, str):
        return value if isinstance(value, bytes) else pack(value)
    try:
        return pack(json.loads(value))
    except (ValueError, RecursionError):
        return value.encode(errors="replace")


def _smaller_call(row: Row) -> None:
    told = _told(row["details"])
    row["details"] = _packed(row["details"])
    people = [each for each in _list(told, "participants") if not each.get("extension")]
    others = [told.get("dialled"), *(each.get("number") for each in people)]
    known = row["erased_at"] is None
    row["more_numbers"] = (
        numbers_beside(row["number"], row["extension"], map(_text, others)) if known else None
    )
    row["away"] = any(str(each.get("text", "")).startswith(AWAY) for each in _list(told, "notes"))
    later = (each.get("decision") for each in _list(told, "decision_changes"))
    row["automatic_later"] = any(isinstance(each, dict) and each.get("mode") == AUTOMATIC for each in later)


def _without_manifest(row: Row) -> None:
    manifest = row.pop("manifest")
    told = _told(manifest)
    audio, capture = (told.get(name) for name in ("audio", "capture"))
    rate = audio.get("sample_rate") if isinstance(audio, dict) else None
    row["sample_rate"] = rate if isinstance(rate, int) else None
    silent = isinstance(capture, dict) and (capture.get("silences") or capture.get("pauses"))
    row["silences"] = _silences(told) if silent else None


def _silences(manifest: Row) -> bytes | None:
    try:
        found = placed_silences(read(json.dumps(manifest).encode()))
    except CallrecError:  # one that makes no sense: `verify` compares the row with that in the bucket
        return None
    return pack([_written(each) for each in found])


def _written(each: Any) -> Row:
    return {
        "begin_s": each.begin_s,
        "end_s": each.end_s,
        "started_at": _moment(each.started_at),
        "finished_at": _moment(each.finished_at) if each.finished_at else None,
        "reason": each.reason.value,
    }


def _moment(moment: Any) -> str:
    return str(moment.isoformat()).replace("+00:00", "Z")


def _told(value: Any) -> Row:
    """Returns the object that JSON holds; an empty one where it makes no sense."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _list(told: Row, name: str) -> list[Row]:
    found = told.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


# --- down


def downgrade() -> None:
    """Manifests do not come back by themselves: the version before reads them from the bucket."""
    added: dict[str, list[sa.Column[Any]]] = {"recordings": [sa.Column("manifest", JSON, nullable=False)]}
    kinds = dict.fromkeys(PACKED, JSON)
    gone = {("calls", "more_numbers"), ("calls", "away"), ("calls", "automatic_later")}
    gone |= {("recordings", "sample_rate"), ("recordings", "silences")}

    def with_manifest(row: Row) -> None:
        row["manifest"] = "{}"

    changes: dict[str, Change] = {
        "calls": lambda row: row.update(details=_unpacked(row["details"])),
        "recordings": with_manifest,
        "custody": lambda row: row.update(details=_unpacked(row["details"])),
        "destructions": lambda row: row.update(reason=_unpacked(row["reason"])),
    }
    _rewrite(kinds, added, gone, changes)
    there = sa.text("SELECT count(*) FROM recordings WHERE state = 'archived'")
    if count := op.get_bind().execute(there).scalar_one():
        log.warning(
            "the manifests of %s recordings are not in the database: callrec catalogue rebuild of that "
            "version reads them from the bucket",
            count,
        )


def _unpacked(value: Any) -> str:
    """Returns what was packed, as JSON text; what is damaged stays so where JSON need not be valid."""
    try:
        return unpacked_text(value)
    except (ValueError, TypeError):
        return json.dumps(repr(value))


# --- tables written anew


def _rewrite(
    kinds: dict[tuple[str, str], Any],
    added: dict[str, list[sa.Column[Any]]],
    gone: set[tuple[str, str]],
    changes: dict[str, Change],
) -> None:
    """Puts tables with other columns in the place of TABLES, and copies the rows, each after a change."""
    connection = op.get_bind()
    there, new = sa.MetaData(), sa.MetaData()
    there.reflect(connection, only=TABLES)
    there.tables["requests"].to_metadata(new)  # which stays as it is, and is referred to
    _out_of_the_way(connection, there)
    for name in TABLES:
        old = there.tables[name]
        made = _shaped(old, new, kinds, added.get(name, []), gone)
        connection.execute(
            CreateTable(made, include_foreign_key_constraints=list(made.foreign_key_constraints))
        )
        _copy(connection, old, made, changes.get(name, lambda row: None))
    for name in reversed(TABLES):
        op.execute(sa.text(f"DROP TABLE old_{name}"))
    for name in TABLES:
        for index in new.tables[name].indexes:
            index.create(connection)
    _append_only(connection)


def _out_of_the_way(connection: sa.Connection, there: sa.MetaData) -> None:
    """Renames the tables, and with them all that has a name in the whole database."""
    for name in TABLES:
        if connection.dialect.name == "postgresql":
            query = sa.text(
                "SELECT indexname FROM pg_indexes WHERE tablename = :name AND schemaname = current_schema()"
            )
            for index in connection.execute(query, {"name": name}).scalars().all():
                op.execute(sa.text(f'ALTER INDEX "{index}" RENAME TO "old_{index}"'))
        else:
            for index in there.tables[name].indexes:
                op.execute(sa.text(f"DROP INDEX {index.name}"))
    if connection.dialect.name == "sqlite":
        for event in ("update", "delete"):
            op.execute(sa.text(f"DROP TRIGGER custody_no_{event}"))
    for name in TABLES:
        op.execute(sa.text(f"ALTER TABLE {name} RENAME TO old_{name}"))


def _shaped(
    old: sa.Table,
    new: sa.MetaData,
    kinds: dict[tuple[str, str], Any],
    added: list[sa.Column[Any]],
    gone: set[tuple[str, str]],
) -> sa.Table:
    """Returns a table as the old one is, but for some columns."""
    columns = [
        _column(each, kinds.get((old.name, each.name), each.type))
        for each in old.columns
        if (old.name, each.name) not in gone
    ]
    made = sa.Table(old.name, new, *columns, *added, *map(_constraint, old.constraints))
    for index in sorted(old.indexes, key=lambda each: str(each.name)):
        where = index.dialect_options[op.get_bind().dialect.name].get("where")
        only: Any = {} if where is None else dict.fromkeys(WHERE, sa.text(str(where)))
        sa.Index(index.name, *(made.c[each.name] for each in index.columns), **only)
    return made


def _column(old: sa.Column[Any], kind: Any) -> sa.Column[Any]:
    default: Any = old.server_default.arg if isinstance(old.server_default, sa.DefaultClause) else None
    return sa.Column(old.name, kind, nullable=old.nullable, autoincrement=False, server_default=default)


def _constraint(old: sa.Constraint) -> sa.Constraint:
    names, name = [each.name for each in getattr(old, "columns", ())], str(old.name)
    match old:
        case sa.ForeignKeyConstraint():
            return sa.ForeignKeyConstraint(names, [each.target_fullname for each in old.elements], name=name)
        case sa.UniqueConstraint():
            return sa.UniqueConstraint(*names, name=name)
        case sa.PrimaryKeyConstraint():
            return sa.PrimaryKeyConstraint(*names, name=name)
    raise TypeError(old)


def _copy(connection: sa.Connection, old: sa.Table, made: sa.Table, change: Change) -> None:
    names = ", ".join(each.name for each in old.columns)
    source = sa.text(f"SELECT {names} FROM old_{old.name}")  # noqa: S608
    streamed = connection.execute(source, execution_options={"yield_per": AT_ONCE})
    columns = [each.name for each in made.columns]
    for some in streamed.mappings().partitions():
        _insert(connection, made.name, columns, _changed(some, change))


def _changed(rows: Iterable[Any], change: Change) -> Iterable[Row]:
    for each in rows:
        row = dict(each)
        change(row)
        yield row


def _insert(connection: sa.Connection, table: str, columns: list[str], rows: Iterable[Row]) -> None:
    """Writes rows, as they are."""
    values = ([_plain(row[name]) for name in columns] for row in rows)
    driver = connection.connection.driver_connection
    assert driver is not None
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        driver.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", values)  # noqa: S608
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for each in values:
            copy.write_row(each)


def _plain(value: Any) -> Any:
    """Returns a value as the drivers take it: JSON of PostgreSQL was read."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _append_only(connection: sa.Connection) -> None:
    """Has the database refuse again what would change the custody log (version 0010)."""
    if connection.dialect.name == "postgresql":
        op.execute(sa.text(_POSTGRESQL))
        return
    for event in ("update", "delete"):
        op.execute(sa.text(_SQLITE.format(event=event)))


_POSTGRESQL = """
CREATE TRIGGER custody_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody
FOR EACH STATEMENT EXECUTE FUNCTION custody_is_append_only()
"""
_SQLITE = r"""
CREATE TRIGGER custody_no_{event} BEFORE {event} ON custody
BEGIN
    SELECT RAISE(ABORT, 'the custody log is only added to\: its rows are never changed or deleted');
END
"""
