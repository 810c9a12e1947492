"""A call to a queue: the gate decides by the number dialled, and the extension that answers decides again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.model.rules import Announce, Candidate, Decision, Mode, Unannounced
from callrec.policy.combine import combine, of_all
from callrec.wording import WHY
from tests.unit.samples import DECISION

STRICTER = [Announce.NONE, Announce.ON_START, Announce.BEFORE_CONNECT]
GATE = replace(DECISION, rule=7, considered=(Candidate(7, 1, True, "won"),))
ANSWER = replace(DECISION, rule=8, considered=(Candidate(8, 1, True, "won"),))
NO_RULE = replace(DECISION, mode=Mode.NEVER, rule=None, version=None, reason="no-rule")


@pytest.mark.parametrize("gate", STRICTER)
@pytest.mark.parametrize("answer", STRICTER)
def test_the_stricter_announcement_applies(gate: Announce, answer: Announce) -> None:
    both = combine(replace(GATE, announce=gate), replace(ANSWER, announce=answer))
    assert both.announce is max(gate, answer, key=STRICTER.index)


def test_the_announcement_is_that_of_whoever_makes_it_stricter() -> None:
    gate = replace(GATE, announce=Announce.BEFORE_CONNECT, languages=("ja", "en"), prompt="queue")
    both = combine(gate, replace(ANSWER, announce=Announce.BEFORE_CONNECT))
    assert (both.prompt, both.languages) == ("queue", ("ja", "en")), "it has been played"
    later = combine(replace(gate, announce=Announce.NONE), replace(ANSWER, announce=Announce.ON_START))
    assert (later.prompt, later.languages) == ("notice", ("ja",))


def test_the_answering_extension_decides_the_mode_and_the_retention() -> None:
    both = combine(replace(GATE, retain_days=1), replace(ANSWER, mode=Mode.MANUAL, retain_days=9))
    assert (both.mode, both.retain_days, both.rule, both.reason) == (Mode.MANUAL, 9, 8, ANSWER.reason)
    assert [(each.rule, each.why) for each in both.considered] == [(8, "won"), (7, "at-gate")]


def test_never_for_the_number_dialled_beats_all_but_the_lack_of_a_rule_does_not() -> None:
    never = replace(GATE, mode=Mode.NEVER, announce=Announce.NONE, reason="never")
    both = combine(never, ANSWER)
    assert (both.mode, both.rule, both.announce) == (Mode.NEVER, 7, Announce.NONE)
    assert [(each.rule, each.why) for each in both.considered] == [(7, "won"), (8, "never-beats-all")]
    assert combine(NO_RULE, ANSWER) == ANSWER


def test_what_is_not_recorded_is_not_announced_as_recorded() -> None:
    silent = replace(ANSWER, mode=Mode.NEVER, announce=Announce.NONE)
    assert combine(replace(GATE, announce=Announce.ON_START), silent).announce is Announce.NONE


DECISIONS = st.builds(
    lambda mode, announce, unannounced, rule: replace(
        DECISION,
        mode=mode,
        announce=Announce.NONE if mode is Mode.NEVER else announce,
        unannounced=Unannounced.RECORD if mode is Mode.NEVER else unannounced,
        rule=rule,
        considered=(Candidate(rule, 1, True, "won"),),
    ),
    st.sampled_from(Mode),
    st.sampled_from(Announce),
    st.sampled_from(Unannounced),
    st.integers(1, 3),
)


@given(DECISIONS, DECISIONS)
def test_both_together_have_one_winner_and_are_never_laxer(gate: Decision, answer: Decision) -> None:
    both = combine(gate, answer)
    assert [each.rule for each in both.considered if each.won] == [both.rule]
    assert all(each.why in WHY for each in both.considered)
    assert (both.mode is Mode.NEVER) == (Mode.NEVER in (gate.mode, answer.mode))
    if both.mode is not Mode.NEVER:
        strict = Unannounced.DISCARD in (gate.unannounced, answer.unannounced)
        assert both.unannounced is (Unannounced.DISCARD if strict else Unannounced.RECORD)
        assert STRICTER.index(both.announce) >= max(map(STRICTER.index, (gate.announce, answer.announce)))


@given(st.lists(DECISIONS, min_size=1, max_size=4))
def test_of_several_who_talk_one_suffices_that_wants_nothing_unannounced(several: list[Decision]) -> None:
    held = of_all(several)
    strict = any(each.unannounced is Unannounced.DISCARD for each in several)
    recorded = held.mode is not Mode.NEVER
    assert held.unannounced is (Unannounced.DISCARD if strict and recorded else Unannounced.RECORD)


@given(DECISIONS)
def test_an_extension_that_was_dialled_itself_is_decided_as_it_was(decision: Decision) -> None:
    assert combine(decision, decision) == decision
