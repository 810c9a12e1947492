"""An illness is told once when it begins and once when it is over, over restarts too, and never too often."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callrec.health.course import AWAY, ILLNESSES, LASTED_SECONDS, REMEMBERED_SECONDS, Course
from tests.unit.health.ill import problem

SOON = LASTED_SECONDS + 1


class Played:
    """A course, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.course = Course(clock=lambda: self.now)

    def after(self, seconds: float, *names: str) -> tuple[list[str], list[str]]:
        """So much later there are these problems; what began and what ended is told."""
        self.now += seconds
        self.course.see([problem(name) for name in names])
        news = self.course.news()
        return [each.kind for each in news.begun], [each.kind for each in news.ended]

    def restart(self) -> None:
        saved = ILLNESSES.dump_json(list(self.course.known.values()))
        self.course = Course.restored(ILLNESSES.validate_json(saved), lambda: self.now)


def test_it_is_told_once_when_it_has_lasted_and_once_when_it_is_over() -> None:
    played = Played()
    assert played.after(0, "S3") == ([], [])
    assert played.after(SOON, "S3") == (["S3"], [])
    assert played.after(9000, "S3") == ([], []), "once"
    assert played.after(300) == ([], []), "it may come back"
    assert played.after(AWAY.after(0)) == ([], ["S3"])
    assert played.after(9000) == ([], [])


def test_what_was_there_for_a_moment_is_not_told() -> None:
    played = Played()
    played.after(0, "S3")
    assert [played.after(61), played.after(0, "S3"), played.after(5, "S3")] == [([], [])] * 3


def test_many_of_a_kind_are_one_illness_and_others_are_told_apart() -> None:
    played = Played()
    played.after(0, "line 17.2", "line 18.4", "S3")
    assert played.after(SOON, "line 17.2", "line 18.4", "line 19.1", "S3") == (["line …", "S3"], [])
    assert played.course.known["line …"].count == 3
    assert played.after(9000, "line 20.7", "S3") == ([], []), "another one of that kind"


def test_a_restart_tells_nothing_again_and_forgets_nothing() -> None:
    played = Played()
    played.after(0, "S3", "mirror")
    played.after(SOON, "S3", "mirror")
    played.restart()
    assert played.after(SOON, "S3") == ([], []), "told before"
    assert played.after(AWAY.after(0) - SOON + 1, "S3") == ([], ["mirror"]), "it went meanwhile"
    played.restart()
    assert played.after(10, "S3") == ([], []), "that was told, too"


def test_one_that_comes_back_must_stay_away_twice_as_long() -> None:
    played = Played()
    for relapses in range(3):
        assert played.after(0, "S3") == ([], [])
        assert played.after(SOON, "S3") == (["S3"], [])
        assert played.after(AWAY.after(relapses) - 1) == ([], [])
        assert played.after(1) == ([], ["S3"])
    played.after(REMEMBERED_SECONDS)
    assert not played.course.known, "a day later it is as new"


def test_a_moment_of_it_in_between_does_not_make_it_new() -> None:
    played, told = Played(), 0
    for _ in range(100):  # each of these takes 20 minutes
        for seconds, there in (
            (0, True),
            (SOON, True),
            (600, False),
            (200, True),
            (300, False),
            (100, False),
        ):
            begun, ended = played.after(seconds, *(["S3"] if there else []))
            told += len(begun) + len(ended)
    assert told < 30, "in a day and a half"


def test_a_moment_of_it_is_no_return_and_not_told() -> None:
    played = Played()
    for seconds, names in ((0, ["S3"]), (SOON, ["S3"]), (AWAY.after(0), [])):
        played.after(seconds, *names)
    for _ in range(5):
        assert [played.after(3600, "S3"), played.after(3600)] == [([], [])] * 2
    played.after(0, "S3")
    assert played.after(SOON, "S3") == (["S3"], [])
    assert [played.after(AWAY.after(1) - 1), played.after(1)] == [([], []), ([], ["S3"])], "it came back once"


@given(st.lists(st.tuples(st.floats(0.5, 4000), st.booleans(), st.booleans()), max_size=200))
def test_nothing_floods_and_begin_and_end_alternate(steps: list[tuple[float, bool, bool]]) -> None:
    """Whatever goes to and fro, and whenever callrec is restarted: fewer than twenty letters a day."""
    played, told = Played(), list[tuple[float, str]]()
    for seconds, there, restarted in steps:
        if restarted:
            played.restart()
        begun, ended = played.after(seconds, *(["S3"] if there else []))
        told += [(played.now, "begun") for _ in begun] + [(played.now, "ended") for _ in ended]
    assert [what for _, what in told] == ["begun", "ended"] * (len(told) // 2) + ["begun"] * (len(told) % 2)
    for at, _ in told:
        assert sum(at <= other < at + 86_400 for other, _ in told) < 20
