"""The decision: one call, the rules, and exactly one winner. Pure, and the same for any order of rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callrec.model import Announce, CallFacts, Candidate, Decision, Direction, Mode, Rule, Scope
from callrec.policy.rules import RuleSet

_WIDTH = {Scope.EVERYWHERE: 0, Scope.FACILITY: 1, Scope.EXTENSION: 2, Scope.CALLER: 3}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a rule says nothing. Days."""

    retain_days: int = 90
    retain_incident_days: int = 1827


def decide(call: CallFacts, rules: RuleSet, defaults: Defaults = Defaults()) -> Decision:
    """The decision for `call`, with every rule that was considered and why it won or lost.

    `never` beats all; then the narrower scope, the higher priority, the newer rule. Without a
    matching rule the built-in default decides: do not record.
    """
    candidates = rules.about(call)
    matching = [rule for rule in candidates if not unmet(rule, call)]
    winner = max(matching, key=_rank, default=None)
    considered = tuple(
        Candidate(rule.id, rule.version, rule is winner, _why(rule, winner, call))
        for rule in sorted(candidates, key=_rank, reverse=True)
    )
    return _decision(winner, call.direction, defaults, considered)


def unmet(rule: Rule, call: CallFacts) -> str | None:
    """The first condition of the rule that the call does not meet, as a code of policy.wording."""
    if rule.direction not in (None, call.direction):
        return "other-direction"
    return None


def announcement(wanted: Announce | None, mode: Mode, direction: Direction) -> Announce:
    """When the announcement of a call of this direction is played.

    Before the connection only the caller can be told, so of outbound and internal calls the
    announcement comes at the start: there it is the called party that does not know yet. A manual
    recording is announced when it starts, unless its rule says otherwise.
    """
    if mode is Mode.NEVER or wanted is Announce.NONE:
        return Announce.NONE
    if direction is not Direction.INBOUND:
        return Announce.ON_START
    return wanted or (Announce.ON_START if mode is Mode.MANUAL else Announce.BEFORE_CONNECT)


def _rank(rule: Rule) -> tuple[Any, ...]:
    return (
        rule.mode is Mode.NEVER,
        _WIDTH[rule.scope],
        rule.priority,
        rule.changed_at,
        rule.id,
    )


def _why(rule: Rule, winner: Rule | None, call: CallFacts) -> str:
    failed = unmet(rule, call)
    if failed:
        return failed
    assert winner is not None  # a rule without an unmet condition matches, so one has won
    if rule is winner:
        return "won"
    reasons = ("never-beats-all", "narrower-scope", "higher-priority", "newer", "newer")
    pairs = zip(reasons, _rank(winner), _rank(rule), strict=True)
    return next(reason for reason, best, this in pairs if best != this)


def _decision(
    rule: Rule | None, direction: Direction, defaults: Defaults, considered: tuple[Candidate, ...]
) -> Decision:
    if rule is None:
        return Decision(
            mode=Mode.NEVER,
            announce=Announce.NONE,
            languages=(),
            prompt="",
            retain_days=defaults.retain_days,
            retain_incident_days=defaults.retain_incident_days,
            rule=None,
            version=None,
            reason="no-rule",
            considered=considered,
        )
    return Decision(
        mode=rule.mode,
        announce=announcement(rule.announce, rule.mode, direction),
        languages=rule.languages,
        prompt=rule.prompt,
        retain_days=rule.retain_days or defaults.retain_days,
        retain_incident_days=rule.retain_incident_days or defaults.retain_incident_days,
        rule=rule.id,
        version=rule.version,
        reason=_reason(rule),
        considered=considered,
    )


def _reason(rule: Rule) -> str:
    return "never" if rule.mode is Mode.NEVER else str(rule.scope)
