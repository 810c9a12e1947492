"""Each fault of the table, while calls are in every state: nothing is lost, kept unwanted, cut or untrue."""

from __future__ import annotations

import pytest

from tests.faults.cast import Cast
from tests.faults.checker import violations
from tests.faults.gather import history
from tests.faults.history import History
from tests.faults.rows import ROWS, FaultRow
from tests.faults.station import Station
from tests.integration.system import SystemUnderTest


def _cases() -> list[object]:
    """The rows; tests/conftest.py gives those of one database to one process, by their names."""
    return [
        pytest.param(
            row,
            id=f"{row.on}-{row.what.replace(' ', '-')}",
            marks=[] if row.quick else [pytest.mark.slow],
        )
        for row in ROWS
    ]


@pytest.mark.parametrize("row", _cases())
def test_calls_live_through(system: SystemUnderTest, row: FaultRow) -> None:
    found = live_through(system, row)
    told = violations(found)
    assert not told, "\n".join(["", *told, *_notes(found)])


def _notes(found: History) -> list[str]:
    """What callrec itself says of the calls, for who reads of a failure."""
    names = {call.number: call.name for call in found.calls}
    return [f"({names[row.number]}: {note})" for row in found.rows for note in row.notes]


def live_through(system: SystemUnderTest, row: FaultRow) -> History:
    """Calls in every state before, during and after the fault; returns what came of them."""
    since, cast, station = system.app.now, Cast(system), system.demo
    assert isinstance(station, Station)
    done = cast.talking("over before", "2101", wanted=True)
    cast.talking("through all of it", "2101", wanted=True)
    ends = cast.talking("ends in it", "2101", wanted=True)
    moved = cast.talking("moved in it", "2101", wanted=True)
    dropped = cast.talking("on standby", "2102")
    asked = cast.talking("kept by a key in it", "2102", wanted=True)
    cast.talking("never", "2201")
    rings = cast.dial("rings as it begins", "2101", wanted=True)
    cast.talk(0.8)
    done.hang_up()
    with row.fault(station):
        if "begin" in row.acts:
            cast.talking("begins in it", "2101", wanted=True)
        if "press" in row.acts:
            cast.press(asked)
        if "move" in row.acts:
            cast.move(moved, "2102")
        cast.talk(row.seconds) if "end" in row.acts else cast.wait(row.seconds)
        for line in (ends, dropped) if "end" in row.acts else ():
            line.hang_up()
    if not asked.presses:
        cast.press(asked)
    cast.wait_until_watched()
    cast.answer(rings)
    cast.talk(0.8)
    cast.hang_up()
    return history(cast, since, row.limits, row.rest)
