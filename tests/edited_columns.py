"""Every column by which a recording is found or shown, and what somebody could write there instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import calls, rules, tables
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.columns import Moment
from callrec.catalogue.database import Database
from callrec.evidence.comparison import NOT_COMPARED
from callrec.model.rules import Mode, Rule, Scope
from tests.unit.samples import START, call

COMPARED = ("calls", "recordings", "participants", "call_facilities", "rules")
EDITED = [
    (table, column.name)
    for table in COMPARED
    for column in tables.metadata.tables[table].columns
    if (table, column.name) not in NOT_COMPARED
]
"""Tables and columns of which a recording answers for each."""
OTHER_CALL = "01a20000-0000-7000-8000-0000000000ff"
RULE = Rule(0, 0, Scope.EVERYWHERE, None, Mode.AUTOMATIC, START, "test")


def another(column: sa.Column[Any], value: Any) -> Any:
    """Another value that the column can hold."""
    if column.name == "call_id":
        return OTHER_CALL
    if column.name == "details":
        return {**value, "number": "+81300000000"}
    if isinstance(value, dict):
        return {**value, "facility_name": "somewhere else"}
    if isinstance(value, bool):
        return not value
    if isinstance(value, datetime):
        return value + timedelta(days=1)
    if isinstance(value, (int, float)):
        return value + 1
    if value is None:
        return START if isinstance(column.type, Moment) else 7 if isinstance(column.type, sa.Integer) else "x"
    return ("0" if value[:1] != "0" else "1") + value[1:]


@contextmanager
def edited(database: Database, kept: ArchivedRecording, table: str, name: str) -> Iterator[None]:
    """A column of a row that is about a recording, edited by hand."""
    there = tables.metadata.tables[table]
    of_call = there.c.call_id == kept.call_id if "call_id" in there.c else sa.true()
    about = {"recordings": "id", "calls": "id"}.get(table)
    id_ = {"recordings": kept.id, "calls": kept.call_id}.get(table)
    where = there.c[about] == id_ if about else of_call
    with database.begin() as connection:
        row = connection.execute(sa.select(there).where(where).limit(1)).one()._asdict()
        new = another(there.c[name], row[name])
        connection.execute(there.update().where(_same(there, row)).values({name: new}))
    try:
        yield
    finally:
        _put_back(database, there, row, name, new)


def _put_back(database: Database, there: sa.Table, row: dict[str, Any], name: str, new: Any) -> None:
    with database.begin() as connection:
        now = {**row, name: new}
        connection.execute(there.update().where(_same(there, now)).values({name: row[name]}))


def _same(table: sa.Table, row: dict[str, Any]) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == row[column.name] for column in table.primary_key.columns))


def prepare(database: Database) -> None:
    """Writes the rule that decides, and a call to which a recording can be moved."""
    with database.begin() as connection:
        rules.add(connection, RULE, who="sato", at=START)
        calls.save_call(connection, call(id=OTHER_CALL))
