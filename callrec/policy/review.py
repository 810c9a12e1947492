"""What an admin should look at: rules that can never win, gaps, rules that end soon, unknown phones. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from callrec.language import translated
from callrec.model import Extension, Mode, Rule, Scope
from callrec.policy.cover import covers
from callrec.policy.explanation import last_day
from callrec.policy.office import Office
from callrec.policy.rules import rank
from callrec.policy.wording import rule_name

SOON = timedelta(days=30)

FINDINGS = {
    "over": "it ended {day}: remove it when nobody has to read it any more",
    "beaten": "it can never win: rule {by} always beats it",
    "no-extensions": "it can never win: facility {facility} has no extensions",
    "all-have-own": "it can never win: every extension of facility {facility} has a rule that beats it",
    "ends-soon": "it ends {day}: what should hold afterwards?",
    "no-rule": "no rule is about it: calls of {count} of its {total} extensions are not recorded",
    "no-facility": "the PBX has it, and it belongs to no facility: see callrec extension add",
    "not-on-pbx": "the PBX does not know it: see callrec extension remove",
    "is-phone": "it was added as a service number, and the PBX has a phone of that name",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: `code` of FINDINGS, about a rule (12@3), a facility or an extension."""

    code: str
    kind: str
    subject: str
    values: dict[str, object] = field(default_factory=dict)

    def words(self) -> str:
        return translated(FINDINGS[self.code]).format(**self.values)


def of_rules(office: Office, now: datetime, zone: ZoneInfo) -> list[Finding]:
    """What is to be said of the rules and the facilities, as they are in the catalogue."""
    index = _Index(office, now)
    rules = sorted(office.rules, key=lambda rule: rule.id)
    found = [finding for rule in rules for finding in _of_rule(rule, index, zone)]
    return [*found, *_gaps(index)]


def of_pbx(office: Office, endpoints: Set[str]) -> list[Finding]:
    """How the extensions differ from the phones that the PBX has."""
    phones = {number for number, each in office.extensions.items() if not each.service}
    unknown = {name for name in endpoints if office.is_staff(name)} - phones
    return [
        *_about("no-facility", unknown),
        *_about("not-on-pbx", phones - endpoints),
        *_about("is-phone", (office.extensions.keys() - phones) & endpoints),
    ]


class _Index:
    """The rules by what they are about, without those that are over, and the extensions by facility."""

    def __init__(self, office: Office, now: datetime) -> None:
        self.office, self.now = office, now
        self._rules: dict[tuple[Scope, str | None], list[Rule]] = defaultdict(list)
        for rule in office.rules:
            if not self.is_over(rule):
                self._rules[rule.scope, rule.target].append(rule)
        self.extensions: dict[str, list[Extension]] = defaultdict(list)
        for extension in office.extensions.values():
            self.extensions[extension.facility].append(extension)

    def is_over(self, rule: Rule) -> bool:
        return rule.effective_until is not None and rule.effective_until <= self.now

    def about(self, scope: Scope, target: str | None = None) -> list[Rule]:
        return self._rules.get((scope, target), [])

    def beats(self, stronger: Collection[Rule], rule: Rule) -> Rule | None:
        """One of these that beats the rule whenever it applies."""
        fits = (each for each in stronger if rank(each) > rank(rule) and covers(each, rule, self.now))
        return min(fits, key=lambda each: each.id, default=None)


def _of_rule(rule: Rule, index: _Index, zone: ZoneInfo) -> Iterator[Finding]:
    name = rule_name(rule.id, rule.version)
    end = rule.effective_until
    if end is not None and index.is_over(rule):
        yield Finding("over", "rule", name, {"day": last_day(end, zone)})
        return
    by = index.beats(_same_calls(rule, index), rule)
    if by:
        yield Finding("beaten", "rule", name, {"by": rule_name(by.id, by.version)})
    elif rule.scope is Scope.FACILITY:
        yield from _of_facility_rule(rule, name, index)
    if end is not None and end <= index.now + SOON:
        yield Finding("ends-soon", "rule", name, {"day": last_day(end, zone)})


def _same_calls(rule: Rule, index: _Index) -> list[Rule]:
    """The rules that are about every call this one is about."""
    found = [*index.about(rule.scope, rule.target), *index.about(Scope.EVERYWHERE)]
    extension = index.office.extensions.get(rule.target or "") if rule.scope is Scope.EXTENSION else None
    return [*found, *index.about(Scope.FACILITY, extension.facility)] if extension else found


def _of_facility_rule(rule: Rule, name: str, index: _Index) -> Iterator[Finding]:
    extensions = index.extensions[rule.target or ""]
    own = (index.beats(index.about(Scope.EXTENSION, each.number), rule) for each in extensions)
    # A rule that says never holds for an internal call of one of its extensions whoever the other is.
    if rule.mode is not Mode.NEVER and all(own):
        code = "all-have-own" if extensions else "no-extensions"
        yield Finding(code, "rule", name, {"facility": rule.target})


def _gaps(index: _Index) -> Iterator[Finding]:
    """The facilities of whose calls some are decided by no rule at all."""
    if index.about(Scope.EVERYWHERE):
        return
    for code in sorted(index.office.facilities):
        extensions = index.extensions[code]
        without = [each for each in extensions if not index.about(Scope.EXTENSION, each.number)]
        if not index.about(Scope.FACILITY, code) and (without or not extensions):
            values: dict[str, object] = {"count": len(without), "total": len(extensions)}
            yield Finding("no-rule", "facility", code, values)


def _about(code: str, numbers: Collection[str]) -> list[Finding]:
    return [Finding(code, "extension", number) for number in sorted(numbers)]
