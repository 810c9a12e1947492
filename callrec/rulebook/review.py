"""Finds what an admin should look at: rules that can never win, gaps, rules that end soon, unknown phones.

`callrec rule check` shows it. Nothing is changed here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from callrec.language import translated
from callrec.model.office import Extension
from callrec.model.rules import Announce, Mode, Rule, Scope, Unannounced
from callrec.numbers import is_in_use
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
    "no-such-caller": "{number} is no number of any line that is known, and a call can hardly have it: "
    "compare its digits, and write it with its area code, without what is dialled for a line outside",
    "never-announced": "it says --unannounced discard, and no announcement is played that could fail",
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
    "no-facility": "the PBX has it, and it belongs to no facility: see callrec extension add, "
    "or name it in pbx.lines of callrec.toml if it is a line to the outside",
    "looks-like-line": "it does not log in at the PBX, as a phone does, and is taken for one: "
    "name it in pbx.lines of callrec.toml, or see callrec extension add",
    "twin": "it looks like another phone of extension {number}, and is none: "
    "see callrec extension alias {number} {name}",
    "not-on-pbx": "the PBX does not know it: see callrec extension remove",
    "no-such-alias": "the PBX does not know its alias {name}: see callrec extension alias",
    "is-line": "pbx.lines of callrec.toml names it, so its calls and keys are those of somebody outside",
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


def of_caller(rule: Rule, office: Office) -> list[Finding]:
    """Returns what is to be said of the number that a rule is about, if it is one outside."""
    number = office.dialled(rule.target) if rule.scope is Scope.CALLER else None
    if number is None or office.is_ours(number) or is_in_use(number):
        return []
    return [Finding("no-such-caller", "rule", rule_name(rule.id, rule.version), {"number": rule.target})]


def of_pbx(office: Office, endpoints: Set[str], trunks: Set[str] = frozenset()) -> list[Finding]:
    """Returns how the extensions differ from the phones that the PBX has (`endpoints`).

    `trunks` are those of the endpoints that do not log in at the PBX, as phones do.
    """
    phones = {number: each for number, each in office.extensions.items() if not each.service}
    own = {number: {number, *each.aliases} for number, each in phones.items()}
    lines = {name.removeprefix("PJSIP/") for name in office.lines}
    others = endpoints - lines.union(*own.values())
    twins = {name: number for name in others if (number := twin_of(name, phones))}
    unknown = {name for name in others if office.is_phone(name)} - twins.keys()
    return [
        *_about("looks-like-line", unknown & trunks),
        *_about("no-facility", unknown - trunks),
        *(
            Finding("twin", "extension", name, {"name": name, "number": twins[name]})
            for name in sorted(twins)
        ),
        *_about("not-on-pbx", {number for number, names in own.items() if not names & endpoints}),
        *_unknown_aliases(phones.values(), endpoints),
        *_about("is-line", {number for number, names in own.items() if names & lines}),
        *_about("is-phone", (office.extensions.keys() - phones.keys()) & endpoints),
    ]


def twin_of(endpoint: str, phones: Collection[str]) -> str | None:
    """Returns the extension of which an endpoint looks like another phone; None where it looks like none.

    Its number and words (``2101-WS``, ``web-2101``), or two digits from 90 on and its number, as telephone
    systems name the phones of browsers (``992101``).
    """
    if endpoint.isdigit():
        return endpoint[2:] if endpoint.startswith("9") and endpoint[2:] in phones else None
    return next((each for each in re.findall(r"[0-9]+", endpoint) if each in phones), None)


def _unknown_aliases(phones: Iterable[Extension], endpoints: Set[str]) -> list[Finding]:
    """Returns findings about aliases that are no endpoint of the PBX; of other technologies it lists none."""
    return [
        Finding("no-such-alias", "extension", each.number, {"name": alias})
        for each in phones
        for alias in each.aliases
        if "/" not in alias and alias not in endpoints
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
    yield from of_caller(rule, index.office)
    by = index.beats(_same_calls(rule, index), rule)
    if by:
        code = "beaten" if len(by) == 1 else "beaten-by-several"
        yield Finding(code, "rule", name, {"by": ", ".join(rule_name(each.id, each.version) for each in by)})
    elif rule.scope is Scope.FACILITY:
        yield from _of_facility_rule(rule, name, index)
    if rule.announce is Announce.NONE and rule.unannounced is Unannounced.DISCARD:
        yield Finding("never-announced", "rule", name)
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
