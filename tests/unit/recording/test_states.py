"""The tables of states: only steps that are in them, and nothing changes on any other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.model.requests import REQUEST
from callrec.recording.states import (
    CAPTURE,
    KEEPING,
    LIVE,
    IllegalTransition,
    Live,
    Phase,
    RecordingState,
    Step,
    advance,
    diagram,
)

STEPS = ["start", "mute", "unmute", "finish", "fail", "cancel", "begin", "retry", *Step, "nonsense"]


@given(st.sampled_from(Live), st.sampled_from(STEPS))
def test_live_steps(state: Live, step: str) -> None:
    if step in LIVE[state]:
        assert advance(LIVE, state, step) is LIVE[state][step]
    else:
        with pytest.raises(IllegalTransition):
            advance(LIVE, state, step)


def test_every_state_is_in_its_table_and_can_be_reached() -> None:
    assert (set(LIVE), set(CAPTURE), set(KEEPING)) == (set(Live), set(Phase), set(RecordingState))
    for table in (LIVE, CAPTURE, KEEPING):
        _, *others = table
        assert set(others) <= {after for steps in table.values() for after in steps.values()}


def test_what_is_kept_is_never_discarded_unless_it_was_not_announced() -> None:
    reached = [RecordingState.KEPT]
    for state in reached:
        steps = {step: after for step, after in KEEPING[state].items() if step != Step.BAR}
        reached += [after for after in steps.values() if after not in reached]
    assert RecordingState.DISCARDED not in reached
    assert set(KEEPING[RecordingState.BARRED].values()) == {RecordingState.DISCARDED}


def test_every_step_of_keeping_is_one_that_somebody_takes() -> None:
    assert {step for steps in KEEPING.values() for step in steps} == set(Step)


def test_the_diagrams_in_the_documentation_are_those_of_the_tables() -> None:
    page = (Path(__file__).parents[3] / "docs/states.md").read_text("utf-8")
    drawn = re.findall(r"```mermaid\n(.*?)\n```", page, re.DOTALL)
    assert drawn == [diagram(LIVE), diagram(CAPTURE), diagram(KEEPING), diagram(REQUEST)]
