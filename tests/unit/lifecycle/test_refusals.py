"""Refusals that are written down, of those of somebody who asks again and again."""

from __future__ import annotations

from callrec.lifecycle.refusals import SPELL_SECONDS, Refusals


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_a_person_does_is_written_each_and_what_a_loop_does_is_counted() -> None:
    counted = Refusals(Clock())
    rows = [(count, times) for count in range(1, 100_001) if (times := counted.stands_for("it"))]
    assert rows[:53] == [*((count, 1) for count in range(1, 51)), (100, 50), (200, 100), (400, 200)]
    assert all(sum(times for _, times in rows[:end]) == rows[end - 1][0] for end in range(1, len(rows)))
    assert len(rows) == 50 + 10 and rows[-1][0] > 50_000


def test_what_is_another_refusal_is_written_whatever_was_before() -> None:
    counted = Refusals(Clock())
    for _ in range(60):
        counted.stands_for("it")
    assert counted.stands_for("it") == 0 and counted.stands_for("another") == 1


def test_after_an_hour_it_begins_anew_and_nothing_is_remembered() -> None:
    clock = Clock()
    counted = Refusals(clock)
    for _ in range(60):
        counted.stands_for("it")
    clock.now = 60
    counted.stands_for("another")
    clock.now = SPELL_SECONDS
    assert counted.stands_for("it") == 1 and list(counted._seen) == ["another", "it"]
    clock.now = 3 * SPELL_SECONDS
    counted.stands_for("third")
    assert list(counted._seen) == ["third"]
