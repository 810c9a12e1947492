"""Finds the rules that a page on calls without a recording has to show: those in force when its time began,
those made within it, and those that decided its calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from callrec.catalogue import rules
from callrec.catalogue.absences import AbsenceScope
from callrec.catalogue.database import Connection
from callrec.catalogue.rules import Key, Version
from callrec.evidence.absence_document import StatedCall, StatedRule
from callrec.model.rules import Rule, Scope
from callrec.rulebook import office_file
from callrec.rulebook.explanation import in_words

SOMEBODY = "—"
"""Stands for the number of somebody who was not asked about."""
Places = tuple[set[str | None], set[str | None]]
"""Facilities and extensions."""


def stated(
    connection: Connection, scope: AbsenceScope, calls: Sequence[StatedCall], zone: ZoneInfo
) -> tuple[StatedRule, ...]:
    """Returns the versions of rules by which the calls of a scope were, or would have been, decided; of rules
    about others only those that decided a call."""
    begin = {(each.id, each.version): each for each in rules.in_force_at(connection, scope.begin)}
    changed = rules.changed_between(connection, scope.begin, scope.end)
    within = {(each.rule.id, each.rule.version): each for each in changed}
    decided = rules.versions(connection, {each for call in calls for each in _decided_by(call)})
    known = {**{key: Version(each, removed=False) for key, each in (begin | decided).items()}, **within}
    places = _places(scope, calls)
    return tuple(
        _stated(each, scope, zone, at_begin=key in begin, within=key in within)
        for key, each in sorted(known.items())
        if key in decided or _is_about(each.rule, scope, places)
    )


def _stated(
    each: Version, scope: AbsenceScope, zone: ZoneInfo, *, at_begin: bool, within: bool
) -> StatedRule:
    rule = each.rule
    if rule.scope is Scope.CALLER and rule.target not in scope.numbers:
        rule = replace(rule, target=SOMEBODY)
    return StatedRule(
        rule.id,
        rule.version,
        in_words(rule, zone),
        office_file.rule_text(rule, zone),
        rule.changed_at,
        rule.changed_by,
        each.removed,
        in_force_at_begin=at_begin,
        within=within,
    )


def _decided_by(call: StatedCall) -> list[Key]:
    """Returns the versions of rules that decided a call, first and later."""
    keys = [(call.rule, call.version), *((each.rule, each.version) for each in call.findings)]
    return [(rule, version) for rule, version in keys if rule is not None and version is not None]


def _places(scope: AbsenceScope, calls: Sequence[StatedCall]) -> Places:
    """Returns the facilities and the extensions that the page is about."""
    facilities = {scope.facility, *(each.facility for each in calls)}
    return facilities, {scope.extension, *(each.extension for each in calls)}


def _is_about(rule: Rule, scope: AbsenceScope, places: Places) -> bool:
    """Returns whether a rule can have to do with what is asked: those about others are nobody's matter."""
    match rule.scope:
        case Scope.EVERYWHERE:
            return True
        case Scope.FACILITY:
            return rule.target in places[0]
        case Scope.EXTENSION:
            return rule.target in places[1]
    return rule.target in scope.numbers
