"""The decision: one call, the rules, and exactly one winner. It is the same for any order of rules.

What is decided at two moments of a call is joined in `combine`; here is one moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import compress

from callrec.model.rules import (
    Announce,
    CallFacts,
    Candidate,
    Decision,
    Direction,
    Mode,
    Rule,
    Unannounced,
)
from callrec.policy.conditions import Clock, unmet
from callrec.policy.rules import Ranked, RuleSet

_BEATEN = ("never-beats-all", "narrower-scope", "higher-priority", "newer")
"""Why a rule lost, for each place of `rules.Rank` at which it is less."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a rule says nothing, in days."""

    retain_days: int = 90
    retain_incident_days: int = 1827


def decide(call: CallFacts, rules: RuleSet, defaults: Defaults = Defaults()) -> Decision:
    """Returns the decision for `call`, with every rule that was considered and why it won or lost.

    `never` beats all; then the narrower scope, the higher priority, the newer rule (decision 10). Without a
    matching rule the built-in default decides: do not record.
    """
    clock = Clock(rules.on_the_clock(call.at))
    winner: Ranked | None = None
    considered = []
    for each in rules.about(call):  # the strongest first, so the first that fits has won
        why = unmet(each.rule, call, clock)
        if why is None:
            winner = winner or each
            why = _why(each, winner)
        considered.append(each.candidate(why))  # decision 10: an explanation needs the losers
    return _decision(winner.rule if winner else None, call.direction, defaults, tuple(considered))


def without_rule(mode: Mode, reason: str, defaults: Defaults) -> Decision:
    """Returns a decision that no rule has made: nothing is announced, and it is kept as the defaults say."""
    return Decision(
        mode=mode,
        announce=Announce.NONE,
        languages=(),
        prompt="",
        retain_days=defaults.retain_days,
        retain_incident_days=defaults.retain_incident_days,
        rule=None,
        version=None,
        reason=reason,
    )


def announcement(wanted: Announce | None, mode: Mode, direction: Direction) -> Announce:
    """Returns when the announcement of a call of this direction is played.

    Before the connection only the caller can be told, so of outbound and internal calls the announcement
    comes at the start: there it is the called party that does not know yet. A manual recording is announced
    when it starts, unless its rule says otherwise.
    """
    if mode is Mode.NEVER or wanted is Announce.NONE:
        return Announce.NONE
    if direction is not Direction.INBOUND:
        return Announce.ON_START
    return wanted or (Announce.ON_START if mode is Mode.MANUAL else Announce.BEFORE_CONNECT)


def _why(each: Ranked, winner: Ranked) -> str:
    """Returns why a rule whose conditions are met has won or lost, as a code of `wording.WHY`."""
    if each is winner:
        return "won"
    differs = (best != this for best, this in zip(winner.rank, each.rank, strict=True))
    return next(compress(_BEATEN, differs))


def _decision(
    rule: Rule | None, direction: Direction, defaults: Defaults, considered: tuple[Candidate, ...]
) -> Decision:
    if rule is None:
        return replace(without_rule(Mode.NEVER, "no-rule", defaults), considered=considered)
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
        beep_s=None if rule.mode is Mode.NEVER else rule.beep_s,
        unannounced=Unannounced.RECORD if rule.mode is Mode.NEVER else rule.unannounced,
    )


def _reason(rule: Rule) -> str:
    return "never" if rule.mode is Mode.NEVER else str(rule.scope)
