"""Rules in the catalogue: versions, history, what is refused; and the tables they are kept in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callrec.catalogue import changes, facilities, rules, tables
from callrec.catalogue.database import Database
from callrec.errors import NotFound, Refused, WrongUsage
from callrec.model.office import Extension, Facility
from callrec.model.rules import Direction, Holidays, Mode, Rule, Scope
from callrec.policy.hours import parse_hours
from tests.unit.samples import START

WHO: dict[str, Any] = {"who": "test", "at": START}
LATER: dict[str, Any] = {"who": "another", "at": START + timedelta(days=1)}


def _rule(mode: str = "automatic", **more: Any) -> Rule:
    return Rule(
        0, 0, more.pop("scope", Scope.EVERYWHERE), more.pop("target", None), Mode(mode), START, "", **more
    )


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    with database.begin() as made:
        facilities.add_facility(made, Facility("shiba", "芝地区総合支所"), **WHO)
        facilities.add_extension(made, Extension("2101", "shiba"), **WHO)
        yield made


FULL = _rule(
    direction=Direction.OUTBOUND,
    hours=parse_hours("mon-fri 22:00-06:00, sun"),
    holidays=Holidays.EXCLUDE,
    effective_from=START,
    effective_until=START + timedelta(days=1),
    languages=("ja", "en"),
    retain_days=7,
    priority=-3,
)


def test_every_condition_comes_back_as_it_was(connection: sa.Connection) -> None:
    added = rules.add(connection, FULL, **WHO)
    assert rules.get(connection, added.id) == added
    assert rules.in_force(connection) == [added]
    assert added.hours == FULL.hours and added.effective_until == FULL.effective_until


def test_a_change_is_a_new_version_and_the_old_one_stays(connection: sa.Connection) -> None:
    first = rules.add(connection, FULL, **WHO)
    second = rules.change(connection, first.id, mode=Mode.MANUAL, priority=1, **LATER)
    assert (second.version, second.changed_by, second.mode) == (2, "another", Mode.MANUAL)
    rules.remove(connection, first.id, **LATER)
    assert [(each.rule.version, each.removed) for each in rules.history(connection, first.id)] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert rules.history(connection, first.id)[0].rule == first
    assert rules.versions(connection, [(1, 1), (1, 2), (9, 9)]) == {(1, 1): first, (1, 2): second}
    row = connection.execute(sa.select(tables.changes).order_by(tables.changes.c.id.desc())).first()
    assert row is not None and row.before["mode"] == "manual" and row.after is None


def test_an_id_is_never_used_twice(connection: sa.Connection) -> None:
    rules.add(connection, _rule(), **WHO)
    rules.remove(connection, 1, **WHO)
    with pytest.raises(NotFound, match="there is no rule 1"):
        rules.change(connection, 1, mode=Mode.MANUAL, **WHO)
    assert rules.add(connection, _rule(), **WHO).id == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": Mode.AUTOMATIC},
        {"direction": Direction.INBOUND},
        {"hours": parse_hours("mon")},
        {"holidays": Holidays.ONLY},
        {"effective_from": START + timedelta(days=9)},
    ],
)
def test_never_is_not_lifted_by_a_change(connection: sa.Connection, fields: dict[str, Any]) -> None:
    never = rules.add(connection, _rule("never"), **WHO)
    with pytest.raises(Refused, match="lifted only by removing or ending it"):
        rules.change(connection, never.id, **fields, **WHO)
    ended = rules.change(connection, never.id, effective_until=START, **WHO)
    assert (ended.version, ended.effective_until) == (2, START)


def test_what_makes_no_sense_changes_nothing(connection: sa.Connection) -> None:
    first = rules.add(connection, FULL, **WHO)
    before = changes.number(connection)
    wrong: list[dict[str, Any]] = [
        {"effective_until": START},
        {"retain_days": 0},
        {"languages": ()},
        {"mode": first.mode},
    ]
    for fields in wrong:
        with pytest.raises(WrongUsage):
            rules.change(connection, first.id, **fields, **WHO)
    assert rules.in_force(connection) == [first] and changes.number(connection) == before


def test_an_extension_moves_and_is_found_by_full_width_digits(connection: sa.Connection) -> None:
    facilities.add_facility(connection, Facility("azabu", "麻布地区総合支所"), **WHO)
    moved = facilities.change_extension(connection, "２１０１", facility="azabu", **WHO)
    assert moved == Extension("2101", "azabu")
    assert facilities.remove_extension(connection, "２１０１", **WHO) == moved


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["mode", "priority", "retain_days"]), max_size=6), st.integers(1, 99))
def test_a_history_tells_every_change(connection: sa.Connection, names: list[str], number: int) -> None:
    values: dict[str, Any] = {
        "mode": list(Mode)[1:],
        "priority": range(number, 200),
        "retain_days": range(number, 200),
    }
    rule = rules.add(connection, _rule("manual", priority=-1), **WHO)
    told = [rule]
    for step, name in enumerate(names):
        wanted = values[name][step % len(values[name])]
        if getattr(told[-1], name) != wanted:
            told.append(rules.change(connection, rule.id, **{**WHO, name: wanted}))
    assert [each.rule for each in rules.history(connection, rule.id)] == told
