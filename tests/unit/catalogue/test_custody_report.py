"""Who heard or gave out what, by time and reach."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from callrec.catalogue import custody, custody_report
from callrec.catalogue.database import Database
from callrec.errors import CatalogueDamaged
from callrec.model.access import EVERYWHERE, Reach
from tests.reported import HOUR, fill
from tests.tampering import altered
from tests.unit.samples import START

END = START + 24 * HOUR
SHIBA, AZABU = Reach(frozenset({"shiba"})), Reach(frozenset({"azabu"}))


def test_what_was_heard_and_given_out_in_a_span(database: Database) -> None:
    ids = fill(database)
    with database.read() as connection:
        found = custody_report.accesses(connection, START, END, EVERYWHERE)
    assert [(each.who, each.action) for each in found] == [
        *[("tanaka", "heard")] * 3,
        ("suzuki", "fetched"),
        ("suzuki", "handed-over"),
    ]
    first = found[0]
    assert (first.recording_id, first.facility, first.extension) == (ids["shiba"], "shiba", "2101")
    assert (first.request, first.role, first.through) == ("2026-0001", "handler", "desk")
    assert found[1].request is None and found[0].at == START + HOUR


def test_a_span_is_half_open(database: Database) -> None:
    fill(database)
    with database.read() as connection:
        found = custody_report.accesses(connection, START + 2 * HOUR, START + 3 * HOUR, EVERYWHERE)
    assert [each.action for each in found] == ["fetched"]


@pytest.mark.parametrize(
    ("reach", "names", "refused"),
    [
        (EVERYWHERE, ["azabu", "azabu", "both", "shiba", "shiba"], 3),
        (SHIBA, ["both", "shiba", "shiba"], 1),
        (AZABU, ["azabu", "azabu", "both"], 3),
        (Reach(frozenset()), [], 1),
    ],
)
def test_only_what_is_in_reach_is_found(
    database: Database, reach: Reach, names: list[str], refused: int
) -> None:
    """A call in which both took part is found by both, and so are refusals about it."""
    by_id = {id_: name for name, id_ in fill(database).items()}
    with database.read() as connection:
        found = custody_report.accesses(connection, START, END, reach)
        assert sorted(by_id[each.recording_id] for each in found) == names
        assert custody_report.refusals(connection, START, END, reach) == refused


def test_rows_from_before_there_were_roles(database: Database) -> None:
    """A recording that the catalogue has lost is reported still, to who reaches everything."""
    with database.begin() as connection:
        custody.append(connection, "gone", "fetched", who="root", at=START, format="flac")
    with database.read() as connection:
        (found,) = custody_report.accesses(connection, START, END, EVERYWHERE)
        assert not custody_report.accesses(connection, START, END, SHIBA)
    assert (found.role, found.through, found.request, found.facility) == ("", "", None, None)


def test_a_damaged_row_is_named(database: Database) -> None:
    fill(database)
    with database.begin() as connection, altered(connection):
        connection.exec_driver_sql("UPDATE custody SET details = '[1]' WHERE action = 'fetched'")
    with database.read() as connection, pytest.raises(CatalogueDamaged, match="of table custody"):
        custody_report.accesses(connection, START, END, EVERYWHERE)


@pytest.mark.parametrize("reach", [EVERYWHERE, SHIBA])
def test_ten_million_rows_are_not_read_for_a_month(database: Database, reach: Reach) -> None:
    statements: list[sa.Select[tuple[object, ...]]] = []
    with database.read() as connection:

        @sa.event.listens_for(connection, "before_execute")
        def _(_connection: object, clause: sa.Select[tuple[object, ...]], *_rest: object) -> None:
            statements.append(clause)

        custody_report.accesses(connection, START, END, reach)
        custody_report.refusals(connection, START, END, reach)
        sa.event.remove(connection, "before_execute", _)
        for each in statements:
            text = each.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
            assert any("ix_custody_action_at (action=? AND at>? AND at<?)" in step for step in plan), plan
            assert not any(step.startswith("SCAN") for step in plan), plan
    assert len(statements) == 2
