"""What is done about ten times as much takes hardly more than ten times as many operations."""

from __future__ import annotations

import math
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.growth_cases import CASES, Step

SMALL, TIMES = 30, 8
MOST = 1.25
"""The exponent of what grows as n log n is up to this at these sizes; of what grows as n², 2."""


def operations(step: Step) -> int:
    """Returns how many instructions of Python a step takes: as many each time, however busy the machine."""
    counted = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal counted
        frame.f_trace_opcodes = True
        counted += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        step()
    finally:
        sys.settrace(before)
    return counted


@pytest.mark.parametrize("name", CASES)
def test_nothing_grows_faster_than_n_log_n(name: str, tmp_path: Path) -> None:
    few, many = (operations(CASES[name].make(size, tmp_path / str(size))) for size in (SMALL, SMALL * TIMES))
    assert math.log(many / few, TIMES) <= MOST, f"{few:,} operations grew to {many:,}"


@pytest.mark.parametrize("name", ["one more call beside so many", "one more call beside so many at the gate"])
def test_a_call_costs_the_same_however_many_others_there_are(name: str, tmp_path: Path) -> None:
    operations(CASES[name].make(1, tmp_path))  # what is looked up once
    few, many = (operations(CASES[name].make(size, tmp_path)) for size in (10, 500))
    assert many < few * 1.02, f"{few:,} operations grew to {many:,}"


def _pairs(size: int) -> list[int]:
    return [a + b for a in range(size) for b in range(size)]


def test_what_grows_as_its_square_would_be_seen() -> None:
    few, many = (operations(partial(_pairs, size)) for size in (SMALL, SMALL * TIMES))
    assert math.log(many / few, TIMES) > 1.9
