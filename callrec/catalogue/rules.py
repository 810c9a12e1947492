"""Rules and their versions. Nothing is edited in place: a change is a new version."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import changes
from callrec.catalogue.facilities import extension, facility
from callrec.catalogue.tables import rules, rules_in_force
from callrec.errors import NotFound
from callrec.model import Announce, Direction, Mode, Rule, Scope
from callrec.policy.rules import check


def in_force(connection: sa.Connection) -> list[Rule]:
    """The newest version of every rule that was not removed."""
    return [_rule(row) for row in connection.execute(rules_in_force)]


def get(connection: sa.Connection, id_: int) -> Rule:
    """The rule as it is in force now."""
    for rule in in_force(connection):
        if rule.id == id_:
            return rule
    raise NotFound("there is no rule {id}: see callrec rule list", id=id_)


def add(connection: sa.Connection, new: Rule, *, who: str, at: datetime) -> Rule:
    """Adds a rule; its id, version, time and author are set here. Returns it."""
    _check(connection, new)
    id_ = connection.execute(sa.select(sa.func.coalesce(sa.func.max(rules.c.id), 0))).scalar_one() + 1
    rule = replace(new, id=id_, version=1, changed_at=at, changed_by=who)
    _store(connection, rule, removed=False)
    changes.note(connection, f"rule {id_}", None, _plain(rule), who=who, at=at)
    return rule


def remove(connection: sa.Connection, id_: int, *, who: str, at: datetime) -> Rule:
    """Ends a rule: a last version says that it is removed."""
    before = get(connection, id_)
    last = replace(before, version=before.version + 1, changed_at=at, changed_by=who)
    _store(connection, last, removed=True)
    changes.note(connection, f"rule {id_}", _plain(before), None, who=who, at=at)
    return last


def _check(connection: sa.Connection, rule: Rule) -> None:
    check(rule)
    if rule.scope is Scope.FACILITY:
        facility(connection, rule.target or "")
    if rule.scope is Scope.EXTENSION:
        extension(connection, rule.target or "")


def _store(connection: sa.Connection, rule: Rule, *, removed: bool) -> None:
    row = {**asdict(rule), "languages": ",".join(rule.languages), "removed": removed}
    connection.execute(rules.insert().values(row))


def _plain(rule: Rule) -> dict[str, Any]:
    return {**asdict(rule), "changed_at": rule.changed_at.isoformat(), "languages": list(rule.languages)}


def _rule(row: Any) -> Rule:
    return Rule(
        id=row.id,
        version=row.version,
        scope=Scope(row.scope),
        target=row.target,
        mode=Mode(row.mode),
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        direction=Direction(row.direction) if row.direction else None,
        announce=Announce(row.announce) if row.announce else None,
        languages=tuple(row.languages.split(",")),
        prompt=row.prompt,
        retain_days=row.retain_days,
        retain_incident_days=row.retain_incident_days,
        priority=row.priority,
    )
