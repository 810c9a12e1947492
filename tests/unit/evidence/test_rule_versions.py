"""Versions of rules that only manifests have still: they explain recordings, and keep their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callrec.catalogue import rules
from callrec.catalogue.database import Database
from callrec.errors import NotFound
from callrec.evidence import rule_versions
from callrec.manifest import RuleText
from callrec.model.rules import Mode, Rule, Scope
from callrec.rulebook.office_file import rule_text

TOKYO = ZoneInfo("Asia/Tokyo")

AT = datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC)
LATER: dict[str, Any] = {"who": "root", "at": AT + timedelta(days=30)}
EVERYWHERE: dict[str, Any] = {"scope": Scope.EVERYWHERE, "target": None}
RULE = Rule(7, 2, Scope.FACILITY, "shiba", Mode.MANUAL, changed_at=AT, changed_by="佐藤", retain_days=90)


@pytest.fixture
def database(tmp_path: Path, empty_catalogue: Path) -> Iterator[Database]:
    path = tmp_path / "c.db"
    path.write_bytes(empty_catalogue.read_bytes())
    made = Database(f"sqlite:///{path}")
    yield made
    made.close()


def _said(*versions: Rule) -> list[RuleText]:
    return [
        RuleText(each.id, each.version, rule_text(each, TOKYO), each.changed_at, each.changed_by)
        for each in versions
    ]


def _taken_up(database: Database, *versions: Rule) -> None:
    with database.begin() as connection:
        rule_versions.take_up(connection, _said(*versions), TOKYO, **LATER)
        assert not list(rule_versions.differing(connection, _said(*versions)))


def test_a_rule_that_is_lost_comes_back_as_it_was_and_decides_nothing(database: Database) -> None:
    with database.read() as connection:
        (told,) = rule_versions.differing(connection, _said(RULE))
        assert (told.table, told.row) == ("rules", "7 2")
    _taken_up(database, RULE)
    with database.begin() as connection:
        assert [each.rule for each in rules.history(connection, 7)] == [RULE]
        assert not rules.in_force(connection)
        with pytest.raises(NotFound):
            rules.get(connection, 7)
        assert rules.add(connection, replace(RULE, id=0, **EVERYWHERE), **LATER).id == 8


def test_a_version_after_the_newest_is_in_force_and_one_before_it_is_not(database: Database) -> None:
    with database.begin() as connection:
        first = rules.add(connection, replace(RULE, id=7, **EVERYWHERE), **LATER)
    third = replace(first, version=3, mode=Mode.AUTOMATIC, changed_at=AT, changed_by="佐藤")
    _taken_up(database, third)
    with database.read() as connection:
        assert rules.in_force(connection) == [third]
    _taken_up(database, replace(third, version=2, mode=Mode.NEVER))
    with database.read() as connection:
        assert rules.in_force(connection) == [third]
        assert [each.rule.version for each in rules.history(connection, 7)] == [1, 2, 3]


def test_what_cannot_be_read_stays_away_and_is_told(database: Database) -> None:
    (known,) = _said(RULE)
    for text in ("", "[", "[[rule]]\n[[rule]]\n", "[[rule]]\nid = 7\nodd = 1\n"):
        said = [replace(known, text=text)]
        with database.begin() as connection:
            rule_versions.take_up(connection, said, TOKYO, **LATER)
            assert [each.row for each in rule_versions.differing(connection, said)] == ["7 2"], text
