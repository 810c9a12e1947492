"""The link between PBX and controller: events in their order, until it breaks; then they are lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from callrec.errors import CallrecError
from callrec.pbx.events import Event
from tests.simulation.timeline import Timeline
from tests.simulation.weather import Weather


@dataclass(frozen=True)
class Ear:
    """Who listens to the PBX: the three callables of `Controller.run`."""

    handle: Callable[[Event], None]
    connected: Callable[[], None]
    lost: Callable[[], None]


class Link:
    """One websocket after the other. `answers`: whether commands arrive (they may, without events)."""

    def __init__(self, timeline: Timeline, weather: Weather) -> None:
        self._timeline, self._weather = timeline, weather
        self.ear: Ear | None = None
        self.is_open = self.answers = self.registered = False
        self.covered: list[tuple[float, float]] = []
        """The spans of which the controller was told everything."""
        self._generation, self._last, self._since = 0, 0.0, 0.0
        self._on_the_way: list[float] = []

    def open(self) -> None:
        """Connects: the controller looks at what there is, and then hears of what happened meanwhile."""
        if self.is_open or not self.ear:
            return
        self.is_open = self.registered = self.answers = True
        self._on_the_way, self._since = [], float("inf")  # told of nothing yet
        delay = self._weather.event()
        self._last = self._timeline.now + delay
        self._timeline.after(delay, self._guarded(self._compare))

    def tell(self, event: Event) -> None:
        """Sends an event. Nothing is told again: where nobody listens, it is lost."""
        if not self.is_open:
            return
        now = self._timeline.now
        self._last = max(self._last, now + self._weather.event())
        self._on_the_way.append(now)
        self._timeline.after(self._last - now, self._guarded(lambda: self._arrive(event)))

    def cut(self, *, answers: bool, noticed_after: float) -> None:
        """Breaks the link. The PBX and the controller notice after a while."""
        if not self.is_open:
            return
        self._end(self._on_the_way[0] if self._on_the_way else self._timeline.now)
        self.answers = answers
        ear, generation = self.ear, self._generation
        self._timeline.after(noticed_after, lambda: self._notice(ear, generation))

    def leave(self, certain_s: float) -> None:
        """The controller has died: what it was told in its last moments it may not have written down."""
        if self.is_open:
            first = self._on_the_way[0] if self._on_the_way else self._timeline.now
            self._end(min(first, self._timeline.now - certain_s))
        self.ear, self.registered = None, False

    def _end(self, told_until: float) -> None:
        self.is_open = False
        self._generation += 1
        if told_until > self._since:
            self.covered.append((self._since, told_until))

    def _notice(self, ear: Ear | None, generation: int) -> None:
        if self._generation == generation and not self.is_open:
            self.registered = False
        if ear and ear is self.ear and not self.is_open:
            ear.lost()

    def _compare(self) -> None:
        assert self.ear
        self._since = self._timeline.now
        try:
            self.ear.connected()
        except CallrecError:
            self.cut(answers=True, noticed_after=0.1)

    def _arrive(self, event: Event) -> None:
        assert self.ear
        del self._on_the_way[0]
        self.ear.handle(event)

    def _guarded(self, step: Callable[[], None]) -> Callable[[], None]:
        generation = self._generation

        def run() -> None:
            if self._generation == generation:
                step()

        return run

    def finish(self) -> None:
        """Ends the account of what was told."""
        if self.is_open:
            self._end(self._timeline.now)
