"""The controller: in order within a call, and nothing that fails is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from callrec.controller.checkpoints import Checkpoints
from callrec.controller.controller import parsed_keys
from callrec.controller.hangups import Hangups
from callrec.controller.performer import SpoolPerformer
from callrec.controller.serial_executor import SerialExecutor
from callrec.demo.processes import wait_until
from callrec.errors import NotFound
from callrec.model.alerts import Alert
from callrec.model.flaws import Flaw
from callrec.model.prompts import Prompt
from callrec.model.rules import Decision
from callrec.pbx.events import ChannelDestroyed, DialplanSaid, GateEntered, Replaced
from callrec.recording.actions import (
    Action,
    AwaitHangup,
    Discard,
    HandOver,
    RecordSnoop,
    SaveAlert,
    SaveCall,
    SaveCheckpoint,
    StartSnoop,
)
from callrec.recording.owners import NOBODY
from callrec.spool.directory import Spool
from tests.scenarios.replay import transcript
from tests.unit.channels import OUTSIDE
from tests.unit.controller.replayed import NAME, controller_on, end, play
from tests.unit.fakes import FakePbx
from tests.unit.samples import START, alert, call, captured_call, checkpoint, only_call


def _asked_in_general(pbx: FakePbx) -> list[str]:
    return [words[0] for words in pbx.asked if words[0] not in ("snoop", "record")]


def _asked_for_tracks(pbx: FakePbx) -> dict[str, list[str]]:
    """What was asked for each of the two tracks, which do not wait for one another."""
    ends = {side: f"-1-{side}" for side in ("external", "staff")}
    return {
        side: [words[0] for words in pbx.asked if any(word.endswith(end) for word in words)]
        for side, end in ends.items()
    }


def test_commands_of_a_call_come_in_order(tmp_path: Path) -> None:
    pbx = FakePbx()
    play(controller_on(tmp_path, pbx))
    assert _asked_in_general(pbx) == ["set_variable", "set_variable", "resume"]
    assert _asked_for_tracks(pbx) == {"external": ["snoop", "record"], "staff": ["snoop", "record"]}
    assert pbx.asked[1][2:] == ("CALLREC_ANSWER", "1")
    spool = Spool(tmp_path)
    assert len(spool.waiting()) == 1 and len(spool.calls()) == 1 and spool.checkpoints() == []


def test_who_is_woken_by_what_comes_into_the_spool(tmp_path: Path) -> None:
    spool, woken = Spool(tmp_path), list[str]()
    performer = SpoolPerformer(
        spool,
        Checkpoints(spool),
        sound_waits=lambda: woken.append("sound"),
        row_waits=lambda: woken.append("row"),
        take_alert=lambda alert: None,
        read_journal=lambda: None,
    )
    captured = captured_call()
    for action in (
        SaveCall("1.0", call()),
        HandOver("1.0", captured),
        Discard("1.0", captured, whole=True),
    ):
        performer.perform(action)
    assert woken == ["row", "sound", "row"]


def test_early_media_is_not_answered(tmp_path: Path) -> None:
    pbx = FakePbx()
    play(controller_on(tmp_path, pbx, answer_first=False))
    assert pbx.asked[1][2:] == ("CALLREC_ANSWER", "")


@pytest.mark.parametrize("refused", ["set_variable", "resume", "snoop", "record"])
def test_a_pbx_that_refuses_still_leaves_a_call_and_a_checkpoint(tmp_path: Path, refused: str) -> None:
    pbx = FakePbx(refuse={refused})
    play(controller_on(tmp_path, pbx))
    spool = Spool(tmp_path)
    assert len(spool.calls()) == 1
    assert len(spool.waiting()) == 1


def test_a_full_disk_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = controller_on(tmp_path, FakePbx())
    full = threading.Event()
    full.set()
    real = Spool.save_call

    def save(self: Spool, call: object) -> None:
        if full.is_set():
            raise OSError(28, "No space left on device")
        real(self, call)  # type: ignore[arg-type]

    monkeypatch.setattr(Spool, "save_call", save)
    for event in transcript(NAME):
        controller.handle(event)
    deadline = threading.Event()
    while not controller._again:
        assert not deadline.wait(0.01)
    full.clear()
    controller.tick()
    end(controller)
    assert len(Spool(tmp_path).calls()) == 1


def test_what_the_disk_refuses_is_a_problem_until_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = controller_on(tmp_path, FakePbx())

    def full(alert: Alert) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(controller._to_spool, "_take_alert", full)
    controller._submit([SaveAlert("call", alert())])
    mark = controller.asked()
    wait_until(lambda: bool(controller._again), 20, "the refusal")
    for _ in range(3):
        controller.tick()
        (problem,) = controller.problems()
        assert "(the disk is full)" in str(problem) and not controller.is_saved(mark)
    monkeypatch.setattr(controller._to_spool, "_take_alert", lambda alert: None)

    def ticked_well() -> bool:
        controller.tick()
        return controller.is_saved(mark) and not controller.problems()

    wait_until(ticked_well, 20, "the next try, and the end of the problem")
    end(controller)


def test_new_snoops_come_once_the_old_ones_are_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before: Asterisk would go on with a decoder that drops what half of all phones send."""
    monkeypatch.setattr("callrec.controller.hangups.PATIENCE_SECONDS", 60.0)
    pbx, old, waiting = FakePbx(), ("callrec.old-external", "callrec.old-staff"), threading.Event()

    class Watched(Hangups):
        def wait(self, channels: Collection[str]) -> bool:
            waiting.set()
            return super().wait(channels)

    controller = controller_on(tmp_path, pbx)
    controller._to_pbx._hangups = controller._hangups = Watched()
    settled: list[Action] = [
        AwaitHangup("call", old, side="external"),
        StartSnoop("call", "1.0", "callrec.new-external", side="external", owner=NOBODY),
    ]
    controller._submit([*settled, StartSnoop("call", "1.0", "callrec.new-staff", side="staff", owner=NOBODY)])
    assert waiting.wait(10)
    for each in old:
        assert "callrec.new-external" not in _words(pbx)
        controller.handle(ChannelDestroyed(START, replace(OUTSIDE, id=each)))
    end(controller)
    assert {"callrec.new-external", "callrec.new-staff"} <= set(_words(pbx))


def _words(pbx: FakePbx) -> list[str]:
    return [word for words in pbx.asked for word in words]


def test_another_program_under_our_name_ends_this_one(tmp_path: Path) -> None:
    controller = controller_on(tmp_path, FakePbx())
    controller.handle(Replaced(START))
    assert controller.replaced.is_set()
    end(controller)


@pytest.mark.parametrize("at", ["1e18", "1e300", "nan", "inf", "-1e11", "9" * 5000, "soon", ""])
def test_one_key_press_that_cannot_be_read_keeps_no_link_from_being_made(at: str) -> None:
    line = "keep|1.0|PJSIP/2101-00000001|{at}|1.1"
    found = parsed_keys({"odd": line.format(at=at), "whole": line.format(at="1795361032.5")}, timedelta(0))
    assert [each.id for each in found] == ["whole"]


def test_one_that_comes_back_and_is_not_the_owner_does_not_end_the_one_that_is(tmp_path: Path) -> None:
    controller = controller_on(tmp_path, FakePbx())
    hold: Any = SimpleNamespace(is_ours=lambda: True, doubt=lambda: None)
    controller._hold = hold
    controller.handle(Replaced(START))
    assert not controller.replaced.is_set()
    end(controller)


def test_lanes_keep_order_within_a_key_and_run_keys_side_by_side() -> None:
    lanes, gate = SerialExecutor(2), threading.Event()
    order: list[str] = []

    def waits() -> None:
        gate.wait(5)

    def opens() -> None:
        order.append("b1")
        gate.set()

    lanes.submit("a", waits)
    lanes.submit("a", lambda: order.append("a2"))
    lanes.submit("b", opens)
    lanes.close()
    assert order == ["b1", "a2"]


def test_a_disk_that_hangs_keeps_no_call_from_being_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the hundredth call nor the one after it."""
    back, pbx = threading.Event(), FakePbx()
    monkeypatch.setattr(Spool, "save_checkpoint", lambda self, checkpoint, written: back.wait(60))
    controller = controller_on(tmp_path, pbx)
    for number in range(100):
        call = f"call-{number}"
        controller._submit([SaveCheckpoint(call, checkpoint())])
        controller._submit([RecordSnoop(call, f"snoop-{number}", f"r-{number}", owner=NOBODY)])
    wait_until(lambda: len(pbx.asked) == 100, 20, "the recording of all calls")
    assert not back.is_set() and not controller.is_saved(controller.asked())
    back.set()
    end(controller)
    assert controller.is_saved(controller.asked())


def test_jobs_that_jobs_submit_at_the_end_are_done_too() -> None:
    lanes, done = SerialExecutor(2), []

    def submits() -> None:
        for number in range(20):
            threading.Event().wait(0.01)  # meanwhile the end has begun
            lanes.submit(f"lane {number}", lambda: done.append(True))

    lanes.submit("a", submits)
    lanes.close()
    assert len(done) == 20


def test_a_lane_goes_on_after_a_job_that_raises() -> None:
    lanes, done = SerialExecutor(1), threading.Event()

    def fails() -> None:
        raise RuntimeError("a bug")

    lanes.submit("a", fails)
    lanes.submit("a", done.set)
    lanes.close()
    assert done.is_set()


def test_a_bug_at_the_gate_lets_the_call_through(tmp_path: Path) -> None:
    pbx = FakePbx()
    controller = controller_on(tmp_path, pbx)
    gates = [event for event in transcript(NAME) if isinstance(event, GateEntered)]
    for gate in gates:
        controller.handle(replace(gate, direction="sideways"))
    end(controller)
    assert pbx.asked == [("resume", gates[0].channel.id)]


def test_a_bug_that_ends_the_link_does_not_seem_to_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(event: object) -> None:
        raise OverflowError

    controller = controller_on(tmp_path, FakePbx())
    monkeypatch.setattr(controller._time, "take", fails)
    with pytest.raises(OverflowError):
        controller.handle(transcript(NAME)[0])
    assert controller.pulse.busy_for() == 0


def test_a_missing_prompt_neither_holds_a_call_nor_keeps_it_from_being_recorded(tmp_path: Path) -> None:
    def missing(decision: Decision) -> list[tuple[Prompt, str]]:
        raise NotFound("there is no prompt {name}", name=decision.prompt)

    pbx = FakePbx()
    controller = controller_on(tmp_path, pbx)
    controller._tracker.environment = replace(controller._tracker.environment, prompts=missing)
    play(controller)
    assert _asked_in_general(pbx) == ["resume"]
    assert _asked_for_tracks(pbx) == {"external": ["snoop", "record"], "staff": ["snoop", "record"]}
    call = only_call(Spool(tmp_path))
    assert [note.text for note in call.notes] == [
        "the announcement could not be played: there is no prompt notice"
    ]


def test_an_announcement_that_failed_at_the_gate_is_made_at_the_start(tmp_path: Path) -> None:
    pbx = FakePbx()
    controller = controller_on(tmp_path, pbx)
    for event in transcript(NAME):
        finished = isinstance(event, DialplanSaid) and "Status" in event.fields
        controller.handle(
            replace(event, fields={**event.fields, "Status": "FAILED"})
            if isinstance(event, DialplanSaid) and finished
            else event
        )
    end(controller)
    assert [words for words in pbx.asked if words[0] == "snoop"][-1][-1] == "both", "whispered"
    call = only_call(Spool(tmp_path))
    assert "announced at the start: the caller had not heard all of it before" in [n.text for n in call.notes]


def test_what_waits_at_the_end_is_tried_once_more(tmp_path: Path) -> None:
    controller = controller_on(tmp_path, FakePbx())
    controller._again.append(HandOver("call", captured_call()))
    end(controller)
    assert Spool(tmp_path).waiting() == [captured_call().capture.recording_id]


@pytest.mark.parametrize(("behind_s", "dated_s"), [(20, 20), (3600, 0)])
def test_time_is_the_pbxs_as_long_as_its_clock_is_near(tmp_path: Path, behind_s: int, dated_s: int) -> None:
    """Wherever its clock stands, what was asked for a moment ago is not overdue."""
    controller, began = controller_on(tmp_path, FakePbx()), transcript(NAME)[0].at
    for event in transcript(NAME)[:3]:
        controller.handle(replace(event, at=began - timedelta(seconds=behind_s)))
    assert abs(controller._now() - (began - timedelta(seconds=dated_s))) < timedelta(seconds=5)
    (call,) = controller._tracker.calls.values()
    assert abs(controller._now() - call.record.started_at) < timedelta(seconds=15)
    end(controller)


def test_an_announcement_that_the_pbx_cannot_read_is_a_problem_while_it_rings(tmp_path: Path) -> None:
    controller = controller_on(tmp_path, FakePbx())
    events = transcript(NAME)
    (begun, ended) = [at for at, each in enumerate(events) if isinstance(each, DialplanSaid)][:2]
    for event in events[:ended]:
        controller.handle(event)
    said = events[ended]
    assert isinstance(said, DialplanSaid)
    at_once = events[begun].at + timedelta(milliseconds=2)
    controller.handle(replace(said, at=at_once, fields={**said.fields, "Status": "FAILED"}))
    end(controller)
    assert list(Spool(tmp_path).flaws.recent()) == [Flaw.ANNOUNCEMENT_FAILED]


def test_a_recording_that_has_run_for_a_day_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = controller_on(tmp_path, FakePbx())
    for event in transcript(NAME):
        if isinstance(event, ChannelDestroyed):
            break
        controller.handle(event)
    assert controller.live()
    for hours, told in ((23, 0), (25, 1)):
        monkeypatch.setattr(controller, "_now", lambda h=hours: event.at + timedelta(hours=h))
        problems = controller.problems()
        assert len(problems) == told and all(
            "extension 2101 has been recorded for" in str(each) for each in problems
        )
    controller.handle(event)
    end(controller)
    assert not controller.problems()
