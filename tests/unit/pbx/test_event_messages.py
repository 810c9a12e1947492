"""An event in which something else stands for a text is refused as a whole, not by half a call."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from callrec.pbx.event_messages import moment, parse
from tests.scenarios.replay import HERE


def _message(kind: str) -> dict[str, Any]:
    lines = (HERE / "standby_kept.jsonl").read_text("utf-8").splitlines()
    return next(each for each in map(json.loads, lines) if each["type"] == kind)


@pytest.mark.parametrize(
    ("kind", "place", "odd"),
    [
        ("ChannelCreated", ("channel", "id"), None),
        ("ChannelCreated", ("channel", "channelvars", "CHANNEL(linkedid)"), 7),
        ("ChannelDestroyed", ("cause",), "16"),
        ("ChannelEnteredBridge", ("bridge", "id"), []),
        ("ChannelEnteredBridge", ("bridge", "channels"), [None]),
        ("RecordingStarted", ("recording", "name"), {}),
        ("ChannelUserevent", ("userevent",), {"Key": None}),
        ("RecordingStarted", ("timestamp",), "2026-11-22T14:41:56.477"),
        ("RecordingStarted", ("timestamp",), "yesterday"),
        ("RecordingStarted", ("timestamp",), 1795358516),
    ],
)
def test_what_is_no_text_is_refused(kind: str, place: tuple[str, ...], odd: object) -> None:
    message = _message(kind)
    assert parse(message)
    inner = message
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = odd
    with pytest.raises((TypeError, ValueError, AttributeError)):
        parse(message)


def test_a_moment_is_in_utc_whatever_zone_the_pbx_writes() -> None:
    told = moment("2026-11-22T23:41:56.477+0900")
    assert told == datetime(2026, 11, 22, 14, 41, 56, 477000, UTC) and told.tzinfo is UTC
