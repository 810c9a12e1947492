"""The highest number of calls that holds is found, and a number that does not hold again is given up."""

from __future__ import annotations

import pytest

from bench.capacity import search
from bench.capacity import turn as turn_of
from bench.phones.exchange import CallTimes, LegTimes


class Machine:
    """Holds so many calls in each way, and remembers what was tried."""

    def __init__(self, **limits: int) -> None:
        self.limits, self.tried = limits, list[int]()

    def __call__(self, way: str, calls: int) -> bool:
        self.tried.append(calls)
        return calls <= self.limits[way]


@pytest.mark.parametrize("limit", [3, 39, 40, 57, 100, 163, 319])
def test_the_highest_number_is_found_to_a_tenth(limit: int) -> None:
    machine = Machine(callrec=limit)
    found = search(machine, "callrec")
    assert found <= limit < found + max(1, found * 0.12) + 1
    assert len(machine.tried) <= 10


def test_a_machine_that_holds_nothing_has_none() -> None:
    assert search(Machine(callrec=0), "callrec") == 0


def test_nothing_is_tried_above_the_limit() -> None:
    machine = Machine(callrec=10_000)
    assert search(machine, "callrec", limit=640) == 320
    assert machine.tried == [40, 80, 160, 320]


def test_a_number_that_does_not_hold_again_goes_down_for_all_rounds() -> None:
    machine, current = Machine(callrec=85), {"callrec": 100}
    turn = turn_of(machine, current, "callrec")
    assert [turn(), turn()] == [81.0, 81.0]
    assert machine.tried == [100, 90, 81, 81]


def test_what_a_side_has_said_is_told_in_packets() -> None:
    times = CallTimes("0312345678", answered=100.0)
    times.external = LegTimes(first_sent=100.013, last_sent=109.9935)
    times.staff = LegTimes(first_sent=99.945, last_sent=109.9444)
    assert times.said("external") == pytest.approx(10.0)
    assert times.said("staff") == pytest.approx(9.96)  # three packets came before the answer, one was late
