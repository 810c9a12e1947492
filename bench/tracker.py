"""Measures what one more call costs beside many: python -m bench.tracker

Two trackers side by side, one with 10 live recorded calls and one with 1,000. Each in turn is given the
events of one more call, from its first channel to the first sample of both tracks, and then of its end.
Prints the results and writes them into docs/benchmarks. Exit code 1 where the call beside 1,000 others costs
over a fifth more than beside 10.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import count

from bench.machine import facts
from bench.report import Row, finish
from callrec.ids import derived
from callrec.model.office import Extension, Facility
from callrec.model.rules import Announce, Mode, Rule, Scope
from callrec.model.tones import Tones
from callrec.pbx import events as ev
from callrec.policy.office import Office
from callrec.recording.actions import Action, RecordSnoop, StartSnoop
from callrec.recording.environment import Environment
from callrec.recording.tracker import CallTracker

FEW, MANY, TURNS, A_TURN = 10, 1_000, 100, 20
"""Calls at once; and how often each has a turn, of how many more calls."""
RATIO = 1.2
NOW = datetime(2026, 11, 28, tzinfo=UTC)


class Exchange:
    """A tracker, and the events of calls as Asterisk tells them."""

    def __init__(self, live: int) -> None:
        self._numbers = count(1)
        rule = Rule(1, 1, Scope.EVERYWHERE, None, Mode.AUTOMATIC, NOW, "bench", announce=Announce.NONE)
        office = Office([Facility("shiba", "芝")], [Extension("2101", "shiba")], [rule])
        ids = count(1)
        environment = Environment(
            office, lambda decision: (), Tones("/prompts"), lambda: derived(NOW, f"id {next(ids)}")
        )
        self.tracker = CallTracker(environment)
        for _ in range(live):
            self.begin()

    def begin(self) -> tuple[ev.Channel, ev.Channel]:
        """Begins one more call, up to the first sample of both its tracks; returns its channels."""
        number = next(self._numbers)
        caller = _channel(f"{number}.0", f"PJSIP/trunk-{number:08x}", f"{number}.0")
        phone = _channel(f"{number}.1", f"PJSIP/2101-{number:08x}", f"{number}.0")
        bridge = f"bridge-{number}"
        self._tell(ev.ChannelCreated(NOW, caller))
        self._tell(ev.GateEntered(NOW, caller, "inbound", "2101", "0312345678"))
        self._tell(ev.ChannelCreated(NOW, phone))
        self._tell(ev.EnteredBridge(NOW, caller, bridge, (caller.id,)))
        actions = self._tell(ev.EnteredBridge(NOW, phone, bridge, (caller.id, phone.id)))
        for snoop in [each.snoop for each in actions if isinstance(each, StartSnoop)]:
            for record in self._tell(ev.OwnChannelStarted(NOW, _channel(snoop, "Snoop/x", snoop))):
                assert isinstance(record, RecordSnoop)
                self._tell(ev.RecordingStarted(NOW, record.name))
        return caller, phone

    def end(self, caller: ev.Channel, phone: ev.Channel) -> None:
        """Hangs that call up; at the next tick its recordings are over too, and it is forgotten."""
        bridge = f"bridge-{caller.id.partition('.')[0]}"
        self._tell(ev.LeftBridge(NOW, caller, bridge, (phone.id,)))
        self._tell(ev.LeftBridge(NOW, phone, bridge, ()))
        self._tell(ev.ChannelDestroyed(NOW, caller))
        self._tell(ev.ChannelDestroyed(NOW, phone))

    def _tell(self, event: ev.Event) -> list[Action]:
        return self.tracker.handle(event)


def _channel(id_: str, name: str, linkedid: str) -> ev.Channel:
    return ev.Channel(id_, name, "Up", "0312345678", "2101", linkedid, NOW)


def main() -> int:
    few, many = Exchange(FEW), Exchange(MANY)
    gc.freeze()  # as the controller does
    costs: dict[Exchange, list[float]] = {few: [], many: []}
    for _ in range(TURNS):
        for exchange, measured in costs.items():
            measured.extend(_costs(exchange))
    ratio = statistics.median(costs[many]) / statistics.median(costs[few])
    rows = [
        Row(f"one more call beside {FEW}", "µs", 1_000, costs[few], judged=statistics.median),
        Row(f"one more call beside {MANY:,}", "µs", 1_000, costs[many], judged=statistics.median),
        Row("the second against the first (medians)", "×", RATIO, [ratio]),
    ]
    how = (
        f"`python -m bench.tracker`: {TURNS * A_TURN:,} calls each, {A_TURN} in turn, from the first channel "
        "to the first sample of both tracks."
    )
    return finish("tracker", "One more call", how, facts(), rows=rows)


def _costs(exchange: Exchange) -> list[float]:
    """Returns the microseconds of the beginning of some calls, without the ticks that let go of them."""
    costs, calls = [], []
    for _ in range(A_TURN):
        begin = time.perf_counter()
        calls.append(exchange.begin())
        costs.append((time.perf_counter() - begin) * 1e6)
    for call in calls:
        exchange.end(*call)
    exchange.tracker.tick(NOW + timedelta(seconds=10))
    return costs


if __name__ == "__main__":
    sys.exit(main())
