"""The two tables: only steps that are in them, and nothing changes on any other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.errors import IllegalTransition
from callrec.model.captures import Custody
from callrec.recording.states import CUSTODY, KEEPING, LIVE, Live, RecordingState, advance, diagram

STEPS = ["start", "mute", "unmute", "finish", "fail", "cancel", "spool", "archive", "destroy", "nonsense"]


@given(st.sampled_from(Live), st.sampled_from(STEPS))
def test_live_steps(state: Live, step: str) -> None:
    if step in LIVE[state]:
        assert advance(LIVE, state, step) is LIVE[state][step]
    else:
        with pytest.raises(IllegalTransition):
            advance(LIVE, state, step)


def test_custody_only_goes_forward() -> None:
    order = list(Custody)
    for state, steps in CUSTODY.items():
        assert all(order.index(after) == order.index(state) + 1 for after in steps.values())


def test_every_state_is_in_its_table() -> None:
    assert (set(LIVE), set(KEEPING), set(CUSTODY)) == (set(Live), set(RecordingState), set(Custody))


def test_the_diagrams_in_the_documentation_are_those_of_the_tables() -> None:
    page = (Path(__file__).parents[3] / "docs/states.md").read_text("utf-8")
    drawn = re.findall(r"```mermaid\n(.*?)\n```", page, re.DOTALL)
    assert drawn == [diagram(LIVE), diagram(KEEPING), diagram(CUSTODY)]
