"""Smaller rows: manifests are in the bucket alone (decision 25), what is JSON is packed, ids and hashes have
as many bytes as they say, and moments are a number in SQLite.

All tables that refer to calls and recordings are written anew, some rows at a time; the chain of the custody
log stays as it is, for its hashes are over the same text.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import CreateTable

from callrec.catalogue.calls import AWAY, numbers_beside, placed_silences
from callrec.catalogue.columns import Id, Sha256, from_microseconds, to_microseconds
from callrec.catalogue.packing import pack, unpack
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
IDS = (
    *(("calls", "id"), ("call_facilities", "call_id"), ("participants", "call_id"), ("notes", "call_id")),
    *(("recordings", "id"), ("recordings", "call_id"), ("holds", "recording_id")),
    *(("request_recordings", "recording_id"), ("destructions", "recording_id"), ("custody", "recording_id")),
)
HASHES = (
    *(("recordings", "sha256"), ("recordings", "manifest_sha256")),
    *(("custody", "previous"), ("custody", "hash")),
)
WITHOUT_ROWID = ("call_facilities", "participants")
"""Tables that are little more than their primary key: SQLite need not keep that twice."""
AUTOMATIC = "automatic"
WHERE = ("sqlite_where", "postgresql_where")
KEYS = "uq_recordings_key"
"""What nothing asks for: each key ends with the id of its recording."""
NOT_IN_JSONB = re.compile("[\x00\ud800-\udfff]")

Row = dict[str, Any]
Change = Callable[[Row], None]
Conversion = Callable[[Any], Any]


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
    kinds = dict.fromkeys((*PACKED, *IDS, *HASHES), sa.LargeBinary())
    values: dict[tuple[str, str], Conversion] = {
        **dict.fromkeys(PACKED, _packed),
        **dict.fromkeys(IDS, _bytes_of(Id)),
        **dict.fromkeys(HASHES, _bytes_of(Sha256)),
    }
    changes: dict[str, Change] = {"calls": _smaller_call, "recordings": _without_manifest}
    _rewrite(Shape(kinds, added, {("recordings", "manifest")}), changes, values, _as_number)


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


def _bytes_of(kind: type[Id] | type[Sha256]) -> Conversion:
    """Returns what makes bytes of texts; what is damaged stays so."""
    return lambda value: kind.to_bytes(value) if isinstance(value, str) else value


def _smaller_call(row: Row) -> None:
    told = _told(row["details"])
    people = [each for each in _list(told, "participants") if not each.get("extension")]
    others = [told.get("dialled"), *(each.get("number") for each in people)]
    row["more_numbers"] = numbers_beside(row["number"], row["extension"], map(_text, others))
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
    kinds: dict[tuple[str, str], Any] = {
        **dict.fromkeys(PACKED, JSON),
        **dict.fromkeys(IDS, sa.String(36)),
        **dict.fromkeys(HASHES, sa.String(64)),
    }
    gone = {("calls", "more_numbers"), ("calls", "away"), ("calls", "automatic_later")}
    gone |= {("recordings", "sample_rate"), ("recordings", "silences")}

    def with_manifest(row: Row) -> None:
        row["manifest"] = "{}"

    unpacked = Unpacked(is_jsonb=op.get_bind().dialect.name == "postgresql")
    values: dict[tuple[str, str], Conversion] = {
        **dict.fromkeys(PACKED, unpacked),
        **dict.fromkeys(IDS, _text_of(Id)),
        **dict.fromkeys(HASHES, _text_of(Sha256)),
    }
    _rewrite(Shape(kinds, added, gone), {"recordings": with_manifest}, values, _as_text)
    there = sa.text("SELECT count(*) FROM recordings WHERE state = 'archived'")
    if unpacked.replaced:
        log.warning(
            "%s values have signs that PostgreSQL cannot keep in JSON: there is U+FFFD in their place",
            unpacked.replaced,
        )
    if count := op.get_bind().execute(there).scalar_one():
        log.warning(
            "the manifests of %s recordings are not in the database: callrec catalogue rebuild of that "
            "version reads them from the bucket",
            count,
        )


class Unpacked:
    """Unpacks values, and counts those in which it replaced signs that JSONB cannot have."""

    def __init__(self, *, is_jsonb: bool) -> None:
        self.replaced, self._is_jsonb = 0, is_jsonb

    def __call__(self, value: Any) -> str:
        """Returns what was packed, as JSON text in ASCII: half a pair of surrogates cannot be written
        otherwise. What is damaged stays so where JSON need not be valid."""
        try:
            return json.dumps(self._possible(unpack(value)))
        except (ValueError, TypeError, RecursionError):
            return json.dumps(repr(value))

    def _possible(self, value: Any) -> Any:
        made = _without_odd_signs(value) if self._is_jsonb else value
        self.replaced += made != value
        return made


def _without_odd_signs(value: Any) -> Any:
    match value:
        case str():
            return NOT_IN_JSONB.sub("\ufffd", value)
        case list():
            return [_without_odd_signs(each) for each in value]
        case dict():
            return {_without_odd_signs(name): _without_odd_signs(each) for name, each in value.items()}
    return value


def _text_of(kind: type[Id] | type[Sha256]) -> Conversion:
    def text(value: Any) -> Any:
        try:
            found = kind.to_text(value)
            _ = (found or "").encode()  # half a pair of surrogates cannot be written
        except (ValueError, TypeError):
            return value
        return found

    return text


# --- moments, which are a number in SQLite from here on


def _as_number(value: Any) -> Any:
    """Returns a moment in text as microseconds; what is damaged stays so: a number, which would be a moment
    from here on, becomes bytes."""
    if isinstance(value, (int, float)):
        return str(value).encode()
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return value
    return to_microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _as_text(value: Any) -> Any:
    """Returns microseconds as a moment in text; what is damaged stays so."""
    try:
        moment = from_microseconds(value)
    except (ValueError, TypeError, OverflowError):
        return value
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds") if moment else None


def _moments(connection: sa.Connection, convert: Conversion) -> None:
    """Converts the moments of the tables that are not written anew."""

    def converted(kind: str, value: Any) -> Any:
        return convert(_text_or_bytes(value) if kind == "text" else value)

    there = sa.MetaData()
    there.reflect(connection)
    driver: Any = connection.connection.driver_connection
    driver.create_function("callrec_moment", 2, converted, deterministic=True)
    for table in there.tables.values():
        names = [each.name for each in table.columns if isinstance(each.type, sa.DateTime)]
        if names and table.name not in TABLES:
            pairs = ", ".join(f"{name} = {_CONVERTED.format(name)}" for name in names)
            op.execute(sa.text(f"UPDATE {table.name} SET {pairs}"))  # noqa: S608


_CONVERTED = "callrec_moment(typeof({0}), CASE typeof({0}) WHEN 'text' THEN CAST({0} AS BLOB) ELSE {0} END)"
"""SQLite gives a function no text that is not UTF-8."""


# --- tables written anew


class Shape(NamedTuple):
    """Which columns are otherwise in the new tables: of another kind, added, or gone."""

    kinds: dict[tuple[str, str], Any]
    added: dict[str, list[sa.Column[Any]]]
    gone: set[tuple[str, str]]


def _rewrite(
    shape: Shape,
    changes: dict[str, Change],
    values: dict[tuple[str, str], Conversion],
    moment: Conversion,
) -> None:
    """Puts tables of another shape in the place of TABLES, and copies the rows, each after a change, and then
    its values, each converted."""
    connection = op.get_bind()
    there, new = sa.MetaData(), sa.MetaData()
    there.reflect(connection, only=TABLES)
    there.tables["requests"].to_metadata(new)  # which stays as it is, and is referred to
    _out_of_the_way(connection, there)
    for name in TABLES:
        old = there.tables[name]
        made = _shaped(old, new, shape)
        connection.execute(
            CreateTable(made, include_foreign_key_constraints=list(made.foreign_key_constraints))
        )
        by_column = {column: convert for (table, column), convert in values.items() if table == name}
        if connection.dialect.name == "sqlite":
            dated = [each.name for each in old.columns if isinstance(each.type, sa.DateTime)]
            by_column |= dict.fromkeys(dated, moment)
        _copy(connection, old, made, changes.get(name, lambda row: None), by_column)
    for name in reversed(TABLES):
        op.execute(sa.text(f"DROP TABLE old_{name}"))
    for name in TABLES:
        for index in new.tables[name].indexes:
            index.create(connection)
    _append_only(connection)
    if connection.dialect.name == "sqlite":
        _moments(connection, moment)


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


def _shaped(old: sa.Table, new: sa.MetaData, shape: Shape) -> sa.Table:
    """Returns a table as the old one is, but for its shape."""
    columns = [
        _column(each, shape.kinds.get((old.name, each.name), each.type))
        for each in old.columns
        if (old.name, each.name) not in shape.gone
    ]
    columns += shape.added.get(old.name, [])
    constraints = [_constraint(each) for each in old.constraints if each.name != KEYS]
    is_up = ("recordings", "manifest") in shape.gone
    if old.name == "recordings" and not is_up:
        constraints.append(sa.UniqueConstraint("key", name=KEYS))
    has_rowid = not (is_up and old.name in WITHOUT_ROWID)
    made = sa.Table(old.name, new, *columns, *constraints, sqlite_with_rowid=has_rowid)
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


def _copy(
    connection: sa.Connection, old: sa.Table, made: sa.Table, change: Change, values: dict[str, Conversion]
) -> None:
    names = ", ".join(each.name for each in old.columns)
    source = sa.text(f"SELECT {names} FROM old_{old.name}")  # noqa: S608
    columns = [each.name for each in made.columns]
    with _any_text(connection):
        streamed = connection.execute(source, execution_options={"yield_per": AT_ONCE})
        for some in streamed.mappings().partitions():
            _insert(connection, made.name, columns, _changed(some, change, values))


@contextmanager
def _any_text(connection: sa.Connection) -> Iterator[None]:
    """Has SQLite give texts that are no UTF-8 as bytes, in place of an error."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        yield
        return
    before, driver.text_factory = driver.text_factory, _text_or_bytes
    try:
        yield
    finally:
        driver.text_factory = before


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _changed(rows: Iterable[Any], change: Change, values: dict[str, Conversion]) -> Iterable[Row]:
    for each in rows:
        row = dict(each)
        change(row)
        for name, convert in values.items():
            row[name] = convert(row[name])
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
