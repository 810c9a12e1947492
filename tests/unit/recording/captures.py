"""A capture by itself, for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from callrec.model.captures import KeptBecause
from callrec.recording.actions import Action, StartSnoop
from callrec.recording.capture import LiveCapture

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def renew(capture: LiveCapture, at: datetime) -> list[Action]:
    """Another voice is heard on the channel."""
    capture.needs_new_snoops = True
    return capture.renew_snoops(at)


def new_capture() -> LiveCapture:
    return LiveCapture("call", "rec", NOW, KeptBecause.AUTOMATIC)


def asked_capture() -> LiveCapture:
    """Both tracks are asked for; of neither anything was told."""
    capture = new_capture()
    for command in capture.start_segment("1.0", NOW):
        assert isinstance(command, StartSnoop)
        capture.channel_started(command.snoop)
    return capture
