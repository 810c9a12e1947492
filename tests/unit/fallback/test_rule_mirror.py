"""The PBX's copy of the rules: when it is made, and what happens when it cannot be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from callrec.errors import NotFound, PbxUnreachable
from callrec.fallback.rule_mirror import EVERY_SECONDS, FAMILY, PHONES, RuleMirror, Sounds
from callrec.model.office import Extension
from callrec.model.rules import Decision
from callrec.policy.office import Office
from callrec.problems import Problems
from tests.scenarios.replay import office
from tests.unit.bench import Clock

NEVER = ("never", "everywhere", None, None)
ANNOUNCED = ("automatic", "everywhere", None, "before-connect")


@dataclass
class Astdb:
    """The PBX's database; counts how often it was opened, and can be away."""

    problem: str = ""
    families: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    opened: int = 0

    @property
    def entries(self) -> dict[str, str]:
        """Those of the rules."""
        return self.families[FAMILY]

    @contextmanager
    def open(self) -> Iterator[Astdb]:
        self.opened += 1
        if self.problem:
            raise PbxUnreachable("{problem}", problem=self.problem)
        yield self

    def tree(self, family: str) -> dict[str, str]:
        return dict(self.families[family])

    def write(self, family: str, entries: Mapping[str, str]) -> None:
        self.families[family].update(entries)

    def delete(self, family: str, keys: Iterable[str]) -> None:
        for key in keys:
            del self.families[family][key]


class Desk:
    """A mirror with all it depends on, all of which may change."""

    def __init__(self, rule: tuple[str, str, None, str | None] = NEVER, problem: str = "") -> None:
        self.office, self.astdb = office(rule), Astdb(problem)
        self.clock, self.problems = Clock(), Problems()
        self.link_up = True
        self.sounds: Sounds = lambda decision: ()
        self.mirror = RuleMirror(
            self.astdb.open,
            self._office,
            self._sounds,
            lambda: self.link_up,
            self.problems,
            answer_first=True,
            clock=self.clock,
        )

    def _office(self) -> Office:
        return self.office

    def _sounds(self, decision: Decision) -> Sequence[str]:
        return self.sounds(decision)

    def pass_time(self, seconds: float) -> int:
        """Half a second at a time; how often the PBX was asked meanwhile."""
        before = self.astdb.opened
        for _ in range(int(2 * seconds)):
            self.clock.now += 0.5
            self.mirror.work()
        return self.astdb.opened - before


def test_it_copies_at_once_and_every_minute() -> None:
    desk = Desk()
    assert desk.pass_time(0.5) == 1
    assert desk.astdb.entries["inbound/default"].startswith("never|")
    assert desk.pass_time(EVERY_SECONDS - 0.5) == 0
    assert desk.pass_time(0.5) == 1


def test_changed_rules_do_not_wait_for_the_minute() -> None:
    desk = Desk()
    desk.pass_time(0.5)
    desk.office = office(ANNOUNCED)
    assert desk.pass_time(0.5) == 1
    assert desk.astdb.entries["inbound/default"].startswith("automatic|")


def test_the_pbx_knows_whose_phone_an_alias_is_until_it_is_none() -> None:
    desk = Desk()
    desk.office = Office(extensions=[Extension("2101", "shiba", aliases=("2101-WS", "DAHDI/33"))])
    desk.pass_time(0.5)
    assert desk.astdb.families[PHONES] == {"2101-WS": "2101", "DAHDI/33": "2101"}
    desk.office = Office(extensions=[Extension("2101", "shiba"), Extension("2102", "shiba", aliases=("x",))])
    desk.pass_time(0.5)
    assert desk.astdb.families[PHONES] == {"x": "2102"}
    assert desk.astdb.entries, "the rules are a family of their own"


def test_nothing_is_asked_of_a_pbx_that_is_away() -> None:
    desk = Desk()
    desk.link_up = False
    assert desk.pass_time(120) == 0
    desk.link_up = True
    assert desk.pass_time(0.5) == 1


def test_after_a_failure_it_waits_longer_each_time() -> None:
    """A large office costs the processor much, and a PBX that fails has other troubles."""
    desk = Desk(problem="no answer")
    tried = [second for second in range(300) if desk.pass_time(1)]
    assert [later - sooner for sooner, later in pairwise(tried)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_failure_is_logged_once_until_it_changes() -> None:
    desk = Desk(problem="no answer")
    with capture_logs() as logged:
        desk.pass_time(300)
        desk.astdb.problem = "wrong password"
        desk.pass_time(120)
    told = [line["problem"] for line in logged if line["log_level"] == "warning"]
    assert told == ["no answer", "wrong password"]
    assert desk.problems.texts() == {"wrong password"}


def test_after_a_success_the_first_pause_is_short_again() -> None:
    desk = Desk(problem="no answer")
    desk.pass_time(300)
    desk.astdb.problem = ""
    desk.pass_time(60)
    assert not desk.problems.texts() and desk.astdb.entries
    desk.astdb.problem = "no answer"
    assert desk.pass_time(60) == 6


def test_changed_rules_are_tried_also_in_a_pause() -> None:
    desk = Desk(problem="no answer")
    desk.pass_time(100)
    desk.astdb.problem, desk.office = "", office(ANNOUNCED)
    assert desk.pass_time(0.5) == 1


def test_a_bug_does_not_end_it() -> None:
    def broken(_: Decision) -> Sequence[str]:
        raise ZeroDivisionError("a bug")

    desk = Desk(ANNOUNCED)
    desk.sounds = broken
    desk.pass_time(1)
    assert desk.problems.texts() == {"ZeroDivisionError('a bug')"}


def test_a_missing_prompt_is_a_problem_and_no_reason_to_leave_the_pbx_without_rules() -> None:
    def missing(decision: Decision) -> Sequence[str]:
        raise NotFound("there is no prompt {name}", name=decision.prompt)

    desk = Desk(ANNOUNCED)
    desk.sounds = missing
    desk.pass_time(0.5)
    assert desk.astdb.entries["inbound/default"] == "automatic|before-connect||answer"
    assert desk.problems.texts() == {"there is no prompt notice"}
    desk.sounds = lambda decision: ["/p/ja/notice"]
    desk.pass_time(EVERY_SECONDS)
    assert not desk.problems.texts()


@pytest.mark.parametrize("failing", [KeyError("x"), OSError("disk full"), NotFound("nothing there")])
def test_a_problem_lasts_until_the_step_can_be_done(failing: Exception) -> None:
    problems, errors = Problems(), [failing]

    def step() -> None:
        if errors:
            raise errors.pop()

    assert not problems.attempt("step", step) and len(problems.texts()) == 1
    assert problems.attempt("step", step) and not problems.texts()
