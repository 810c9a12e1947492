"""The office, its PBX and its machine, put together for one run of the simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from callrec.model.office import Extension, Facility, Support
from callrec.model.rules import Announce, Mode, Rule, Scope
from callrec.policy.office import Office
from tests.simulation.dialplan import Dialplan
from tests.simulation.exchange import Exchange, Line
from tests.simulation.link import Link
from tests.simulation.machine import Machine
from tests.simulation.recorder import Recorder
from tests.simulation.timeline import Timeline
from tests.simulation.weather import Weather

EXTENSIONS = ["2101", "2102", "2103", "2104", "2105", "2106"]
NUMBERS = [f"+8131234567{last}" for last in range(5)]
MODES = [Mode.NEVER, Mode.MANUAL, Mode.STANDBY, Mode.AUTOMATIC, Mode.AUTOMATIC, Mode.AUTOMATIC]
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Consultation:
    """Staff ask somebody on a second line, while another waits."""

    staff: Line
    other: Line
    second: Line


@dataclass
class World:
    """All parts of one run."""

    office: Office
    weather: Weather
    timeline: Timeline
    link: Link
    exchange: Exchange
    recorder: Recorder
    plan: Dialplan
    machine: Machine
    consultations: list[Consultation] = field(default_factory=list)
    crashes: list[float] = field(default_factory=list)
    extensions: list[str] = field(default_factory=lambda: list(EXTENSIONS))
    numbers: list[str] = field(default_factory=lambda: list(NUMBERS))

    def later(self, seconds: float, step: Callable[[], None]) -> None:
        self.timeline.after(seconds, step)

    def reopen(self) -> None:
        """Makes the link again, where there is a controller to have one."""
        if self.machine.controller:
            self.link.open()

    def crash(self) -> None:
        """Ends the PBX, and all that it did."""
        self.crashes.append(self.timeline.now)
        self.link.cut(answers=False, noticed_after=0.01)
        self.recorder.crash()
        self.exchange.crash()
        self.plan.crash()
        self.consultations.clear()


def make(chance: Random, folder: Path) -> World:
    """Makes an office, with rules and weather by chance."""
    office, weather, timeline = office_of(chance), Weather.of(Random(chance.random())), Timeline()
    link = Link(timeline, weather)
    exchange = Exchange(timeline, link)
    recorder = Recorder(exchange, weather)
    plan = Dialplan(exchange, recorder, office)
    machine = Machine(folder, recorder, office, plan.database, weather)
    return World(office, weather, timeline, link, exchange, recorder, plan, machine)


def office_of(chance: Random) -> Office:
    """Returns an office: each phone has a mode or no rule, and of one or two numbers outside nothing is
    recorded; what is behind the conference has no rule."""
    modes = {extension: chance.choice([*MODES, None]) for extension in EXTENSIONS}
    modes[EXTENSIONS[0]] = Mode.AUTOMATIC
    rules = [(Scope.EXTENSION, extension, mode) for extension, mode in modes.items() if mode]
    rules += [(Scope.CALLER, number, Mode.NEVER) for number in NUMBERS[: chance.choice([0, 1, 2])]]
    announce = chance.choice([Announce.NONE, Announce.ON_START, Announce.BEFORE_CONNECT])
    return Office(
        [Facility("shiba", "芝地区総合支所")],
        [*(Extension(each, "shiba") for each in EXTENSIONS), Extension("7000", "shiba", service=True)],
        [
            Rule(number, 1, scope, target, mode, BEGAN, "test", announce=announce)
            for number, (scope, target, mode) in enumerate(rules, start=1)
        ],
        support=Support(chance.choice([None, "2900"])),
    )
