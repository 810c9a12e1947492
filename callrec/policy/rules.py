"""Rules as a set that can be asked quickly, and the checks a new rule has to pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from callrec.errors import WrongUsage
from callrec.model import CallFacts, Rule, Scope

_TARGETED = {Scope.FACILITY, Scope.EXTENSION, Scope.CALLER}


class RuleSet:
    """The rules in force, found by what they are about. Immutable; holds no order of its own."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._by_target: dict[tuple[Scope, str | None], list[Rule]] = {}
        for rule in rules:
            self._by_target.setdefault((rule.scope, rule.target), []).append(rule)

    def about(self, call: CallFacts) -> list[Rule]:
        """The rules whose scope covers this call; their conditions are not looked at."""
        targets: list[tuple[Scope, str | None]] = [(Scope.EVERYWHERE, None)]
        targets += [(Scope.FACILITY, code) for code in dict.fromkeys(call.facilities)]
        targets += [(Scope.EXTENSION, number) for number in dict.fromkeys(call.extensions)]
        targets += [(Scope.CALLER, call.number)] if call.number else []
        return [rule for target in targets for rule in self._by_target.get(target, ())]

    def __len__(self) -> int:
        return sum(map(len, self._by_target.values()))

    def __iter__(self) -> Iterator[Rule]:
        return (rule for rules in self._by_target.values() for rule in rules)


def check(rule: Rule) -> None:
    """Raises WrongUsage for a rule that makes no sense. Whether its target exists is not checked here."""
    if (rule.scope in _TARGETED) != bool(rule.target):
        raise WrongUsage("say whom the rule is about: --everywhere, --facility, --extension or --caller")
    if not rule.languages:
        raise WrongUsage("an announcement needs a language: --language ja, en or ja,en")
    for name, days in (("--retain", rule.retain_days), ("--retain-incident", rule.retain_incident_days)):
        if days is not None and days < 1:
            raise WrongUsage("{option} must be a day or more", option=name)
