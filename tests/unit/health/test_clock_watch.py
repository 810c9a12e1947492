"""The clocks are compared all the time: who goes by them is told, and so are people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from callrec.errors import Unreachable
from callrec.health.clock_watch import DATABASE, OLDEST_S, PBX, STORE, ClockWatch
from callrec.language import speaking

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


class _Clocks:
    """Ours, and the others by how much they are wrong; None: it is away."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.wrong: dict[str, timedelta | None] = dict.fromkeys(("ours", PBX, STORE, DATABASE), timedelta(0))
        self.told: list[tuple[datetime | None, timedelta]] = []
        others = {name: lambda name=name: self._of(name) for name in (PBX, STORE, DATABASE)}
        self.watch = ClockWatch(others, lambda: self._of("ours"), lambda: self.passed)
        self.watch.compared = lambda pbx_zero, error: self.told.append((pbx_zero, error))

    def _of(self, name: str) -> datetime:
        wrong = self.wrong[name]
        if wrong is None:
            raise Unreachable("{url} does not tell its time", url=name)
        return NOW + timedelta(seconds=self.passed) + wrong

    @property
    def problems(self) -> set[str]:
        return self.watch.problems.texts()


@pytest.fixture
def clocks() -> _Clocks:
    return _Clocks()


def test_clocks_that_agree_are_no_problem(clocks: _Clocks) -> None:
    clocks.watch.compare()
    assert clocks.told == [(NOW, timedelta(0))] and not clocks.problems
    state = clocks.watch.state()
    assert (state.pbx_offset_s, state.store_offset_s) == (0, 0)


def test_a_wrong_clock_is_told_in_the_language_of_whoever_reads(clocks: _Clocks) -> None:
    clocks.wrong[STORE] = -HOUR
    clocks.watch.compare()
    (problem,) = clocks.watch.problems.all()
    assert problem.said.shown().startswith("the clock of the S3 server is")
    with speaking("ja"):
        assert "the clock" not in problem.said.shown() and "S3 server" not in problem.said.shown()


@pytest.mark.parametrize("name", [PBX, STORE, DATABASE])
def test_one_that_is_wrong_is_a_problem_until_it_is_set(clocks: _Clocks, name: str) -> None:
    clocks.wrong[name] = -HOUR
    clocks.watch.compare()
    (problem,) = clocks.problems
    assert f"the clock of the {name} is more than a minute wrong" in problem
    assert clocks.watch.now() == NOW, "the others are right"
    clocks.wrong[name] = timedelta(seconds=50)
    clocks.watch.compare()
    assert not clocks.problems


def test_ours_that_is_wrong_is_another_problem_and_no_date_goes_by_it(clocks: _Clocks) -> None:
    clocks.wrong["ours"] = timedelta(days=80 * 365)
    clocks.watch.compare()
    (problem,) = clocks.problems
    assert "the clock of this machine" in problem
    assert clocks.watch.now() == NOW
    assert clocks.watch.state().store_offset_s == timedelta(days=80 * 365).total_seconds()
    assert clocks.told[-1] == (NOW, timedelta(days=80 * 365))


@pytest.mark.parametrize("wrong", [-timedelta(days=56 * 365), timedelta(days=80 * 365)])
def test_ours_that_is_set_right_is_right_at_once(clocks: _Clocks, wrong: timedelta) -> None:
    """As that of a machine that starts in 1970, and is set by NTP when callrec runs already."""
    clocks.wrong["ours"] = wrong
    clocks.watch.compare()
    clocks.passed, clocks.wrong["ours"] = 5, timedelta(0)
    assert clocks.watch.now() == NOW + timedelta(seconds=5)
    assert clocks.watch.state().pbx_offset_s == 0
    clocks.passed = 6
    clocks.watch.now()
    assert len(clocks.told) == 2, "and is not compared more often for it"


def test_one_that_is_away_is_no_problem_of_clocks_and_ends_none(clocks: _Clocks) -> None:
    clocks.wrong[STORE] = None
    clocks.watch.compare()
    assert not clocks.problems
    clocks.wrong[PBX] = HOUR
    clocks.watch.compare()
    clocks.wrong[PBX] = None
    clocks.watch.compare()
    assert len(clocks.problems) == 1, "it is not known to be right"
    assert clocks.told[-1][0] is None


def test_it_is_compared_again_where_nobody_did_for_long(clocks: _Clocks) -> None:
    assert clocks.watch.now() == NOW
    clocks.wrong[PBX] = HOUR
    clocks.passed = OLDEST_S
    assert clocks.watch.state().pbx_offset_s == 0 and len(clocks.told) == 1, "as it was found before"
    clocks.passed = OLDEST_S + 1
    assert clocks.watch.now() == NOW + timedelta(seconds=OLDEST_S + 1) and len(clocks.told) == 2
    assert clocks.watch.state().pbx_offset_s == -HOUR.total_seconds()


def test_that_a_clock_was_set_is_logged(clocks: _Clocks) -> None:
    clocks.watch.compare()
    clocks.passed, clocks.wrong[PBX] = 30.0, HOUR
    with capture_logs() as logged:
        clocks.watch.compare()
    (said,) = [each for each in logged if each["event"] == "a clock was set"]
    assert (said["clock"], said["seconds"]) == (PBX, 3600)


def test_a_clock_at_the_beginning_of_the_calendar_keeps_nobody_from_starting(clocks: _Clocks) -> None:
    clocks.passed = 1.0
    clocks.wrong[PBX] = datetime.min.replace(tzinfo=UTC) - NOW - timedelta(seconds=1)
    clocks.watch.compare()
    assert clocks.told == [(None, timedelta(0))]
