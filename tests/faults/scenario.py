"""How a history comes about: calls in every state before, during and after a fault."""

from __future__ import annotations

from tests.faults import inject
from tests.faults.cast import Cast, Line
from tests.faults.gather import history
from tests.faults.history import History, Limits
from tests.faults.rows import FaultRow
from tests.faults.station import Station
from tests.integration.system import SystemUnderTest

CRASH = Limits(missing=4.6)
"""What a PBX that crashes had not written: two seconds a track, and what was in memory of the disk's."""


def live_through(system: SystemUnderTest, row: FaultRow, *, more: int = 0) -> History:
    """Calls in every state, and so many more that talk through all of it; returns what came of them."""
    since, cast, station = system.app.now, Cast(system), system.demo
    assert isinstance(station, Station)
    done = cast.talking("over before", "2101", wanted=True)
    cast.talking("through all of it", "2101", wanted=True)
    ends = cast.talking("ends in it", "2101", wanted=True)
    moved = cast.talking("moved in it", "2101", wanted=True)
    dropped = cast.talking("on standby", "2102")
    asked = cast.talking("kept by a key in it", "2102", wanted=True)
    cast.talking("never", "2201")
    for number in range(more):
        cast.talking(f"one more, {number}", "2101", wanted=True)
    rings = cast.dial("rings as it begins", "2101", wanted=True)
    cast.talk(0.8)
    done.hang_up()
    with row.fault(station):
        _act(cast, row, asked, moved, [ends, dropped])
    if not asked.presses:
        cast.press(asked)
    cast.wait_until_watched(row.echo)
    cast.answer(rings)
    cast.talk(0.8)
    cast.hang_up()
    return history(cast, since, row.limits, row.rest)


def _act(cast: Cast, row: FaultRow, asked: Line, moved: Line, ending: list[Line]) -> None:
    """Does what people do while the fault lasts."""
    if "begin" in row.acts:
        cast.talking("begins in it", "2101", wanted=True)
    if "press" in row.acts:
        cast.press(asked)
    if "move" in row.acts:
        cast.move(moved, "2102")
    if "end" not in row.acts:
        return cast.wait(row.seconds)
    cast.talk(row.seconds)
    for line in ending:
        line.hang_up()
    return None


def live_through_a_crash(system: SystemUnderTest) -> History:
    """The PBX ends with all calls: what it had written is kept or not, as if they had ended."""
    since, cast, station = system.app.now, Cast(system), system.demo
    assert isinstance(station, Station)
    cast.talking("recorded", "2101", wanted=True)
    cast.talking("on standby", "2102")
    asked = cast.talking("kept by a key", "2102", wanted=True)
    cast.talking("never", "2201")
    cast.talk(1.0)
    cast.press(asked)
    cast.talk(5.0)
    with inject.pbx_killed(station):
        pass
    cast.end()
    cast.wait_until_watched()
    after = cast.talking("after it", "2101", wanted=True)
    cast.talk(3.0)
    after.hang_up()
    return history(cast, since, CRASH, 60.0, steady=False)
