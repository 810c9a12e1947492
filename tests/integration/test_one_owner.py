"""Two controllers of one PBX, each with a spool of its own, as on two machines: one of them commands it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from callrec.catalogue import pbxs
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.finding import SearchHit
from callrec.controller import drafts
from callrec.demo.processes import Child
from callrec.demo.softphones import Sound, Talk
from callrec.spool import status, version
from tests.integration.call_paths import OTHER_HZ, STAFF_HZ
from tests.integration.cut_off import Way, ways
from tests.integration.system import SystemUnderTest, eventually, frozen, talk_for
from tests.listen import hears

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
RULES = (
    {"mode": "automatic", "scope": "extension", "target": "2101"},
    {"mode": "standby", "scope": "extension", "target": "2102"},
    {"mode": "never", "scope": "extension", "target": "2201"},
)
NUMBERS = {"2101": "0311140101", "2102": "0311140102", "2201": "0311140201"}


class OtherMachine:
    """A controller with a spool of its own, which reaches the PBX by ways that can be cut."""

    def __init__(self, system: SystemUnderTest, spool: Path, made: list[Way]) -> None:
        self._command = [sys.executable, "-m", "callrec", "--config", str(system.demo.config), "serve"]
        self.spool, self._log = spool, spool.with_suffix(".log")
        version.make(spool)
        self.ways, self.started = made, list[Child]()
        ari, ami = (each.port for each in made)
        own = {"SPOOL__DIRECTORY": str(spool), "PBX__AMI_PORT": str(ami)}
        own["PBX__ARI_URL"] = f"http://127.0.0.1:{ari}/ari"
        self._env = {**os.environ, **{f"CALLREC_{name}": value for name, value in own.items()}}

    def serve(self, *options: str) -> Child:
        self.started.append(Child("the other machine", [*self._command, *options], self._log, self._env))
        return self.started[-1]

    def start(self, *options: str) -> Child:
        child = self.serve(*options)
        child.wait_until(lambda: self.is_linked(child), 30, "its link with the PBX")
        return child

    def is_linked(self, child: Child) -> bool:
        told = status.read(self.spool)
        return bool(told.get("link_up")) and told.get("pid") == child.pid

    def left(self) -> list[str]:
        folders = ("checkpoints", "open_calls", "recordings", "discards", "calls", "quarantine")
        return [str(path) for each in folders for path in self.spool.glob(f"{each}/*")]


@pytest.fixture
def machine(system: SystemUnderTest, tmp_path: Path) -> Iterator[OtherMachine]:
    """Another machine; at the end the demo's own controller has the PBX again."""
    with ways(system.demo.pbx.ports.http, system.demo.pbx.ports.ami) as made:
        other = OtherMachine(system, tmp_path / "spool", made)
        yield other
        for each in other.started:
            each.kill()
    if not system.demo.controller or not system.demo.controller.running:
        system.demo.start_controller("--new-pbx")


@contextmanager
def _talking(system: SystemUnderTest) -> Iterator[list[Talk]]:
    """A call of each mode."""
    callers, staff = [], []
    for extension, number in NUMBERS.items():
        callers.append(system.caller(number).dial(extension, Sound(OTHER_HZ)))
        staff.append(system.phone(extension).pick_up(Sound(STAFF_HZ)))
    talk_for([*callers, *staff], 1.0)
    yield [*callers, *staff]
    for each in callers:
        each.hangup()


def test_one_at_a_time_commands_the_pbx(
    system: SystemUnderTest, begin: datetime, machine: OtherMachine
) -> None:
    """The other machine has the PBX, stands still, comes back, and is cut off from it."""
    with system.rules(*RULES):
        assert system.demo.controller
        system.demo.controller.stop()
        kept = _taken_over_while_it_stands_still(system, begin, machine)
        _is_refused_where_another_pbx_has_its_name(system, machine)
        back = _comes_back(system, machine)
        assert len(_rows(system, begin)) == 3
        _is_cut_off(system, machine, back)
    heard = system.listen(kept)
    assert heard.seconds > 2.2, "from its first second, also what was said while nobody watched"
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)


def _taken_over_while_it_stands_still(
    system: SystemUnderTest, begin: datetime, machine: OtherMachine
) -> ArchivedRecording:
    """Calls of all modes go through it; returns the recording of the one that is kept."""
    child = machine.start()
    with _talking(system) as talks:
        eventually(lambda: _copied(system) == 2, what="the copy of both captures")
        with frozen(child):
            system.demo.start_controller("--takeover")
            linked_at = system.status()["link_changed_at"]
            talk_for(talks, 1.0)
        _ends_as_taken_over(child)
        talk_for(talks, 0.5)
    assert system.status()["link_changed_at"] == linked_at, "it was not thrown out"
    (kept,) = [each for each in _rows(system, begin) if each.recording]
    assert kept.recording and kept.call.extension == "2101"
    eventually(lambda: _copied(system) == 0, what="the end of the copies")
    return kept.recording


def _is_refused_where_another_pbx_has_its_name(system: SystemUnderTest, machine: OtherMachine) -> None:
    """Whoever has the PBX goes on: one that cannot take it does not displace anybody."""
    with system.app.database.begin() as connection:
        row = pbxs.find(connection, system.app.settings.pbx.name)
        assert row
        there = replace(row, identity="another", owner="another", machine="elsewhere", seen_at=system.app.now)
        pbxs.save(connection, there)
    refused = machine.serve("--takeover")
    eventually(lambda: not refused.running, 30, "the refusal")
    assert "another PBX is named" in refused.last_words() and "elsewhere" in refused.last_words()
    assert system.demo.controller and system.demo.controller.running


def _comes_back(system: SystemUnderTest, machine: OtherMachine) -> Child:
    """It takes the PBX again: of calls that were ended elsewhere it makes nothing."""
    before = system.demo.controller
    assert machine.left() and before
    back = machine.start("--takeover", "--new-pbx")
    _ends_as_taken_over(before)
    eventually(lambda: not machine.left(), what="an empty spool there")
    return back


def _is_cut_off(system: SystemUnderTest, machine: OtherMachine, child: Child) -> None:
    """When the way is whole again it does not throw out the one that has taken over."""
    for each in machine.ways:
        each.cut()
    system.demo.start_controller("--takeover")
    eventually(lambda: not machine.is_linked(child), 30, "that it notices")
    linked_at = system.status()["link_changed_at"]
    for each in machine.ways:
        each.heal()
    _ends_as_taken_over(child)
    assert system.status()["link_up"] and system.status()["link_changed_at"] == linked_at


def _ends_as_taken_over(child: Child) -> None:
    eventually(lambda: not child.running, 30, "the end of who was taken over from")
    assert "another callrec serve has taken this PBX over" in child.last_words()
    assert child._process.returncode == 4


def _copied(system: SystemUnderTest) -> int:
    with system.app.ami() as ami:
        return len({key.rpartition("-")[0] for key in ami.tree(drafts.FAMILY)})


def _rows(system: SystemUnderTest, begin: datetime) -> list[SearchHit]:
    """One row a call, and nothing left anywhere: what stayed on standby is destroyed."""
    system.wait_until_clean()
    eventually(lambda: len(system.calls_since(begin)) == 3, what="the rows of three calls")
    return system.calls_since(begin)
