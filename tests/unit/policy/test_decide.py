"""The decision: exactly one winner, the same for any order of rules, with a reason for each that lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.model.rules import Announce, CallFacts, Direction, Holidays, Mode, Rule, Scope
from callrec.numbers import of_extension
from callrec.policy.decide import Defaults, announcement, decide
from callrec.policy.hours import parse_hours
from callrec.policy.rules import RuleSet
from callrec.wording import WHY
from tests.unit.policy.samples import CALL, NOW, rule


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
    old, new, high = rule(1, "automatic"), rule(2, "manual"), rule(3, "standby", priority=1)
    assert decide(CALL, RuleSet([old, new])).rule == 2
    assert [each.why for each in decide(CALL, RuleSet([old, new, high])).considered] == [
        "won",
        "higher-priority",
        "higher-priority",
    ]
    assert decide(CALL, RuleSet([old, new])).considered[1].why == "newer"


def test_a_change_does_not_make_an_older_rule_the_newer_one() -> None:
    """Otherwise a longer retention, say, would quietly change which rule decides."""
    changed = replace(rule(1, "automatic"), version=2, changed_at=NOW + timedelta(days=1))
    assert decide(CALL, RuleSet([changed, rule(2, "manual")])).rule == 2


def test_a_rule_for_another_direction_does_not_apply() -> None:
    decision = decide(CALL, RuleSet([rule(1, "automatic", direction=Direction.OUTBOUND)]))
    assert decision.rule is None
    assert decision.considered[0].why == "other-direction"


def test_an_internal_call_is_both_extensions() -> None:
    facts = CallFacts(Direction.INTERNAL, ("2201", "2101"), ("azabu", "shiba"), of_extension("2101"), NOW)
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


TOKYO = ZoneInfo("Asia/Tokyo")
HOURS = "mon-fri 08:30-17:15"
NIGHT = "fri 22:00-06:00"


def at(text: str) -> CallFacts:
    return replace(CALL, at=datetime.fromisoformat(text).replace(tzinfo=TOKYO))


@pytest.mark.parametrize(
    ("hours", "holidays", "moment", "why"),
    [
        (HOURS, "include", "2026-11-20 08:29:59", "other-hours"),
        (HOURS, "include", "2026-11-20 08:30:00", "won"),
        (HOURS, "include", "2026-11-20 17:14:59.999", "won"),
        (HOURS, "include", "2026-11-20 17:15:00", "other-hours"),
        (HOURS, "include", "2026-11-21 10:00", "other-hours"),
        ("sat,sun", "include", "2026-11-21 00:00", "won"),
        ("sat,sun", "include", "2026-11-23 00:00", "other-hours"),
        ("08:00-12:00 13:00-17:00", "include", "2026-11-20 12:30", "other-hours"),
        ("08:00-12:00 13:00-17:00", "include", "2026-11-20 13:00", "won"),
        ("00:00-24:00", "include", "2026-11-20 23:59:59", "won"),
        ("22:00-00:00", "include", "2026-11-20 00:00", "other-hours"),
        # over midnight the weekday is the one on which the span began
        (NIGHT, "include", "2026-11-20 21:59", "other-hours"),
        (NIGHT, "include", "2026-11-20 22:00", "won"),
        (NIGHT, "include", "2026-11-21 05:59", "won"),
        (NIGHT, "include", "2026-11-21 06:00", "other-hours"),
        (NIGHT, "include", "2026-11-20 05:59", "other-hours"),
        ("sun 22:00-06:00", "include", "2026-11-23 01:00", "won"),
        # Monday 2026-11-23 is a holiday, and so is its night, which ends on Tuesday
        (HOURS, "exclude", "2026-11-23 10:00", "on-holiday"),
        (HOURS, "exclude", "2026-11-24 10:00", "won"),
        (HOURS, "only", "2026-11-23 10:00", "won"),
        (HOURS, "only", "2026-11-24 10:00", "no-holiday"),
        ("mon 22:00-06:00", "exclude", "2026-11-24 01:00", "on-holiday"),
        ("sun 22:00-06:00", "exclude", "2026-11-23 01:00", "won"),
        ("", "only", "2026-11-23 00:00", "won"),
        ("", "only", "2026-11-22 23:59", "no-holiday"),
        ("", "exclude", "2026-09-22 12:00", "on-holiday"),  # between two holidays
        ("", "exclude", "2027-03-22 12:00", "on-holiday"),  # a substitute
    ],
)
def test_hours_and_holidays(hours: str, holidays: str, moment: str, why: str) -> None:
    spans = parse_hours(hours) if hours else ()
    only = rule(1, "automatic", hours=spans, holidays=Holidays(holidays))
    assert decide(at(moment), RuleSet([only], TOKYO)).considered[0].why == why


def test_hours_are_those_of_the_zone_of_the_office() -> None:
    only = rule(1, "automatic", hours=parse_hours("12:00-13:00"))  # NOW is noon in Tokyo
    assert decide(CALL, RuleSet([only], TOKYO)).rule == 1
    assert decide(CALL, RuleSet([only], ZoneInfo("UTC"))).rule is None


def test_from_when_and_until_when_a_rule_holds() -> None:
    second = timedelta(microseconds=1)
    for begin, end, why in (
        (NOW, None, "won"),
        (NOW + second, None, "not-yet"),
        (None, NOW + second, "won"),
        (None, NOW, "over"),
    ):
        timed = rule(1, "automatic", effective_from=begin, effective_until=end)
        assert decide(CALL, RuleSet([timed])).considered[0].why == why


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
CONDITIONS = st.fixed_dictionaries(
    {
        "direction": st.sampled_from([None, *Direction]),
        "priority": st.integers(-2, 2),
        "hours": st.sampled_from(["", HOURS, "sun 11:00-13:00", "22:00-06:00"]).map(
            lambda text: parse_hours(text) if text else ()
        ),
        "holidays": st.sampled_from(Holidays),
        "effective_from": st.sampled_from([None, NOW - timedelta(days=1), NOW + timedelta(days=1)]),
        "effective_until": st.sampled_from([None, NOW - timedelta(hours=1), NOW + timedelta(days=2)]),
    }
)


@st.composite
def rule_lists(draw: st.DrawFn) -> list[Rule]:
    drawn = draw(st.lists(st.tuples(SCOPES, st.sampled_from(Mode), CONDITIONS), max_size=12))
    return [
        rule(id_, mode, scope, target, **conditions)
        for id_, ((scope, target), mode, conditions) in enumerate(drawn, start=1)
    ]


@given(rule_lists(), st.randoms())
def test_the_order_of_rules_never_matters(rules: list[Rule], random: Any) -> None:
    shuffled = list(rules)
    random.shuffle(shuffled)
    assert decide(CALL, RuleSet(rules)) == decide(CALL, RuleSet(shuffled))


@given(rule_lists(), rule_lists())
def test_a_rule_that_does_not_match_changes_nothing(rules: list[Rule], others: list[Rule]) -> None:
    misses = [
        replace(each, id=100 + each.id) for each in others if decide(CALL, RuleSet([each])).rule is None
    ]
    before, after = decide(CALL, RuleSet(rules)), decide(CALL, RuleSet([*rules, *misses]))
    assert replace(before, considered=()) == replace(after, considered=())
    assert [each for each in after.considered if each.rule < 100] == list(before.considered)


@given(rule_lists())
def test_there_is_one_winner_and_every_candidate_has_a_reason(rules: list[Rule]) -> None:
    decision = decide(CALL, RuleSet(rules))
    winners = [each.rule for each in decision.considered if each.won]
    assert winners == ([] if decision.rule is None else [decision.rule])
    assert all((each.why == "won") == each.won for each in decision.considered)
    assert all(each.why in WHY for each in decision.considered)
    assert (decision.reason == "no-rule") == (decision.rule is None)


@given(rule_lists(), rule_lists(), st.integers(0, 10))
def test_never_is_lifted_only_by_removing_or_ending_it(
    rules: list[Rule], others: list[Rule], place: int
) -> None:
    """Whatever is added to a set in which a rule says never, its calls stay unrecorded."""
    never = rule(50, "never", "facility", "shiba", effective_until=NOW + timedelta(seconds=1))
    more = [*rules[:place], never, *rules[place:], *(replace(each, id=100 + each.id) for each in others)]
    assert decide(CALL, RuleSet(more)).mode is Mode.NEVER
    ended = replace(never, effective_until=NOW)
    recorded = rule(200, "automatic", "caller", "+81312345678", priority=9)
    assert decide(CALL, RuleSet([never, recorded])).mode is Mode.NEVER
    assert decide(CALL, RuleSet([ended, recorded])).rule == 200
    assert decide(CALL, RuleSet([recorded])).rule == 200
