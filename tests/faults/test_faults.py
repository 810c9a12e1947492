"""Each fault of the table, while calls are in every state: nothing is lost, kept unwanted, cut or untrue."""

from __future__ import annotations

import pytest

from tests.faults import inject
from tests.faults.checker import violations
from tests.faults.history import History
from tests.faults.rows import ROWS, FaultRow
from tests.faults.scenario import live_through, live_through_a_crash
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
    _judge(live_through(system, row))


@pytest.mark.slow
@pytest.mark.parametrize("row", [FaultRow("", inject.pbx_killed)], ids=["sqlite-the-PBX-is-killed"])
def test_the_pbx_is_killed(system: SystemUnderTest, row: FaultRow) -> None:
    _judge(live_through_a_crash(system))


def _judge(found: History) -> None:
    told = violations(found)
    assert not told, "\n".join(["", *told, *_notes(found)])


def _notes(found: History) -> list[str]:
    """What callrec itself says of the calls, for who reads of a failure."""
    names = {call.number: call.name for call in found.calls}
    return [f"({names[row.number]}: {note})" for row in found.rows for note in row.notes]
