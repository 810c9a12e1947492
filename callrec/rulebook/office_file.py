"""Reads and writes a whole office as one TOML file: facilities, extensions and rules.

The file is there to be read, compared and edited. Keys of a rule are named as the options of `callrec rule
add`, and mean the same. What an import of it changes is found in `difference`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import tomlkit

from callrec import toml_text
from callrec.durations import written_seconds
from callrec.errors import CallrecError, NotFound, WrongEntries, WrongUsage
from callrec.model.office import Extension, Facility
from callrec.model.rules import Holidays, Rule, Unannounced
from callrec.policy.hours import written as written_hours
from callrec.policy.office import Office
from callrec.policy.rules import check
from callrec.rulebook.entries import (
    NOBODY,
    aliases,
    check_aliases,
    check_facility,
    check_name,
    check_one_of_its_name,
    extension_number,
    known_facility,
    support_mail,
    support_phone,
)
from callrec.rulebook.explanation import is_midnight, last_day
from callrec.rulebook.fields import read_fields, read_whom

Table = dict[str, Any]
_TEXT, _NUMBER = (str,), (str, int)
KEYS: dict[str, dict[str, tuple[type, ...]]] = {
    "facility": {"code": _TEXT, "name": _TEXT, "phone": _NUMBER, "mail": (list,)},
    "extension": {
        "number": _NUMBER,
        "facility": _TEXT,
        "name": _TEXT,
        "service": (bool,),
        "aliases": (list,),
    },
    "rule": {
        "id": (int,),
        "everywhere": (bool,),
        "facility": _TEXT,
        "extension": _NUMBER,
        "caller": _NUMBER,
        "mode": _TEXT,
        "direction": _TEXT,
        "hours": _TEXT,
        "holidays": _TEXT,
        "from": (str, date),
        "until": (str, date),
        "announce": _TEXT,
        "language": _TEXT,
        "prompt": _TEXT,
        "unannounced": _TEXT,
        "beep": _TEXT,
        "retain": _TEXT,
        "retain_incident": _TEXT,
        "priority": (int,),
    },
}
"""The keys of each kind of table, and the types a value may have."""
_HIGHEST_ID = 999_999_999
"""Well below what a database can hold: rules that are added later get higher ids."""


def write(office: Office, zone: ZoneInfo) -> str:
    """Returns the text of a file from which `parse` makes the same office, with moments of this zone."""
    tables = [
        *(("facility", _facility(each)) for each in office.facilities.values()),
        *(("extension", _extension(each)) for each in office.extensions.values()),
        *(("rule", _rule(each, zone)) for each in sorted(office.rules, key=lambda rule: rule.id)),
    ]
    return "\n".join(_table(kind, values) for kind, values in tables)


def rule_text(rule: Rule, zone: ZoneInfo) -> str:
    """Returns one rule as `write` has it, with moments of this zone."""
    return _table("rule", _rule(rule, zone))


def read_rule(text: str, zone: ZoneInfo, now: datetime) -> Rule:
    """Returns the rule of a text that `rule_text` has written, of whichever facility or extension. Its
    version, time and author are not in there. Raises WrongUsage for what is none."""
    tables = toml_text.parse(text).get("rule")
    if not isinstance(tables, list) or len(tables) != 1:
        raise WrongUsage("it is not the text of one rule")
    (table,) = tables
    _check_keys("rule", table)
    scope, target = read_whom(table)
    fields = read_fields(table, zone, now)
    return Rule(_id(table), 0, scope, target, changed_at=now, changed_by="", **fields)


def parse(text: str, zone: ZoneInfo, now: datetime, check_rule: Callable[[Rule], None] = check) -> Office:
    """Returns the office that a file describes. Raises WrongEntries with all that is wrong with it.

    `check_rule` raises CallrecError for a rule that cannot be used. Raises WrongUsage for what is no TOML,
    or holds nothing: an import of it would remove the whole office.
    """
    return _Reader(text, toml_text.parse(text), zone, now, check_rule).office()


class _Reader:
    """One reading of one file: collects what it finds, and all that is wrong."""

    def __init__(
        self,
        text: str,
        document: Table,
        zone: ZoneInfo,
        now: datetime,
        check_rule: Callable[[Rule], None],
    ) -> None:
        self._lines, self._document, self._zone, self._now = text.splitlines(), document, zone, now
        self._check_rule = check_rule
        self._wrong: list[tuple[int, CallrecError]] = []
        self._facilities: dict[str, Facility] = {}
        self._extensions: dict[str, Extension] = {}
        self._rules: list[Rule] = []
        self._rule_ids: set[int] = set()

    def office(self) -> Office:
        """Reads the file. Facilities come first, then extensions, then rules, for each names those before."""
        for key in self._document.keys() - KEYS.keys():
            self._wrong.append((0, WrongUsage("{key} is nothing an office has", key=key)))
        self._each("facility", self._read_facility)
        self._each("extension", self._read_extension)
        self._check_aliases()
        self._each("rule", self._read_rule)
        if self._wrong:
            raise WrongEntries(sorted(self._wrong, key=lambda entry: entry[0]))
        if not (self._facilities or self._extensions or self._rules):
            raise WrongUsage("there is nothing in the file: an import of it would remove the whole office")
        return Office(self._facilities.values(), self._extensions.values(), self._rules)

    def _each(self, kind: str, read: Callable[[Table], None]) -> None:
        for line, table in self._tables(kind):
            try:
                _check_keys(kind, table)
                read(table)
            except CallrecError as error:
                self._wrong.append((line, error))

    def _tables(self, kind: str) -> Iterator[tuple[int, Any]]:
        """Returns the tables of a kind, with the line where each begins (0: it cannot be told)."""
        header = re.compile(rf"\s*\[\[\s*{kind}\s*\]\]")
        lines = [number for number, line in enumerate(self._lines, 1) if header.match(line)]
        found = self._document.get(kind, [])
        tables = found if isinstance(found, list) else [found]
        return zip(lines if len(lines) == len(tables) else [0] * len(tables), tables, strict=True)

    def _read_facility(self, table: Table) -> None:
        phone, mail = table.get("phone"), table.get("mail")
        facility = Facility(
            _needed(table, "code"),
            _needed(table, "name"),
            None if phone is None else support_phone(str(phone)),
            None if mail is None else support_mail([str(each) for each in mail]),
        )
        check_facility(facility)
        if facility.code in self._facilities:
            raise WrongUsage("facility {code} is there twice", code=facility.code)
        check_one_of_its_name(facility, self._facilities.values())
        self._facilities[facility.code] = facility

    def _read_extension(self, table: Table) -> None:
        number = extension_number(str(_needed(table, "number")))
        if number in self._extensions:
            raise WrongUsage("extension {number} is there twice", number=number)
        facility = self._facility(_needed(table, "facility"))
        name, service = table.get("name", ""), table.get("service", False)
        check_name(name)
        also = aliases(str(each) for each in table.get("aliases", []))
        self._extensions[number] = Extension(number, facility, name, service, also)

    def _check_aliases(self) -> None:
        try:
            check_aliases(self._extensions.values())
        except CallrecError as error:
            self._wrong.append((0, error))

    def _read_rule(self, table: Table) -> None:
        scope, target = read_whom(table)
        if table.get("facility"):
            target = self._facility(table["facility"])
        if table.get("extension") and target not in self._extensions:
            raise WrongUsage("there is no extension {number} in the file", number=target)
        _needed(table, "mode")
        fields = read_fields(table, self._zone, self._now)
        rule = Rule(_id(table), 0, scope, target, changed_at=self._now, changed_by="", **fields)
        self._check_rule(rule)
        if rule.id and rule.id in self._rule_ids:
            raise WrongUsage("rule {id} is there twice", id=rule.id)
        self._rule_ids.add(rule.id)
        self._rules.append(rule)

    def _facility(self, text: str) -> str:
        """Returns the code of a facility of the file, written with its code or its name."""
        try:
            return known_facility(text, self._facilities)
        except NotFound as error:
            raise WrongUsage("there is no facility {code} in the file", code=text) from error


def _check_keys(kind: str, table: Any) -> None:
    if not isinstance(table, dict):
        raise WrongUsage("write [[{kind}]] and its keys below it", kind=kind)
    for key, value in table.items():
        if key not in KEYS[kind]:
            choices = ", ".join(KEYS[kind])
            raise WrongUsage("there is no key {key}: write {choices}", key=key, choices=choices)
        allowed = KEYS[kind][key]
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise WrongUsage("{key} = {value} is of the wrong type", key=key, value=value)


def _id(table: Table) -> int:
    id_: int = table.get("id", 0)
    if not 0 <= id_ <= _HIGHEST_ID:
        raise WrongUsage("the id of a rule can be from 1 to {most}, not {id}", most=_HIGHEST_ID, id=id_)
    return id_


def _needed(table: Table, key: str) -> Any:
    if not table.get(key):
        raise WrongUsage("{key} is missing", key=key)
    return table[key]


def _table(kind: str, values: Table) -> str:
    lines = [f"{key} = {tomlkit.item(value).as_string()}" for key, value in values.items()]
    return "\n".join([f"[[{kind}]]", *lines, ""])


def _facility(each: Facility) -> Table:
    """Returns a facility as a table; who is called to help is left out where the settings say it."""
    found: Table = {"code": each.code, "name": each.name}
    if each.support_phone is not None:
        found["phone"] = each.support_phone or NOBODY
    if each.support_mail is not None:
        found["mail"] = list(each.support_mail)
    return found


def _extension(each: Extension) -> Table:
    found: Table = {"number": each.number, "facility": each.facility, "name": each.name}
    if each.service:
        found["service"] = True
    if each.aliases:
        found["aliases"] = list(each.aliases)
    return found


def _rule(rule: Rule, zone: ZoneInfo) -> Table:
    """Returns a rule as a table; what has no condition, or the default, is left out."""
    values = {
        "id": rule.id,
        str(rule.scope): rule.target or True,
        "mode": str(rule.mode),
        "direction": str(rule.direction or ""),
        "hours": written_hours(rule.hours),
        "holidays": "" if rule.holidays is Holidays.INCLUDE else str(rule.holidays),
        "from": _moment(rule.effective_from, zone),
        "until": _end(rule.effective_until, zone),
        "announce": str(rule.announce or ""),
        "language": ",".join(rule.languages),
        "prompt": rule.prompt,
        "unannounced": "" if rule.unannounced is Unannounced.RECORD else str(rule.unannounced),
        "beep": written_seconds(rule.beep_s) if rule.beep_s else "",
        "retain": f"{rule.retain_days}d" if rule.retain_days else "",
        "retain_incident": f"{rule.retain_incident_days}d" if rule.retain_incident_days else "",
        "priority": rule.priority,
    }
    return {key: value for key, value in values.items() if value}


def _moment(moment: datetime | None, zone: ZoneInfo) -> str:
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d}" if is_midnight(local) else local.isoformat()


def _end(moment: datetime | None, zone: ZoneInfo) -> str:
    if moment is not None and is_midnight(moment.astimezone(zone)):
        return last_day(moment, zone)
    return _moment(moment, zone)
