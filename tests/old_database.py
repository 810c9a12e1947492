"""A database of an older version, brought up to this one and back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from bench import kept_calls
from callrec import manifest
from callrec.catalogue import alerts, calls, custody, facilities, finding, notes, rules, tables
from callrec.catalogue.columns import Json
from callrec.catalogue.database import Database, _alembic
from callrec.model.access import EVERYWHERE
from callrec.model.alerts import Delivery
from callrec.model.calls import DecisionChange, FeatureCode, KeyPress, KeyResult
from callrec.model.captures import Silence, SilenceReason
from callrec.model.office import Extension, Facility
from callrec.model.rules import Holidays, Mode, Unannounced
from callrec.policy.hours import parse_hours
from tests.tampering import altered
from tests.unit.samples import CALL_ID, DECISION, START, alert, call

WHO: dict[str, Any] = {"who": "test", "at": START}


def migrated(database: Database, version: str) -> None:
    """Takes a database to a version, up or down."""
    with database.begin() as connection:
        there = MigrationContext.configure(connection).get_current_revision() or ""
        step = command.upgrade if version > there else command.downgrade
        step(_alembic(connection), version)


OLD = (
    "INSERT INTO facilities (code, name) VALUES ('shiba', '芝')",
    "INSERT INTO extensions (number, facility, name) VALUES ('2101', 'shiba', '')",
    """
    INSERT INTO rules
        (id, version, scope, mode, languages, prompt, priority, removed, changed_at, changed_by)
    VALUES (1, 1, 'everywhere', 'automatic', 'ja', 'notice', 0, false, '2026-11-22 01:00:00+00', 'test')
    """,
    "INSERT INTO calls (id, started_at, details) VALUES ('old', '2026-11-22 01:00:00+00', '{}')",
    "INSERT INTO participants (call_id, extension, started_at)"
    " VALUES ('old', '2101', '2026-11-22 01:00:00+00')",
)
"""An office and a call as the first version knew them."""
OLD_CALLS = sa.table(
    "calls",
    sa.column("id", sa.String),
    sa.column("started_at", sa.DateTime(timezone=True)),
    sa.column("incident", sa.Boolean),
    sa.column("details", Json),
)
"""Calls, as versions before 0014 have them."""


def check_migration(database: Database) -> None:
    """What the first version knew is as it was, and goes back; what it did not know keeps it from that."""
    migrated(database, "0001")
    with database.begin() as connection:
        for statement in OLD:
            connection.exec_driver_sql(statement)
    migrated(database, "head")
    with database.begin() as connection:
        _check_as_it_was(connection)
    check_field_terms(database)
    _check_smaller_rows(database)
    _check_append_only(database)
    _check_alerts(database)
    _check_aliases(database)
    for fields, complaint in (
        ({"unannounced": Unannounced.DISCARD}, r"rules \[1\] record nothing unannounced"),
        ({"unannounced": Unannounced.RECORD, "beep_s": 15}, r"rules \[1\] have a consent beep"),
        ({"beep_s": None, "hours": parse_hours("mon")}, r"rules \[1\] have conditions"),
    ):
        with database.begin() as connection:
            rules.change(connection, 1, **fields, **WHO)
        with pytest.raises(RuntimeError, match=complaint):
            migrated(database, "0001")
    with database.begin() as connection:
        rules.remove(connection, 1, **WHO)
    migrated(database, "0001")
    with database.begin() as connection:
        assert not {"hours", "beep_s", "unannounced"} & _columns(connection, "rules")
        assert "aliases" not in _columns(connection, "extensions")
        assert not {"incident", "discarded_at"} & _columns(connection, "calls")
        assert connection.exec_driver_sql("SELECT count(*) FROM rules").scalar_one() == 5
        assert connection.exec_driver_sql("SELECT count(*) FROM calls").scalar_one() == 1
    migrated(database, "head")


def check_field_terms(database: Database) -> None:
    """What version 0004 knew of a call and a facility is read under the names of now, and goes back."""
    migrated(database, "0004")
    record = call(
        key_presses=(KeyPress("1", FeatureCode.KEEP, KeyResult.MARKED, "1.1", "2101", START),),
        decision_changes=(DecisionChange(START, ("2102",), DECISION),),
    )
    old = calls.as_json(record)
    old["keys"] = [{**press, "effect": press["result"]} for press in old.pop("key_presses")]
    for press in old["keys"]:
        del press["result"]
    old["turns"] = old.pop("decision_changes")
    with database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO facilities (code, name, support_room) VALUES ('a', '麻', '2900')"
        )
        row = {"id": CALL_ID, "started_at": START, "incident": True, "details": old}
        connection.execute(OLD_CALLS.insert(), [row])
    migrated(database, "head")
    with database.begin() as connection:
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE) == record
        assert facilities.facility(connection, "a").support_phone == "2900"
    migrated(database, "0004")
    with database.begin() as connection:
        there = connection.execute(sa.select(OLD_CALLS.c.details).where(OLD_CALLS.c.id == CALL_ID))
        assert there.scalar_one() == old
        rooms = connection.exec_driver_sql("SELECT support_room FROM facilities WHERE code = 'a'")
        assert rooms.scalar_one() == "2900"
        connection.execute(OLD_CALLS.delete().where(OLD_CALLS.c.id == CALL_ID))
        connection.exec_driver_sql("DELETE FROM facilities WHERE code = 'a'")
    migrated(database, "head")


def _check_smaller_rows(database: Database) -> None:
    """A recorded call, its note and what the custody log says are as they were, down and up; a manifest is
    read from the bucket afterwards."""
    made = next(kept_calls.made(1))
    call_id, id_ = made.call.id, made.recording_id
    silence = Silence(made.capture.started_at, None, SilenceReason.PRIVACY)
    made = replace(made, capture=replace(made.capture, silences=(silence,)))
    with database.begin() as connection:
        calls.save_recording(connection, made, key=f"recordings/a/{id_}.flac", manifest_sha256="ab" * 32)
        notes.add(connection, call_id, "怒鳴られた", **WHO)
        for action in ("captured", "spooled", "archived"):
            custody.append(connection, id_, action, **WHO, sha256="cd" * 32, odd=["x", 1.5, None])
    there = _everything(database)
    migrated(database, "0013")
    with database.begin() as connection:
        row = connection.exec_driver_sql("SELECT id, manifest FROM recordings").one()
        assert row.id == id_ and row.manifest in ("{}", {})
        connection.execute(
            sa.text("UPDATE recordings SET manifest = :said"), {"said": manifest.write(made).decode()}
        )
    migrated(database, "head")
    assert _everything(database) == there
    with database.begin() as connection:
        assert custody.broken_at(connection) is None
        (found,) = calls.archived_of(connection, call_id)
        kept = calls.find_recording(connection, found)
        assert kept and kept.sample_rate == 8000 and kept.silences and kept.silences[0].begin_s == 0.0
        connection.execute(tables.notes.delete())
        connection.execute(tables.recordings.delete())
        for table in (tables.participants, tables.call_facilities):
            connection.execute(table.delete().where(table.c.call_id == call_id))
        connection.execute(tables.calls.delete().where(tables.calls.c.id == call_id))
        with altered(connection):
            connection.execute(tables.custody.delete())


def _everything(database: Database) -> dict[str, list[Any]]:
    with database.read() as connection:
        return {
            # PostgreSQL's JSONB, through which the version before takes it, knows no order of names
            name: sorted(json.dumps(tuple(row), sort_keys=True, default=str) for row in rows)
            for name, table in tables.metadata.tables.items()
            for rows in [connection.execute(sa.select(table)).all()]
        }


def _check_append_only(database: Database) -> None:
    """The log is only added to, whoever asks; the version before knew nothing of that."""
    emptied = "DELETE FROM custody" if database.file else "TRUNCATE custody"
    with database.begin() as connection:
        custody.append(connection, "", "refused", **WHO)
    for statement in ("UPDATE custody SET who = ''", "DELETE FROM custody", emptied):
        with pytest.raises(DBAPIError, match="only added to"), database.begin() as connection:
            connection.exec_driver_sql(statement)
    migrated(database, "0009")
    with database.begin() as connection:
        assert custody.head(connection)[0] == 1
        connection.exec_driver_sql(emptied)
    migrated(database, "head")


def _check_alerts(database: Database) -> None:
    """Who is called to help, and what became of it, is not lost on the way back."""
    with database.begin() as connection:
        assert facilities.all_facilities(connection) == [Facility("shiba", "芝")]
        facilities.change_facility(connection, "shiba", support_mail=("a@x.example",), **WHO)
        alerts.save(connection, alert(), Delivery("mail", "a@x.example", tries=1))
    with pytest.raises(RuntimeError, match="1 rows of alerts"):
        migrated(database, "0002")
    with database.begin() as connection:
        connection.execute(tables.alerts.delete())
    with pytest.raises(RuntimeError, match="1 rows of facilities"):
        migrated(database, "0002")
    with database.begin() as connection:
        facilities.change_facility(connection, "shiba", support_mail=None, **WHO)


def _check_aliases(database: Database) -> None:
    """Without its alias a phone would have no rule: it is not lost on the way back."""
    with database.begin() as connection:
        facilities.add_aliases(connection, "2101", ["2101-WS"], **WHO)
    with pytest.raises(RuntimeError, match=r"extensions \['2101'\] have aliases"):
        migrated(database, "0005")
    with database.begin() as connection:
        assert facilities.extension(connection, "2101").aliases == ("2101-WS",)
        facilities.remove_aliases(connection, "2101", ["2101-WS"], **WHO)


def _check_as_it_was(connection: sa.Connection) -> None:
    (rule,) = rules.in_force(connection)
    assert (rule.mode, rule.hours, rule.holidays) == (Mode.AUTOMATIC, (), Holidays.INCLUDE)
    assert (rule.effective_from, rule.effective_until, rule.beep_s) == (None, None, None)
    assert rule.unannounced is Unannounced.RECORD
    assert facilities.all_extensions(connection) == [Extension("2101", "shiba")]
    (incident,) = connection.execute(sa.select(tables.calls.c.incident)).scalars()
    assert incident is False


def _columns(connection: sa.Connection, table: str) -> set[str]:
    return {each["name"] for each in sa.inspect(connection).get_columns(table)}
