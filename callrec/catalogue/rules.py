"""Reads and changes rules and their versions. Nothing is edited in place: a change is a new version.

Whatever changes something needs a transaction that writes. Which rule decides is the matter of
callrec.policy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from callrec.catalogue import changes
from callrec.catalogue.facilities import extension, facility
from callrec.catalogue.rows import RowReader
from callrec.catalogue.tables import rules, rules_in_force
from callrec.errors import NotFound, Refused, WrongUsage
from callrec.model.rules import Hours, Rule, Scope
from callrec.policy.hours import parse_hours, written
from callrec.policy.rules import check, narrows

Key = tuple[int, int]
"""A version of a rule: its id and its version."""
_READ_RULE = RowReader(Rule, "rules", "id", "version")
_IDS = range(1, 2**31)
"""What a rule can be called: databases refuse even to look for more."""
_CHUNK = 400


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a rule. `removed`: with this version the rule was taken out of force."""

    rule: Rule
    removed: bool


def in_force(connection: sa.Connection) -> list[Rule]:
    """Returns the newest version of every rule that was not removed, by id.

    Those that begin later or have ended are among them.
    """
    spans: dict[str, tuple[Hours, ...]] = {}  # thousands of rules share a few spans
    return [_rule(row, spans) for row in connection.execute(rules_in_force)]


def in_force_at(connection: sa.Connection, at: datetime) -> list[Rule]:
    """Returns the rules as they were at a moment, by id; callrec's clock."""
    until = sa.select(rules.c.id, sa.func.max(rules.c.version).label("version"))
    newest = until.where(rules.c.changed_at <= at).group_by(rules.c.id).subquery()
    query = sa.select(rules).join(newest, (rules.c.id == newest.c.id) & (rules.c.version == newest.c.version))
    found = connection.execute(query.where(sa.not_(rules.c.removed)).order_by(rules.c.id))
    return [_rule(row) for row in found]


def get(connection: sa.Connection, id_: int) -> Rule:
    """Returns the rule as it is in force now. Raises NotFound."""
    query = rules_in_force.where(rules.c.id == id_)
    row = connection.execute(query).one_or_none() if id_ in _IDS else None
    if row is None:
        raise NotFound("there is no rule {id}: see callrec rule list", id=id_)
    return _rule(row)


def history(connection: sa.Connection, id_: int) -> list[Version]:
    """Returns all versions of a rule, also of a removed one, the oldest first. Raises NotFound."""
    query = sa.select(rules).where(rules.c.id == id_).order_by(rules.c.version)
    rows = connection.execute(query) if id_ in _IDS else ()
    found = [Version(_rule(row), row.removed) for row in rows]
    if not found:
        raise NotFound("there has never been a rule {id}: see callrec rule list", id=id_)
    return found


def changed_between(connection: sa.Connection, begin: datetime, end: datetime) -> list[Version]:
    """Returns the versions of rules that were made after a moment and before another, in that order."""
    query = sa.select(rules).where(rules.c.changed_at > begin, rules.c.changed_at < end)
    found = connection.execute(query.order_by(rules.c.changed_at, rules.c.id))
    return [Version(_rule(row), row.removed) for row in found]


def versions(connection: sa.Connection, keys: Iterable[Key]) -> dict[Key, Rule]:
    """Returns these versions of rules, as far as they exist."""
    wanted, found = list(dict.fromkeys(keys)), {}
    for start in range(0, len(wanted), _CHUNK):
        key = sa.tuple_(rules.c.id, rules.c.version)
        query = sa.select(rules).where(key.in_(wanted[start : start + _CHUNK]))
        found.update({(row.id, row.version): _rule(row) for row in connection.execute(query)})
    return found


def add(connection: sa.Connection, new: Rule, *, who: str, at: datetime) -> Rule:
    """Adds a rule and returns it; its version, time and author are set here.

    Its id is the next one; an id that is given is kept if none has had it or a higher one: of two rules the
    one that was added later is the newer (decision 10). Raises WrongUsage, and NotFound for an unknown
    target.
    """
    changes.lock(connection)
    new = _checked(connection, new)
    rule = replace(new, id=_id(connection, new.id), version=1, changed_at=at, changed_by=who)
    _store(connection, rule, removed=False)
    changes.note(connection, f"rule {rule.id}", None, plain(rule), who=who, at=at)
    return rule


def take_up(connection: sa.Connection, known: Rule, *, who: str, at: datetime) -> None:
    """Writes a version of a rule that the catalogue has lost, with its own time and author.

    It comes into force only where the version before it is: of a rule that the catalogue does not know,
    nobody knows whether it still was when it was lost, and its number is not given again.
    """
    changes.lock(connection)
    rows = sa.select(rules.c.version, rules.c.removed).where(rules.c.id == known.id)
    newest = connection.execute(rows.order_by(rules.c.version.desc()).limit(1)).first()
    if newest and newest.version >= known.version:
        _store(connection, known, removed=False)  # of those before the newest none is in force
    else:
        _store(connection, known, removed=newest is None or newest.removed)
    changes.note(connection, f"rule {known.id}", None, plain(known), who=who, at=at)


def change(connection: sa.Connection, id_: int, *, who: str, at: datetime, **fields: Any) -> Rule:
    """Stores a rule's next version, with other `fields`, and returns it. Callers leave scope and target
    alone.

    Raises Refused where a rule that says never would hold for other calls than before: it is removed or ended
    instead, so that nobody lifts it by the way. Raises WrongUsage when nothing would change.
    """
    changes.lock(connection)
    before = get(connection, id_)
    after = replace(before, **fields)
    if after == before:
        raise WrongUsage("rule {id} is so already: nothing was changed", id=id_)
    if narrows(before, after):  # decision 10
        raise Refused(
            "rule {id} says never and is lifted only by removing or ending it: "
            "see callrec rule end {id}, then add another",
            id=id_,
        )
    after = _checked(connection, after)
    after = replace(after, version=before.version + 1, changed_at=at, changed_by=who)
    _store(connection, after, removed=False)
    changes.note(connection, f"rule {id_}", plain(before), plain(after), who=who, at=at)
    return after


def remove(connection: sa.Connection, id_: int, *, who: str, at: datetime) -> Rule:
    """Takes a rule out of force and returns its last version, which says that it is removed."""
    changes.lock(connection)
    before = get(connection, id_)
    last = replace(before, version=before.version + 1, changed_at=at, changed_by=who)
    _store(connection, last, removed=True)
    changes.note(connection, f"rule {id_}", plain(before), None, who=who, at=at)
    return last


def plain(rule: Rule) -> dict[str, Any]:
    """Returns a rule as plain JSON: hours as they are written, times as ISO."""
    moments = ("changed_at", "effective_from", "effective_until")
    times = {name: value.isoformat() if (value := getattr(rule, name)) else None for name in moments}
    return {**asdict(rule), **times, "hours": written(rule.hours), "languages": list(rule.languages)}


def stored(rule: Rule, *, removed: bool = False) -> dict[str, Any]:
    """Returns a version of a rule as its row in the table."""
    return {
        **asdict(rule),
        "languages": ",".join(rule.languages),
        "hours": written(rule.hours),
        "removed": removed,
    }


def _id(connection: sa.Connection, wanted: int) -> int:
    """Returns the id of a new rule: the wanted one, unless it or a higher one was given before."""
    newest = connection.execute(sa.select(sa.func.coalesce(sa.func.max(rules.c.id), 0))).scalar_one()
    return max(wanted, int(newest) + 1)  # decision 10


def _checked(connection: sa.Connection, rule: Rule) -> Rule:
    """Returns a rule that makes sense, about the facility or extension that is meant. Raises NotFound."""
    check(rule)
    if rule.scope is Scope.FACILITY:
        return replace(rule, target=facility(connection, rule.target or "").code)
    if rule.scope is Scope.EXTENSION:
        return replace(rule, target=extension(connection, rule.target or "").number)
    return rule


def _store(connection: sa.Connection, rule: Rule, *, removed: bool) -> None:
    connection.execute(rules.insert().values(stored(rule, removed=removed)))


def _rule(row: Any, spans: dict[str, tuple[Hours, ...]] | None = None) -> Rule:
    def values(row: Any) -> dict[str, Any]:
        found = dict(row._asdict())
        del found["removed"]
        hours = _hours(row.hours, {} if spans is None else spans)
        return {**found, "languages": tuple(row.languages.split(",")), "hours": hours}

    return _READ_RULE(row, values)


def _hours(text: str, known: dict[str, tuple[Hours, ...]]) -> tuple[Hours, ...]:
    if text not in known:
        known[text] = parse_hours(text) if text else ()
    return known[text]
