"""Each process of tests keeps to one database as long as there is something of it to run."""

from __future__ import annotations

from tests.scheduling import chosen

WAITING = ["a.py sqlite", "b.py neither", "b.py postgresql", "c.py sqlite"]


def test_half_of_the_processes_are_of_each_database() -> None:
    assert [chosen(WAITING, number) for number in range(4)] == ["a.py sqlite", "b.py postgresql"] * 2


def test_who_has_nothing_left_takes_what_needs_no_database_and_then_what_is_left() -> None:
    left = [each for each in WAITING if "sqlite" not in each]
    assert chosen(left, 0) == "b.py neither"
    assert chosen(["c.py postgresql"], 0) == "c.py postgresql"
