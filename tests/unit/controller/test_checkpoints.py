"""What is on disk about a capture under way: nothing older than what is known, and before it is recorded."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from callrec.controller.checkpoints import Checkpoints
from callrec.files import PARTIAL
from callrec.model.calls import CallRecord
from callrec.model.captures import Checkpoint, KeptBecause
from callrec.pbx.events import OwnChannelStarted
from callrec.recording.actions import HandOver, SaveCall, SaveCheckpoint, SaveOpenCall
from callrec.spool.directory import Spool
from tests.scenarios.replay import office, transcript
from tests.unit.controller.replayed import NAME, controller_on, end
from tests.unit.fakes import FakePbx
from tests.unit.samples import checkpoint, only_call, over

FULL = OSError(28, "No space left on device")
save_for_real = Spool.save_checkpoint


def _kept(because: KeptBecause | None) -> SaveCheckpoint:
    before = checkpoint()
    return SaveCheckpoint("call", replace(before, capture=replace(before.capture, kept_because=because)))


def test_an_older_checkpoint_never_replaces_a_newer_one(tmp_path: Path) -> None:
    """The disk was full for the older one only: it is tried again when the newer one is there."""
    checkpoints, older, newer = Checkpoints(Spool(tmp_path)), _kept(None), _kept(KeptBecause.KEY)
    checkpoints.ask(older)
    checkpoints.ask(newer)
    checkpoints.save(newer)
    checkpoints.save(older)
    (found,) = Spool(tmp_path).checkpoints()
    assert found.capture.kept_because == "key"


def test_a_checkpoint_that_comes_late_does_not_bring_a_recording_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full when the checkpoint was to be written, and not when the recording was handed over."""
    controller, late = controller_on(tmp_path, FakePbx()), _kept(KeptBecause.KEY)

    def full(self: Spool, checkpoint: Checkpoint, written: object) -> None:
        raise FULL

    monkeypatch.setattr(Spool, "save_checkpoint", full)
    controller._perform(SaveOpenCall("call", late.checkpoint.call))
    controller._checkpoints.ask(late)
    controller._perform(late)
    assert controller._again == [late]
    monkeypatch.setattr(Spool, "save_checkpoint", save_for_real)
    controller._perform(HandOver("call", over(late.checkpoint)))
    controller.tick()
    end(controller)
    assert Spool(tmp_path).checkpoints() == [] and Spool(tmp_path).open_calls() == []
    assert Spool(tmp_path).waiting() == [late.checkpoint.capture.recording_id]


def test_nothing_is_recorded_before_it_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller that is killed a moment later knows of the files: none is lost, none stays behind."""
    names, unknown = [], []

    class Watched(FakePbx):
        def record(self, snoop_id: str, name: str) -> None:
            known = [
                track.name
                for each in Spool(tmp_path).checkpoints()
                for segment in each.capture.segments
                for track in (segment.external, segment.staff)
            ]
            names.append(name)
            unknown.extend([name] if name not in known else [])

    def slow(self: Spool, checkpoint: Checkpoint, written: Callable[[], None]) -> None:
        time.sleep(0.03)
        save_for_real(self, checkpoint, written)

    monkeypatch.setattr(Spool, "save_checkpoint", slow)
    monkeypatch.setattr("callrec.controller.checkpoints.PATIENCE_SECONDS", 10.0)  # the machine may be busy
    controller, events = controller_on(tmp_path, Watched()), transcript(NAME)
    snoops = [number for number, event in enumerate(events) if isinstance(event, OwnChannelStarted)]
    for event in events[: snoops[-1] + 1]:
        controller.handle(event)
    controller._executor.close()
    assert len(names) == 2 and not unknown


def test_a_disk_that_syncs_slowly_holds_no_recording_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint counts as soon as it is written: a kill leaves it, only a power failure does not."""
    spool, synced = Spool(tmp_path), threading.Event()
    checkpoints, first, newer = Checkpoints(spool), _kept(None), _kept(KeptBecause.KEY)
    checkpoints.ask(first)
    checkpoints.save(first)
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.wait(10))
    monkeypatch.setattr("callrec.controller.checkpoints.PATIENCE_SECONDS", 60.0)
    checkpoints.ask(newer)
    saving = threading.Thread(target=checkpoints.save, args=(newer,))
    saving.start()
    checkpoints.wait("call")
    assert [each.capture.kept_because for each in Spool(tmp_path).checkpoints()] == ["key"]
    assert saving.is_alive()
    synced.set()
    saving.join()


def test_a_checkpoint_that_was_not_written_to_its_end_does_not_count(tmp_path: Path) -> None:
    spool, older, newer = Spool(tmp_path), _kept(None).checkpoint, _kept(KeptBecause.KEY).checkpoint
    spool.save_checkpoint(older)
    (written,) = (tmp_path / "checkpoints").iterdir()
    whole = written.read_bytes()
    partial = written.with_name(written.name + PARTIAL)
    partial.write_bytes(whole[: len(whole) // 2])
    assert spool.checkpoints() == [older] and not spool.quarantined()
    written.unlink()
    assert spool.checkpoints() == []
    spool.clear_partial_checkpoints()
    assert not partial.exists()
    partial.write_bytes(whole)
    spool.clear_partial_checkpoints()
    assert spool.checkpoints() == [older], "a whole one is not cleared away"
    spool.save_checkpoint(newer)
    assert spool.checkpoints() == [newer] and not partial.exists()


@pytest.mark.parametrize("end", ["hand_over", "discard"])
def test_a_checkpoint_that_was_never_synced_does_not_bring_a_recording_back(tmp_path: Path, end: str) -> None:
    """The disk was full when it was to be synced."""
    spool, made = Spool(tmp_path), _kept(KeptBecause.KEY).checkpoint
    spool.save_checkpoint(made)
    (written,) = (tmp_path / "checkpoints").iterdir()
    written.rename(written.with_name(written.name + PARTIAL))
    assert spool.checkpoints() == [made]
    if end == "hand_over":
        spool.hand_over(over(made))
    else:
        spool.discard(over(made), whole=True)
    assert spool.checkpoints() == [] and not list((tmp_path / "checkpoints").iterdir())


def test_a_disk_that_hangs_does_not_keep_a_call_from_being_recorded(tmp_path: Path) -> None:
    checkpoints = Checkpoints(Spool(tmp_path))
    checkpoints.ask(_kept(KeptBecause.KEY))
    began = time.monotonic()
    checkpoints.wait("call")
    assert time.monotonic() - began < 2
    checkpoints.wait("another call")


def test_a_call_without_a_capture_is_written_down_until_it_is_over(tmp_path: Path) -> None:
    """Also what is not recorded gets its row, when the process is killed meanwhile."""
    controller = controller_on(tmp_path, FakePbx())
    controller.take_rules(office(("never", "everywhere", None, None)))
    for event in transcript("never")[:11]:
        controller.handle(event)
    controller._executor.close()
    (noted,) = Spool(tmp_path).open_calls()
    assert noted.answered_at and noted.decision and noted.decision.mode == "never"
    again = controller_on(tmp_path, FakePbx())
    again._tracker.resume(noted)
    end(again)
    call = only_call(Spool(tmp_path))
    assert (call.id, call.outcome, call.decision) == (noted.id, "answered", noted.decision)
    assert Spool(tmp_path).open_calls() == []


def test_what_was_handed_over_is_not_taken_up_again(tmp_path: Path) -> None:
    """The process was killed before the checkpoint was taken away, which knows less."""
    spool, made = Spool(tmp_path), _kept(KeptBecause.KEY).checkpoint
    spool.hand_over(over(made))
    spool.save_checkpoint(made)
    again = controller_on(tmp_path, FakePbx())
    again.take_up()
    assert again._tracker.is_empty and not again.followed()
    end(again)
    assert spool.checkpoints() == []
    assert spool.captured_call(made.capture.recording_id) == over(made)


def test_a_full_disk_makes_no_note_come_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Spool, call: CallRecord) -> None:
        raise FULL

    monkeypatch.setattr(Spool, "save_open_call", full)
    controller = controller_on(tmp_path, FakePbx())
    controller._perform(SaveOpenCall("call", checkpoint().call))
    assert controller._again == []
    end(controller)


def test_a_disk_that_stays_full_does_not_keep_the_process_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def full(self: Spool, call: CallRecord) -> None:
        tries.append(call)
        if len(tries) > 9:
            raise AssertionError("it goes on for ever")
        raise FULL

    monkeypatch.setattr(Spool, "save_call", full)
    controller = controller_on(tmp_path, FakePbx())
    controller._perform(SaveCall("call", checkpoint().call))
    end(controller)
    assert len(tries) == 2
