"""Keys, transfers, losses, duplicates and restarts in any order: what is wanted is kept, and nothing else."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.recording.any_order import AnyOrder


def test_any_order_of_anything_keeps_what_is_wanted_and_nothing_else() -> None:
    often = settings(max_examples=80, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(AnyOrder, settings=often)
