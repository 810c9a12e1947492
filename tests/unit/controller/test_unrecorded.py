"""What should be recorded and is not is told: while the call lasts, and for a day after."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from callrec.controller.controller import Controller
from callrec.controller.unrecorded import PATIENCE_SECONDS, Unrecorded
from callrec.demo.processes import wait_until
from callrec.model.captures import SilenceReason
from callrec.model.flaws import Flaw
from callrec.pbx.events import LeftBridge, OwnChannelStarted, RecordingFinished, RecordingStarted
from callrec.recording.segment import SIDES
from callrec.spool.directory import Spool
from tests.scenarios.replay import transcript
from tests.unit.channels import on_pbx
from tests.unit.controller.replayed import NAME, controller_on, end, play
from tests.unit.fakes import FakePbx
from tests.unit.recording.captures import NOW, new_capture


def test_a_capture_lacks_until_both_tracks_run_and_not_while_it_is_silent_on_purpose() -> None:
    capture = new_capture()
    assert not capture.lacks, "nothing was begun"
    snoop, _ = capture.start_segment("1.0", NOW)
    assert capture.lacks.startswith("the PBX does not begin")
    capture.refused(on_pbx(snoop), "500 no channel", NOW)
    assert capture.lacks.startswith("500 no channel")
    capture.retry(NOW + timedelta(seconds=1))
    assert "500" in capture.lacks, "asked again, which is no recording yet"
    for side in ("external", "staff"):
        capture.channel_started(f"callrec.rec-2-{side}")
        capture.recording_started(f"callrec/rec-2-{side}", NOW)
    assert not capture.lacks
    capture.recording_ended("callrec/rec-2-staff", NOW, "write error")
    assert "write" in capture.lacks
    capture.silence(SilenceReason.PRIVACY, NOW)
    assert not capture.lacks


def test_a_pbx_that_refuses_every_snoop_is_not_well(tmp_path: Path) -> None:
    now, pbx = [0.0], FakePbx(refuse={"snoop"})
    controller = controller_on(tmp_path, pbx)
    controller._unrecorded = Unrecorded(lambda: now[0])
    ours = (OwnChannelStarted, RecordingStarted)
    events = [each for each in transcript(NAME) if not isinstance(each, ours)]
    talk = next(n for n, each in enumerate(events) if type(each).__name__ == "EnteredBridge") + 2
    for event in events[:talk]:
        controller.handle(event)
    assert not controller.problems(), "it may take a moment"
    now[0] = PATIENCE_SECONDS
    (told,) = controller.problems()
    assert str(told).startswith("extension 2101 should be recorded and is not (call call-1): ")
    end(controller)


@pytest.mark.parametrize("refused", ["snoop", "record", ""])
def test_a_call_that_was_to_be_recorded_and_was_not_is_told_for_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    controller = controller_on(tmp_path, FakePbx(refuse={refused}))
    of_tracks = (RecordingStarted, RecordingFinished) if refused else ()
    events = [each for each in transcript(NAME) if not isinstance(each, of_tracks)]
    hung_up = next(n for n, each in enumerate(events) if isinstance(each, LeftBridge))
    for event in events[:hung_up]:
        controller.handle(event)
    if refused:
        wait_until(lambda: _refusals(controller) == 2, 10, "both refusals")
    for event in events[hung_up:]:
        controller.handle(event)
    monkeypatch.setattr(controller, "_now", lambda: event.at + timedelta(seconds=10))
    controller.tick()  # for so long the PBX may tell of a track
    wait_until(lambda: bool(Spool(tmp_path).waiting()), 10, "the capture")
    end(controller)
    told = Spool(tmp_path).flaws.recent()
    assert told == ({Flaw.NOT_RECORDED: ["call-1"]} if refused else {})


def _refusals(controller: Controller) -> int:
    """How many tracks were refused so far."""
    captures = [each.capture for each in controller._tracker.calls.values() if each.capture]
    last = [capture.tracks.last for capture in captures if capture.tracks.last]
    return sum("does not answer" in (each.track(side).failed or "") for each in last for side in SIDES)


def test_who_hung_up_at_once_was_not_missed(tmp_path: Path) -> None:
    controller = controller_on(tmp_path, FakePbx())
    play(controller)
    assert not Spool(tmp_path).flaws.recent()
