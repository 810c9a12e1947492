"""One run: a plan of acts made from a seed, carried out, and what was wrong with it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import structlog

from tests.simulation import claims, world
from tests.simulation.people import ACTS, Act

LASTS_S, QUIET_S = 90.0, 400.0
"""How long people are at it, and how long it then takes until all that is tried again was."""
FEWEST, MOST = 10, 90


@dataclass(frozen=True)
class Planned:
    """An act that is to come, with a seed of its own: so others can be left out."""

    at: float
    act: Act
    seed: int


@dataclass(frozen=True)
class Plan:
    """All there is to one run."""

    seed: int
    acts: tuple[Planned, ...]

    @classmethod
    def of(cls, seed: int) -> Plan:
        """Makes the plan of a seed."""
        chance = Random(seed)
        acts = chance.choices(list(ACTS), list(ACTS.values()), k=chance.randint(FEWEST, MOST))
        made = [Planned(chance.uniform(0, LASTS_S), act, chance.getrandbits(32)) for act in acts]
        return cls(seed, tuple(sorted(made, key=lambda each: each.at)))

    def only(self, acts: Sequence[Planned]) -> Plan:
        return replace(self, acts=tuple(acts))


@dataclass
class Outcome:
    """What came of a run: the story, what was wrong, and how many steps it had."""

    story: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    steps: int = 0

    def tell(self, at: float, what: str) -> None:
        if what:
            self.story.append(f"{at:8.3f}  {what}")


def carry_out(plan: Plan, folder: Path) -> Outcome:
    """Carries out a plan, waits until all is quiet, and looks at what is left."""
    outcome, here = Outcome(), world.make(Random(plan.seed), folder)
    with _bugs_in(outcome, here):
        here.machine.start()
        for planned in plan.acts:
            here.timeline.run_until(1 + planned.at)
            outcome.tell(here.timeline.now, planned.act(here, Random(planned.seed)))
        _calm_down(here)
    outcome.steps = here.timeline.steps
    outcome.wrong += claims.broken(here)
    return outcome


def _calm_down(here: world.World) -> None:
    """Everybody hangs up, nothing is refused or late any more, and the controller is there."""
    here.timeline.run_until(here.timeline.now + 25)
    here.weather.clear_up()
    here.machine.start()
    here.reopen()
    here.timeline.run_until(here.timeline.now + 10)
    for line in list(here.exchange.lines.values()):
        here.exchange.hang_up(line)
    here.timeline.run_until(here.timeline.now + QUIET_S)
    here.link.finish()


@contextmanager
def _bugs_in(outcome: Outcome, here: world.World) -> Iterator[None]:
    """Takes what the controller logs as a bug for one."""

    def hear(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
        if str(event["event"]).startswith("a bug"):
            outcome.wrong.append(f"bug at {here.timeline.now:.3f}: {event}")
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.format_exc_info, hear])
    try:
        yield
    finally:
        structlog.reset_defaults()


def of_seed(seed: int) -> Outcome:
    """Returns what comes of a seed."""
    return of_plan(Plan.of(seed))


def of_plan(plan: Plan) -> Outcome:
    with tempfile.TemporaryDirectory(dir=_fast_disk()) as folder:
        return carry_out(plan, Path(folder) / "spool")


def _fast_disk() -> str | None:
    shm = Path("/dev/shm")  # noqa: S108  (a disk in memory: every file is synced)
    return str(shm) if shm.is_dir() else None
