"""The decision: exactly one winner, the same for any order of rules, with a reason for each that lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.model import Announce, CallFacts, Direction, Mode, Rule, Scope
from callrec.policy.decide import Defaults, announcement, decide
from callrec.policy.rules import RuleSet

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
CALL = CallFacts(Direction.INBOUND, ("2101",), ("shiba",), "+81312345678", NOW)


def rule(
    id_: int, mode: Mode | str, scope: Scope | str = Scope.EVERYWHERE, target: str | None = None, **more: Any
) -> Rule:
    changed = more.pop("changed_at", NOW)
    return Rule(id_, 1, Scope(scope), target, Mode(mode), changed, "test", **more)


def test_without_a_rule_nothing_is_recorded() -> None:
    decision = decide(CALL, RuleSet())
    assert (decision.mode, decision.rule, decision.reason) == (Mode.NEVER, None, "no-rule")
    assert decision.announce is Announce.NONE


def test_the_narrower_scope_wins() -> None:
    everywhere = rule(1, "standby")
    facility = rule(2, "manual", "facility", "shiba", priority=-5)
    extension = rule(3, "automatic", "extension", "2101", priority=-9)
    caller = rule(4, "standby", "caller", "+81312345678", priority=-99)
    assert decide(CALL, RuleSet([everywhere, facility])).rule == 2
    assert decide(CALL, RuleSet([everywhere, facility, extension])).rule == 3
    decision = decide(CALL, RuleSet([everywhere, facility, extension, caller]))
    assert decision.rule == 4
    assert [(each.rule, each.why) for each in decision.considered] == [
        (4, "won"),
        (3, "narrower-scope"),
        (2, "narrower-scope"),
        (1, "narrower-scope"),
    ]


def test_never_beats_all() -> None:
    rules = [rule(1, "never"), rule(2, "automatic", "extension", "2101", priority=9)]
    decision = decide(CALL, RuleSet(rules))
    assert (decision.mode, decision.rule) == (Mode.NEVER, 1)
    assert decision.considered[1].why == "never-beats-all"


def test_priority_then_the_newer_rule() -> None:
    old = rule(1, "automatic", changed_at=NOW)
    new = rule(2, "manual", changed_at=NOW + timedelta(seconds=1))
    high = rule(3, "standby", priority=1, changed_at=NOW - timedelta(days=1))
    assert decide(CALL, RuleSet([old, new])).rule == 2
    assert decide(CALL, RuleSet([old, new, high])).rule == 3
    assert [each.why for each in decide(CALL, RuleSet([old, new, high])).considered] == [
        "won",
        "higher-priority",
        "higher-priority",
    ]
    assert decide(CALL, RuleSet([old, new])).considered[1].why == "newer"


def test_a_rule_for_another_direction_does_not_apply() -> None:
    decision = decide(CALL, RuleSet([rule(1, "automatic", direction=Direction.OUTBOUND)]))
    assert decision.rule is None
    assert decision.considered[0].why == "other-direction"


def test_an_internal_call_is_both_extensions() -> None:
    facts = CallFacts(Direction.INTERNAL, ("2201", "2101"), ("azabu", "shiba"), "2101", NOW)
    assert decide(facts, RuleSet([rule(1, "automatic", "extension", "2101")])).rule == 1
    assert (
        decide(facts, RuleSet([rule(1, "automatic"), rule(2, "never", "facility", "shiba")])).mode
        is Mode.NEVER
    )


@pytest.mark.parametrize(
    ("wanted", "mode", "direction", "expected"),
    [
        (None, "automatic", "inbound", "before-connect"),
        (None, "automatic", "outbound", "on-start"),
        (None, "automatic", "internal", "on-start"),
        (None, "manual", "inbound", "on-start"),
        ("before-connect", "manual", "inbound", "before-connect"),
        ("before-connect", "automatic", "outbound", "on-start"),
        ("on-start", "automatic", "inbound", "on-start"),
        ("none", "automatic", "inbound", "none"),
        ("before-connect", "never", "inbound", "none"),
    ],
)
def test_when_the_announcement_is_played(
    wanted: str | None, mode: str, direction: str, expected: str
) -> None:
    asked = Announce(wanted) if wanted else None
    assert announcement(asked, Mode(mode), Direction(direction)) is Announce(expected)


def test_retention_comes_from_the_rule_or_the_defaults() -> None:
    defaults = Defaults(30, 60)
    bare = decide(CALL, RuleSet([rule(1, "automatic")]), defaults)
    own = decide(CALL, RuleSet([rule(1, "automatic", retain_days=7, retain_incident_days=700)]), defaults)
    assert (bare.retain_days, bare.retain_incident_days) == (30, 60)
    assert (own.retain_days, own.retain_incident_days) == (7, 700)


SCOPES = st.sampled_from(
    [
        (Scope.EVERYWHERE, None),
        (Scope.FACILITY, "shiba"),
        (Scope.FACILITY, "azabu"),
        (Scope.EXTENSION, "2101"),
        (Scope.EXTENSION, "2201"),
        (Scope.CALLER, "+81312345678"),
        (Scope.CALLER, "+81398765432"),
    ]
)


@st.composite
def rule_lists(draw: st.DrawFn) -> list[Rule]:
    drawn = draw(
        st.lists(
            st.tuples(
                SCOPES,
                st.sampled_from(Mode),
                st.sampled_from([None, *Direction]),
                st.integers(-2, 2),
                st.integers(0, 3),
            ),
            max_size=12,
        )
    )
    return [
        rule(
            id_,
            mode,
            scope,
            target,
            direction=direction,
            priority=priority,
            changed_at=NOW + timedelta(seconds=age),
        )
        for id_, ((scope, target), mode, direction, priority, age) in enumerate(drawn, start=1)
    ]


@given(rule_lists(), st.randoms())
def test_the_order_of_rules_never_matters(rules: list[Rule], random: Any) -> None:
    shuffled = list(rules)
    random.shuffle(shuffled)
    assert decide(CALL, RuleSet(rules)) == decide(CALL, RuleSet(shuffled))


@given(rule_lists(), rule_lists())
def test_a_rule_that_does_not_match_changes_nothing(rules: list[Rule], others: list[Rule]) -> None:
    strangers = [
        rule(100 + each.id, each.mode, "extension", "2999", priority=each.priority) for each in others
    ]
    before, after = decide(CALL, RuleSet(rules)), decide(CALL, RuleSet([*rules, *strangers]))
    assert before == after


@given(rule_lists())
def test_there_is_one_winner_and_every_candidate_has_a_reason(rules: list[Rule]) -> None:
    decision = decide(CALL, RuleSet(rules))
    winners = [each for each in decision.considered if each.won]
    assert len(winners) == (0 if decision.rule is None else 1)
    assert all((each.why == "won") == each.won for each in decision.considered)


@given(rule_lists(), st.sampled_from(Mode))
def test_never_is_lifted_only_by_removing_it(rules: list[Rule], mode: Mode) -> None:
    never = rule(50, "never", "facility", "shiba")
    stronger = rule(51, mode, "caller", "+81312345678", priority=99, changed_at=NOW + timedelta(days=1))
    assert decide(CALL, RuleSet([*rules, never, stronger])).mode is Mode.NEVER
