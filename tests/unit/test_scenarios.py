"""Transcripts of real ARI events through the pure part: the commands must be the expected ones."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callrec.model import CallRecord, Outcome
from callrec.recording.commands import HandOver, SaveCall
from tests.scenarios.replay import board, ids_of, office, short, transcript

_SECOND = timedelta(seconds=1)
AUTOMATIC = ("automatic", "everywhere", None, None)
QUIET = ("automatic", "everywhere", None, "none")
NEVER = ("never", "extension", "2101", None)
RULES: dict[str, list[tuple[str, str, str | None, str | None]]] = {
    "inbound_announced": [AUTOMATIC],
    "outbound_announced": [AUTOMATIC],
    "internal": [QUIET],
    "never": [QUIET, NEVER],
    "unanswered": [QUIET],
    "busy": [QUIET],
}

EXPECTED = {
    "inbound_announced": [
        "LetThrough channel=CALLER sounds=('/run/callrec/prompts/ja/notice',)",
        "StartSnoop channel=CALLER snoop=callrec.REC-1-in spy=in whisper=none",
        "StartSnoop channel=CALLER snoop=callrec.REC-1-out spy=out whisper=none",
        "SaveDraft parts=1 ended=False",
        "RecordSnoop snoop=callrec.REC-1-in name=callrec/REC-1-in",
        "RecordSnoop snoop=callrec.REC-1-out name=callrec/REC-1-out",
        "SaveDraft parts=1 ended=False",
        "HandOver parts=1 ended=True",
        "SaveCall inbound 2101 +81312345678 answered automatic",
    ],
    "outbound_announced": [
        "LetThrough channel=CALLER sounds=()",
        "StartSnoop channel=CALLED snoop=callrec.REC-1-in spy=in whisper=none",
        "StartSnoop channel=CALLED snoop=callrec.REC-1-out spy=out whisper=none",
        "SaveDraft parts=1 ended=False",
        "RecordSnoop snoop=callrec.REC-1-in name=callrec/REC-1-in",
        "RecordSnoop snoop=callrec.REC-1-out name=callrec/REC-1-out",
        "SaveDraft parts=1 ended=False",
        "StartSnoop channel=CALLER snoop=callrec.REC-say0 spy=none whisper=both",
        "PlayMedia snoop=callrec.REC-say0 playback=callrec.REC-say0-0"
        " media=('sound:/run/callrec/prompts/ja/notice',)",
        "HangUp channel=callrec.REC-say0",
        "SaveDraft parts=1 ended=False",
        "HandOver parts=1 ended=True",
        "SaveCall outbound 2101 +81398765432 answered automatic",
    ],
    "internal": [
        "LetThrough channel=CALLER sounds=()",
        "StartSnoop channel=CALLER snoop=callrec.REC-1-in spy=in whisper=none",
        "StartSnoop channel=CALLER snoop=callrec.REC-1-out spy=out whisper=none",
        "SaveDraft parts=1 ended=False",
        "RecordSnoop snoop=callrec.REC-1-in name=callrec/REC-1-in",
        "RecordSnoop snoop=callrec.REC-1-out name=callrec/REC-1-out",
        "SaveDraft parts=1 ended=False",
        "HandOver parts=1 ended=True",
        "SaveCall internal 2201 2101 answered automatic",
    ],
    "never": ["LetThrough channel=CALLER sounds=()", "SaveCall inbound 2101 +81312345678 answered never"],
    "unanswered": [
        "LetThrough channel=CALLER sounds=()",
        "SaveCall inbound 2101 +81312345678 unanswered automatic",
    ],
    "busy": ["LetThrough channel=CALLER sounds=()", "SaveCall inbound 2101 +81312345678 busy automatic"],
}


def _replayed(name: str) -> tuple[list[str], CallRecord]:
    events = transcript(name)
    _, recording = ids_of(name)
    played = board(office(*RULES[name]), ids_of(name))
    commands = [command for event in events for command in played.handle(event)]
    channels = list(dict.fromkeys(e.channel.id for e in events if hasattr(e, "channel")))
    names = {recording: "REC", channels[0]: "CALLER", channels[1]: "CALLED"}
    lines = [short(command) for command in commands]
    for real, shown in names.items():
        lines = [line.replace(f"={real}", f"={shown}").replace(real, shown) for line in lines]
    return lines, next(command.call for command in commands if isinstance(command, SaveCall))


@pytest.mark.parametrize("name", list(EXPECTED))
def test_commands(name: str) -> None:
    lines, _ = _replayed(name)
    assert sorted(lines) == sorted(EXPECTED[name])
    assert [line for line in lines if "Record" in line or "Hand" in line] == [
        line for line in EXPECTED[name] if "Record" in line or "Hand" in line
    ]


def test_nothing_is_left_on_the_board() -> None:
    for name in EXPECTED:
        played = board(office(*RULES[name]), ids_of(name))
        for event in transcript(name):
            played.handle(event)
        played.tick(transcript(name)[-1].at)
        assert not played.sessions and not played._lines and not played._members


def test_who_took_part_and_when() -> None:
    _, call = _replayed("inbound_announced")
    assert {each.number for each in call.participants} == {"2101", "+81312345678"}
    assert all(each.left_at and each.left_at > each.joined_at for each in call.participants)
    assert call.answered_at and call.ended_at and call.started_at < call.answered_at < call.ended_at


def test_the_announcement_is_on_record() -> None:
    _, inbound = _replayed("inbound_announced")
    (before,) = inbound.announcements
    assert before.complete and before.finished_at and inbound.answered_at
    assert before.finished_at <= inbound.answered_at
    _, outbound = _replayed("outbound_announced")
    (during,) = outbound.announcements
    assert during.complete and during.leg == "both" and outbound.answered_at
    assert during.started_at >= outbound.answered_at


@pytest.mark.parametrize("name", ["inbound_announced", "outbound_announced", "internal"])
def test_every_event_twice_changes_nothing(name: str) -> None:
    played = board(office(*RULES[name]), ids_of(name))
    commands = [command for event in transcript(name) for _ in range(2) for command in played.handle(event)]
    lines = [short(command) for command in commands]
    assert len([line for line in lines if line.startswith("RecordSnoop")]) == 2
    assert len([line for line in lines if line.startswith("HandOver")]) == 1


@pytest.mark.parametrize("name", ["inbound_announced", "outbound_announced", "internal"])
def test_a_capture_survives_the_loss_of_any_event(name: str) -> None:
    """Whichever event is lost, the capture is handed over once, at the latest when time has passed."""
    events = transcript(name)
    starts = {"ChannelCreated", "GateEntered", "EnteredBridge", "OwnChannelStarted"}
    for lost in range(len(events)):
        if type(events[lost]).__name__ in starts:
            continue  # without these there is nothing to hand over, or the link was away: see test_board
        played = board(office(*RULES[name]), [*ids_of(name), *(f"more-{i}" for i in range(9))])
        commands = [c for i, event in enumerate(events) if i != lost for c in played.handle(event)]
        end = events[-1].at
        commands += played.compare([], {}, [], [], end)
        for seconds in range(1, 12):
            commands += played.tick(end.replace(microsecond=0) + seconds * _SECOND)
        assert [type(c) for c in commands].count(HandOver) == 1, events[lost]
        assert not played.sessions


def test_outcomes() -> None:
    assert _replayed("unanswered")[1].outcome is Outcome.UNANSWERED
    assert _replayed("busy")[1].outcome is Outcome.BUSY
