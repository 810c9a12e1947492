"""Calls of the fallback are taken over one after the other, and nobody waits for that."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from callrec.controller import takeovers
from callrec.controller.takeovers import Takeovers
from callrec.demo.processes import wait_until
from callrec.pbx.events import RecordingStarted
from callrec.recording.actions import RecordSnoop, StopFallback
from callrec.recording.owners import NOBODY
from tests.unit.controller.replayed import controller_on, end
from tests.unit.fakes import FakeDialplan, FakePbx
from tests.unit.samples import START


def test_one_waits_until_what_was_taken_over_before_it_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the dialplan goes on with what it records; a call that is answered meanwhile waits for none."""
    monkeypatch.setattr(takeovers, "PATIENCE_SECONDS", 20.0)
    pbx, lacking = FakePbx(), {"a", "b"}
    controller = controller_on(tmp_path, pbx)
    controller._to_pbx._dialplan = FakeDialplan(pbx, recorded={"a", "b"})
    monkeypatch.setattr(controller, "_lacks", lacking.__contains__)
    controller._submit([StopFallback(name, name, f"file-{name}") for name in ("a", "b")])
    controller._submit([RecordSnoop("new", "snoop", "r", owner=NOBODY)])
    wait_until(lambda: ("record", "snoop", "r") in pbx.asked, 20, "the recording of a call that is new")
    assert ("stop", "a") in pbx.asked and ("stop", "b") not in pbx.asked
    lacking.clear()
    controller.handle(RecordingStarted(START, "r"))
    wait_until(lambda: ("stop", "b") in pbx.asked, 20, "the end of what the dialplan records of b")
    end(controller)


def test_one_that_is_not_begun_keeps_the_next_for_a_moment_only() -> None:
    assert not Takeovers().wait(lambda: False)


def test_what_is_recorded_already_is_not_waited_for() -> None:
    assert Takeovers().wait(lambda: True)


def test_what_begins_meanwhile_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeovers, "PATIENCE_SECONDS", 20.0)
    paced, begun, found = Takeovers(), threading.Event(), list[bool]()
    waiting = threading.Thread(target=lambda: found.append(paced.wait(begun.is_set)))
    waiting.start()
    begun.set()
    paced.begun()
    waiting.join(20)
    assert found == [True]
