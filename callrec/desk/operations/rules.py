"""Rules: listed, added, changed, ended and removed, with their history, and exported and imported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from callrec.catalogue import changes, offices, rules
from callrec.catalogue.database import Connection
from callrec.catalogue.rules import Version
from callrec.dates import parse_end
from callrec.desk.operation import Session, operation
from callrec.desk.operations.rights import require_rule
from callrec.errors import Refused, WrongUsage
from callrec.model.access import Role
from callrec.model.rules import Rule
from callrec.policy.rules import check
from callrec.prompts.library import Library
from callrec.rulebook import office_file
from callrec.rulebook.difference import Step, difference
from callrec.rulebook.explanation import last_day
from callrec.rulebook.fields import read_fields, read_whom

Written = dict[str, str]
"""Fields of a rule as people write them, by the names of their options, with `_` for `-`."""


@dataclass(frozen=True, slots=True)
class ImportedOffice:
    """What was, or would be, changed, and the rules that the office has then, as the file has them."""

    steps: list[Step]
    rules: list[Rule]


@dataclass(frozen=True, slots=True)
class PbxPhones:
    """The SIP endpoints the PBX has, and those of them that are lines to the outside."""

    endpoints: set[str]
    trunks: set[str]


@operation("rule list", Role.RULES)
def list_rules(session: Session, /) -> list[Rule]:
    """Returns the rules in force, with those that begin later or have ended."""
    with session.app.database.read() as connection:
        return rules.in_force(connection)


@operation("rule history", Role.RULES)
def rule_history(session: Session, /, rule: int) -> list[Version]:
    """Returns all versions of a rule, the oldest first. Raises NotFound."""
    with session.app.database.read() as connection:
        return rules.history(connection, rule)


@operation("rule add", Role.RULES)
def add_rule(session: Session, /, written: Written, priority: int | None) -> Rule:
    """Adds a rule. `written` says whom it is about, too, and its mode."""
    scope, target = read_whom(written)
    fields = _fields(session, written, priority)
    mode = fields.pop("mode", None)
    if mode is None:
        raise WrongUsage("say what happens with the call: --mode automatic")
    wanted = replace(Rule(0, 0, scope, target, mode, session.now, session.who), **fields)
    _check(session, wanted, written)
    with session.app.database.begin() as connection:
        added = rules.add(connection, wanted, who=session.who, at=session.now)
        require_rule(session, connection, added)
    return added


@operation("rule change", Role.RULES)
def change_rule(session: Session, /, rule: int, written: Written, priority: int | None) -> Rule:
    """Stores a rule's next version, in which what is written is as it says."""
    wanted = _fields(session, written, priority)
    if not wanted:
        raise WrongUsage("say what to change, such as --mode manual: see callrec rule change --help")
    with session.app.database.begin() as connection:
        before = _own(session, connection, rule)
        _check(session, replace(before, **wanted), written)
        return rules.change(connection, rule, who=session.who, at=session.now, **wanted)


@operation("rule end", Role.RULES)
def end_rule(session: Session, /, rule: int, until: str | None) -> Rule:
    """Ends a rule with a day as people write it, or now. Raises Refused where it would hold longer by that,
    or would never have."""
    zone, now = session.app.settings.office.zone, session.now
    moment = now if until is None else parse_end(until, zone, now)
    _refuse_past(moment, until, now)
    with session.app.database.begin() as connection:
        before = _own(session, connection, rule)
        if before.effective_from and before.effective_from >= moment:
            raise Refused("rule {id} does not begin before that: see callrec rule remove {id}", id=rule)
        if before.effective_until and before.effective_until <= moment:
            raise Refused(
                "rule {id} ends {moment} already: to let it hold longer, see callrec rule change --until",
                id=rule,
                moment=last_day(before.effective_until, zone),
            )
        return rules.change(connection, rule, who=session.who, at=now, effective_until=moment)


@operation("rule remove", Role.RULES)
def remove_rule(session: Session, /, rule: int) -> Rule:
    """Takes a rule out of force and returns its last version."""
    with session.app.database.begin() as connection:
        _own(session, connection, rule)
        return rules.remove(connection, rule, who=session.who, at=session.now)


@operation("rule import", Role.RULES)
def import_office(session: Session, /, text: str, dry_run: bool) -> ImportedOffice:
    """Makes the office what a TOML file says, all of it or nothing: what is not in it is removed.

    Raises WrongEntries with every table that is wrong.
    """
    session.require_all("rule import")
    with session.app.database.begin() as connection:
        there = offices.locked(connection)
        usable = _Check(session.app.library, there.rules)
        wanted = office_file.parse(text, session.app.settings.office.zone, session.now, usable)
        steps = difference(there, wanted)
        if not dry_run:
            offices.apply(connection, steps, who=session.who, at=session.now)
    return ImportedOffice(steps, list(wanted.rules))


@operation("rule check", Role.RULES)
def pbx_phones(session: Session, /) -> PbxPhones:
    """Returns the phones of the PBX. Raises PbxUnreachable."""
    endpoints = session.app.phones().keys()
    return PbxPhones(set(endpoints), session.app.trunks(endpoints))


def _fields(session: Session, written: Written, priority: int | None) -> dict[str, Any]:
    given = {**written, "priority": priority}
    return read_fields(given, session.app.settings.office.zone, session.now)


def _check(session: Session, rule: Rule, written: Written) -> None:
    """Raises what is checked of what people write only: an end that is over, and a prompt that is not
    there."""
    _refuse_past(rule.effective_until, written.get("until"), session.now)
    for language in rule.languages:
        session.app.library.get(rule.prompt, language)


def _refuse_past(end: datetime | None, text: str | None, now: datetime) -> None:
    """Raises WrongUsage where an end that was asked for is over already, which would be a mistake."""
    if end and text and end <= now:
        raise WrongUsage("--until {text} is over already: to end a rule now, see callrec rule end", text=text)


def _own(session: Session, connection: Connection, id_: int) -> Rule:
    """Returns a rule that the caller may change, and that nobody else does until this transaction ends."""
    changes.lock(connection)
    found = rules.get(connection, id_)
    require_rule(session, connection, found)
    return found


class _Check:
    """Raises CallrecError for a rule of a file that makes no sense, or whose announcement does not exist.

    A rule that has it already keeps it: what is missing there is for `callrec doctor` to say.
    """

    def __init__(self, library: Library, there: Iterable[Rule]) -> None:
        self._library = library
        self._there = {(rule.id, rule.prompt, rule.languages) for rule in there}

    def __call__(self, rule: Rule) -> None:
        check(rule)
        if (rule.id, rule.prompt, rule.languages) not in self._there:
            for language in rule.languages:
                self._library.get(rule.prompt, language)
