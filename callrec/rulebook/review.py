"""Finds what an admin should look at: rules that can never win, gaps, rules that end soon, unknown phones.

`callrec rule check` shows it. Nothing is changed here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from callrec.language import translated
from callrec.model.office import Extension
from callrec.model.rules import Mode, Rule, Scope
from callrec.policy.office import Office
from callrec.policy.rules import rank
from callrec.rulebook.cover import covered, holds_at_all
from callrec.rulebook.explanation import last_day
from callrec.rulebook.gaps import gaps
from callrec.wording import rule_name

SOON = timedelta(days=30)
"""How long before its end a rule is mentioned."""

FINDINGS = {
    "over": "it ended {day}: remove it when nobody has to read it any more",
    "holds-never": "it can never win: before it ends there is no day or hour at which it holds",
    "beaten": "it can never win: rule {by} always beats it",
    "beaten-by-several": "it can never win: one of the rules {by} always beats it",
    "no-extensions": "it can never win: facility {facility} has no extensions",
    "all-have-own": "it can never win: every extension of facility {facility} has a rule that beats it",
    "ends-soon": "it ends {day}: what should hold afterwards?",
    "no-rule": "no rule in force is about it: calls of {count} of its {total} extensions are not recorded",
    "no-inbound": "no rule in force is about calls from outside: "
    "those of {count} of its {total} extensions are not recorded",
    "no-outbound": "no rule in force is about calls to the outside: "
    "those of {count} of its {total} extensions are not recorded",
    "no-internal": "no rule in force is about calls from phone to phone: "
    "those of {count} of its {total} extensions are not recorded",
    "no-hours": "at some hours no rule holds for {count} of its {total} extensions, such as {moment}",
    "no-holidays": "on public holidays no rule holds at some hours for {count} of its {total} extensions, "
    "such as {moment}",
    "no-facility": "the PBX has it, and it belongs to no facility: see callrec extension add",
    "not-on-pbx": "the PBX does not know it: see callrec extension remove",
    "is-phone": "it was added as a service number, and the PBX has a phone of that name",
}
"""What each finding says, by its code."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: `code` of FINDINGS, about a rule (12@3), a facility or an extension."""

    code: str
    kind: str
    subject: str
    values: dict[str, object] = field(default_factory=dict)

    def words(self) -> str:
        """Returns the finding in the language of this process."""
        return translated(FINDINGS[self.code]).format(**self.values)


def of_rules(office: Office, now: datetime, zone: ZoneInfo) -> list[Finding]:
    """Returns what is to be said of the rules and the facilities, as they are in the catalogue."""
    index = _Index(office, now)
    rules = sorted(office.rules, key=lambda rule: rule.id)
    found = [finding for rule in rules for finding in _of_rule(rule, index, zone)]
    return [*found, *_gaps(index)]


def of_pbx(office: Office, endpoints: Set[str]) -> list[Finding]:
    """Returns how the extensions differ from the phones that the PBX has (`endpoints`)."""
    phones = {number for number, each in office.extensions.items() if not each.service}
    unknown = {name for name in endpoints if office.is_phone(name)} - phones
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

    def beats(self, others: Collection[Rule], rule: Rule) -> list[Rule]:
        """Returns as few of these as needed, of which one always beats the rule; none: it can win."""
        stronger = sorted((each for each in others if rank(each) > rank(rule)), key=lambda each: each.id)
        if not covered(rule, stronger, self.now):
            return []
        for each in stronger:
            if covered(rule, [each], self.now):
                return [each]
        for each in list(stronger):
            without = [other for other in stronger if other is not each]
            stronger = without if covered(rule, without, self.now) else stronger
        return stronger


def _of_rule(rule: Rule, index: _Index, zone: ZoneInfo) -> Iterator[Finding]:
    name = rule_name(rule.id, rule.version)
    end = rule.effective_until
    if end is not None and index.is_over(rule):
        yield Finding("over", "rule", name, {"day": last_day(end, zone)})
        return
    if not holds_at_all(rule, index.now, zone):
        yield Finding("holds-never", "rule", name)
        return
    by = index.beats(_same_calls(rule, index), rule)
    if by:
        code = "beaten" if len(by) == 1 else "beaten-by-several"
        yield Finding(code, "rule", name, {"by": ", ".join(rule_name(each.id, each.version) for each in by)})
    elif rule.scope is Scope.FACILITY:
        yield from _of_facility_rule(rule, name, index)
    if end is not None and end <= index.now + SOON:
        yield Finding("ends-soon", "rule", name, {"day": last_day(end, zone)})


def _same_calls(rule: Rule, index: _Index) -> list[Rule]:
    """Returns the rules that are about every call this one is about."""
    found = [*index.about(rule.scope, rule.target)]
    if rule.scope is not Scope.EVERYWHERE:
        found += index.about(Scope.EVERYWHERE)
    extension = index.office.extensions.get(rule.target or "") if rule.scope is Scope.EXTENSION else None
    return [*found, *index.about(Scope.FACILITY, extension.facility)] if extension else found


def _of_facility_rule(rule: Rule, name: str, index: _Index) -> Iterator[Finding]:
    extensions = index.extensions[rule.target or ""]
    wider = _same_calls(rule, index)
    own = (index.beats([*index.about(Scope.EXTENSION, each.number), *wider], rule) for each in extensions)
    # A rule that says never holds for an internal call of one of its extensions whoever the other is.
    if rule.mode is not Mode.NEVER and all(own):
        code = "all-have-own" if extensions else "no-extensions"
        yield Finding(code, "rule", name, {"facility": rule.target})


def _gaps(index: _Index) -> Iterator[Finding]:
    """Yields findings about facilities of whose calls some are decided by no rule in force now."""
    everywhere = index.about(Scope.EVERYWHERE)
    for code in sorted(index.office.facilities):
        shared = [*everywhere, *index.about(Scope.FACILITY, code)]
        own = [index.about(Scope.EXTENSION, each.number) for each in index.extensions[code]]
        for gap, values in gaps(shared, own, index.now):
            yield Finding(gap, "facility", code, {**values, "total": len(own)})


def _about(code: str, numbers: Collection[str]) -> list[Finding]:
    return [Finding(code, "extension", number) for number in sorted(numbers)]
