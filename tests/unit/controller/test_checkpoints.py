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
from callrec.model.calls import CallRecord
from callrec.model.captures import Draft
from callrec.pbx.events import OwnChannelStarted
from callrec.recording.actions import HandOver, SaveCall, SaveCheckpoint, SaveOpenCall
from callrec.spool.directory import Spool
from callrec.spool.files import PARTIAL
from tests.scenarios.replay import office, transcript
from tests.unit.controller.replayed import NAME, controller_on, end
from tests.unit.fakes import FakePbx
from tests.unit.samples import draft, only_call

FULL = OSError(28, "No space left on device")
save_for_real = Spool.save_draft


def _kept(because: str) -> SaveCheckpoint:
    before = draft()
    return SaveCheckpoint("call", replace(before, capture=replace(before.capture, kept_because=because)))


def test_an_older_draft_never_replaces_a_newer_one(tmp_path: Path) -> None:
    """The disk was full for the older one only: it is tried again when the newer one is there."""
    drafts, older, newer = Checkpoints(Spool(tmp_path)), _kept(""), _kept("key")
    drafts.ask(older)
    drafts.ask(newer)
    drafts.save(newer)
    drafts.save(older)
    (found,) = Spool(tmp_path).drafts()
    assert found.capture.kept_because == "key"


def test_a_draft_that_comes_late_does_not_bring_a_recording_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full when the draft was to be written, and not when the recording was handed over."""
    controller, late = controller_on(tmp_path, FakePbx()), _kept("key")

    def full(self: Spool, draft: Draft, written: object) -> None:
        raise FULL

    monkeypatch.setattr(Spool, "save_draft", full)
    controller._perform(SaveOpenCall("call", late.draft.call))
    controller._drafts.ask(late)
    controller._perform(late)
    assert controller._again == [late]
    monkeypatch.setattr(Spool, "save_draft", save_for_real)
    controller._perform(HandOver("call", late.draft))
    controller.tick()
    end(controller)
    assert Spool(tmp_path).drafts() == [] and Spool(tmp_path).noted_calls() == []
    assert Spool(tmp_path).waiting() == [late.draft.capture.recording_id]


def test_nothing_is_recorded_before_it_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller that is killed a moment later knows of the files: none is lost, none stays behind."""
    names, unknown = [], []

    class Watched(FakePbx):
        def record(self, snoop_id: str, name: str) -> None:
            known = [
                track.name
                for each in Spool(tmp_path).drafts()
                for segment in each.capture.segments
                for track in (segment.external, segment.staff)
            ]
            names.append(name)
            unknown.extend([name] if name not in known else [])

    def slow(self: Spool, draft: Draft, written: Callable[[], None]) -> None:
        time.sleep(0.03)
        save_for_real(self, draft, written)

    monkeypatch.setattr(Spool, "save_draft", slow)
    monkeypatch.setattr("callrec.controller.checkpoints.PATIENCE_SECONDS", 10.0)  # the machine may be busy
    controller, events = controller_on(tmp_path, Watched()), transcript(NAME)
    snoops = [number for number, event in enumerate(events) if isinstance(event, OwnChannelStarted)]
    for event in events[: snoops[-1] + 1]:
        controller.handle(event)
    controller._lanes.close()
    assert len(names) == 2 and not unknown


def test_a_disk_that_syncs_slowly_holds_no_recording_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A draft counts as soon as it is written: a kill leaves it, only a power failure does not."""
    spool, synced = Spool(tmp_path), threading.Event()
    drafts, first, newer = Checkpoints(spool), _kept(""), _kept("key")
    drafts.ask(first)
    drafts.save(first)
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.wait(10))
    monkeypatch.setattr("callrec.controller.checkpoints.PATIENCE_SECONDS", 60.0)
    drafts.ask(newer)
    saving = threading.Thread(target=drafts.save, args=(newer,))
    saving.start()
    drafts.wait("call")
    assert [each.capture.kept_because for each in Spool(tmp_path).drafts()] == ["key"]
    assert saving.is_alive()
    synced.set()
    saving.join()


def test_a_draft_that_was_not_written_to_its_end_does_not_count(tmp_path: Path) -> None:
    spool, older, newer = Spool(tmp_path), _kept("").draft, _kept("key").draft
    spool.save_draft(older)
    (written,) = (tmp_path / "drafts").iterdir()
    whole = written.read_bytes()
    partial = written.with_name(written.name + PARTIAL)
    partial.write_bytes(whole[: len(whole) // 2])
    assert spool.drafts() == [older] and not spool.aside()
    written.unlink()
    assert spool.drafts() == []
    spool.clear_partial_drafts()
    assert not partial.exists()
    partial.write_bytes(whole)
    spool.clear_partial_drafts()
    assert spool.drafts() == [older], "a whole one is not cleared away"
    spool.save_draft(newer)
    assert spool.drafts() == [newer] and not partial.exists()


@pytest.mark.parametrize("end", ["hand_over", "discard"])
def test_a_draft_that_was_never_synced_does_not_bring_a_recording_back(tmp_path: Path, end: str) -> None:
    """The disk was full when it was to be synced."""
    spool, over = Spool(tmp_path), _kept("key").draft
    spool.save_draft(over)
    (written,) = (tmp_path / "drafts").iterdir()
    written.rename(written.with_name(written.name + PARTIAL))
    assert spool.drafts() == [over]
    if end == "hand_over":
        spool.hand_over(over)
    else:
        spool.discard(over, whole=True)
    assert spool.drafts() == [] and not list((tmp_path / "drafts").iterdir())


def test_a_disk_that_hangs_does_not_keep_a_call_from_being_recorded(tmp_path: Path) -> None:
    drafts = Checkpoints(Spool(tmp_path))
    drafts.ask(_kept("key"))
    began = time.monotonic()
    drafts.wait("call")
    assert time.monotonic() - began < 2
    drafts.wait("another call")


def test_a_call_without_a_capture_is_written_down_until_it_is_over(tmp_path: Path) -> None:
    """Also what is not recorded gets its row, when the process is killed meanwhile."""
    controller = controller_on(tmp_path, FakePbx())
    controller.take_rules(office(("never", "everywhere", None, None)))
    for event in transcript("never")[:11]:
        controller.handle(event)
    controller._lanes.close()
    (noted,) = Spool(tmp_path).noted_calls()
    assert noted.answered_at and noted.decision and noted.decision.mode == "never"
    again = controller_on(tmp_path, FakePbx())
    again._board.resume(noted)
    end(again)
    call = only_call(Spool(tmp_path))
    assert (call.id, call.outcome, call.decision) == (noted.id, "answered", noted.decision)
    assert Spool(tmp_path).noted_calls() == []


def test_a_full_disk_makes_no_note_come_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Spool, call: CallRecord) -> None:
        raise FULL

    monkeypatch.setattr(Spool, "note_call", full)
    controller = controller_on(tmp_path, FakePbx())
    controller._perform(SaveOpenCall("call", draft().call))
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
    controller._perform(SaveCall("call", draft().call))
    end(controller)
    assert len(tries) == 2
