"""Ranks the rules and finds those about a call quickly; checks what a new rule says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from callrec.durations import written_seconds
from callrec.errors import WrongUsage
from callrec.model.rules import CallFacts, Candidate, Mode, Rule, Scope
from callrec.numbers import normalise
from callrec.policy.retention import LONGEST_DAYS

WIDTH = {Scope.EVERYWHERE: 0, Scope.FACILITY: 1, Scope.EXTENSION: 2, Scope.CALLER: 3}
"""How narrow a scope is: the greater beats the less."""
JAPAN = ZoneInfo("Asia/Tokyo")
Rank = tuple[bool, int, int, int]
"""Whether it says never, how narrow its scope is, its priority, its id."""
HIGHEST_PRIORITY = 1_000_000
BEEP_SECONDS = range(5, 301)
"""How often a consent beep can be asked for, in seconds."""


def rank(rule: Rule) -> Rank:
    """Returns a rule's rank: what is greater beats what is less (decision 10).

    `never`, then the narrower scope, the priority, the newer rule. The newer rule is the one that was added
    later: a change of an older one does not bring it forward.
    """
    return rule.mode is Mode.NEVER, WIDTH[rule.scope], rule.priority, rule.id


class Ranked(NamedTuple):
    """A rule with its place among all, the strongest first, and what was said of it, by why."""

    place: int
    rule: Rule
    rank: Rank
    said: dict[str, Candidate]

    def candidate(self, why: str) -> Candidate:
        """Returns this rule as one that was considered, with why it won or lost; made once for each why."""
        if why not in self.said:
            self.said[why] = Candidate(self.rule.id, self.rule.version, why == "won", why)
        return self.said[why]


class RuleSet:
    """The rules in force, found by what they are about, the strongest first. Immutable.

    `zone` is the one in which hours and holidays are meant. A number outside means the same with any of
    `prefixes` before it.
    """

    def __init__(
        self, rules: Iterable[Rule] = (), zone: ZoneInfo = JAPAN, prefixes: Collection[str] = ()
    ) -> None:
        self._zone, self._rules = zone, tuple(rules)
        self._by_target: dict[tuple[Scope, str | None], list[Ranked]] = {}
        # Ranks are compared here, once: a decision only sorts places.
        for place, rule in enumerate(sorted(self._rules, key=rank, reverse=True)):
            ranked = Ranked(place, rule, rank(rule), {})
            for target in _targets(rule, prefixes):
                self._by_target.setdefault((rule.scope, target), []).append(ranked)

    def about(self, call: CallFacts) -> list[Ranked]:
        """Returns the rules whose scope covers a call, the strongest first; conditions are not looked at."""
        targets: list[tuple[Scope, str | None]] = [(Scope.EVERYWHERE, None)]
        targets += [(Scope.FACILITY, code) for code in dict.fromkeys(call.facilities)]
        targets += [(Scope.EXTENSION, number) for number in dict.fromkeys(call.extensions)]
        targets += [(Scope.CALLER, call.number)] if call.number else []
        found = [ranked for each in targets for ranked in self._by_target.get(each, ())]
        found.sort(key=itemgetter(0))
        return found

    def on_the_clock(self, moment: datetime) -> datetime:
        """Returns a moment as the office's clock shows it."""
        return moment.astimezone(self._zone)

    def __len__(self) -> int:
        return len(self._rules)

    def __iter__(self) -> Iterator[Rule]:
        """Yields the rules in the order in which they were given: those of a file are added in that one."""
        return iter(self._rules)


def _targets(rule: Rule, prefixes: Collection[str]) -> set[str | None]:
    """Returns what a rule is found by: a number outside as it is presented, and as staff dial it."""
    if rule.scope is not Scope.CALLER:
        return {rule.target}
    return {normalise(rule.target), normalise(rule.target, prefixes)}


def check(rule: Rule) -> None:
    """Raises WrongUsage for a rule that makes no sense. Whether its target exists is not checked here."""
    if (rule.scope is not Scope.EVERYWHERE) != bool(rule.target):
        raise WrongUsage("say whom the rule is about: --everywhere, --facility, --extension or --caller")
    if not rule.languages:
        raise WrongUsage("an announcement needs a language: --language ja, en or ja,en")
    _check_numbers(rule)
    begin, end = rule.effective_from, rule.effective_until
    if begin and end and end <= begin:
        raise WrongUsage("the rule would end before it begins: --until must not be before --from")


def _check_numbers(rule: Rule) -> None:
    for name, days in (("--retain", rule.retain_days), ("--retain-incident", rule.retain_incident_days)):
        if days is not None and days < 1:
            raise WrongUsage("{option} must be a day or more", option=name)
        if days is not None and days > LONGEST_DAYS:
            raise WrongUsage(
                "{option} can be {days} days (100 years) at most", option=name, days=LONGEST_DAYS
            )
    if abs(rule.priority) > HIGHEST_PRIORITY:
        raise WrongUsage("--priority can be from -{most} to {most}", most=HIGHEST_PRIORITY)
    if rule.beep_s is not None and rule.beep_s not in BEEP_SECONDS:
        first, last = written_seconds(BEEP_SECONDS[0]), written_seconds(BEEP_SECONDS[-1])
        raise WrongUsage("--beep can be from {first} to {last}", first=first, last=last)


def narrows(before: Rule, after: Rule) -> bool:
    """Tells whether a change of a rule that says never alters its mode or conditions, but for its end.

    The catalogue refuses it, also where it would widen the rule: no change lifts a never by the way
    (decision 10).
    """
    conditions = ("mode", "direction", "hours", "holidays", "effective_from")
    changed = any(getattr(before, name) != getattr(after, name) for name in conditions)
    return before.mode is Mode.NEVER and changed
