"""The highest number of calls that holds is found, and a number that does not hold again is given up."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.capacity import TRIALS, attempts, search
from bench.capacity import turn as turn_of
from bench.phones.client import PhonesLoad
from bench.phones.exchange import CallTimes, LegTimes
from bench.recorded_calls import Trial


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


@pytest.mark.parametrize(
    ("trials", "held", "made"),
    [
        ([("hole", 0.02), ("", 0.001)], True, 2),
        ([("hole", 0.001)], False, 1),
        ([("", 0.02)], True, 1),
        ([("hole", 0.02)] * TRIALS, False, TRIALS),
    ],
    ids=["again, for the phones were late", "the recorder's fault", "nothing lost all the same", "given up"],
)
def test_what_phones_lost_that_were_late_is_tried_again(
    trials: list[tuple[str, float]], held: bool, made: int
) -> None:
    waiting = iter(trials)

    def trial_of(_way: str, calls: int) -> Trial:
        what, latest = next(waiting)
        return Trial(calls, Counter([what] if what else []), 0, 0.5, 0.1, PhonesLoad(10, 1, 1000, latest))

    kept: dict[str, list[Trial]] = {}
    assert attempts(trial_of, kept)("callrec", 40) is held
    assert len(kept["callrec"]) == made
