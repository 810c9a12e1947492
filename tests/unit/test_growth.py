"""What grows with calls is told; what a process takes once, or is another process, is not."""

from __future__ import annotations

import os

import pytest

from tests.faults.growth import Held, growth, held


def _life(**per_round: float) -> list[Held]:
    """Twelve rounds of one process in which something grows by so much a round."""
    steps = {"megabytes": 0.0, "threads": 0.0, "descriptors": 0.0, **per_round}
    return [
        Held(
            "controller",
            7,
            100 + number * steps["megabytes"],
            int(20 + number * steps["threads"]),
            int(40 + number * steps["descriptors"]),
        )
        for number in range(12)
    ]


@pytest.mark.parametrize("what", ["megabytes", "threads", "descriptors"])
def test_what_grows_is_told(what: str) -> None:
    (told,) = growth(_life(**{what: 5}))
    assert told.startswith(f"controller: {what} grew from ")


def test_what_stays_is_not() -> None:
    assert growth(_life()) == []
    assert growth(_life(threads=5)[:5]) == [], "too few rounds to tell"
    others = [Held("controller", number, 100, 20 + 10 * number, 40) for number in range(12)]
    assert growth(others) == [], "each is another process"


def test_what_this_process_holds() -> None:
    found = held("this", os.getpid())
    assert found.megabytes > 1 and found.threads >= 1 and found.descriptors > 2
