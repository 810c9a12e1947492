"""The keys, on the pure part: what is kept, what is silent, who hears a tone. Any order of anything."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from callrec.model.calls import FeatureCode, KeyResult
from callrec.model.rules import Mode
from callrec.pbx import events as ev
from callrec.recording.keys import pressed
from callrec.recording.states import KEEPING, RecordingState
from tests.scenarios.replay import office
from tests.unit.channels import OUTSIDE, PHONE
from tests.unit.pbx_model import ModelPbx
from tests.unit.recording.by_mode import (
    COLLEAGUE,
    OTHER_OFFICE,
    by_mode,
    end,
    press,
    segments,
    talking,
    transfer,
)


@pytest.mark.parametrize(
    ("mode", "keys", "effects"),
    [
        ("manual", ("keep", "keep", "stop", "stop", "keep"), "started unchanged stopped unchanged started"),
        ("manual", ("stop", "pause", "keep"), "unchanged refused started"),
        ("manual", ("keep", "pause", "keep", "pause", "pause"), "started paused resumed paused resumed"),
        ("manual", ("keep", "stop", "pause", "help"), "started stopped refused help-sent"),
        ("manual", ("keep", "pause", "stop", "keep"), "started paused stopped started"),
        ("standby", ("stop", "pause", "pause", "keep", "keep"), "refused paused resumed kept unchanged"),
        ("automatic", ("keep", "keep", "stop", "pause", "pause"), "marked unchanged refused paused resumed"),
        ("automatic", ("pause", "keep"), "paused marked"),
        ("never", ("keep", "stop", "pause", "help"), "refused refused refused help-sent"),
    ],
)
def test_what_a_key_does(mode: str, keys: tuple[str, ...], effects: str) -> None:
    pbx = by_mode(mode)
    assert press(pbx, *keys) == effects.split()
    end(pbx)
    assert not pbx.snoops


def test_manual_is_kept_from_the_key_to_the_stop_and_again_in_one_recording() -> None:
    pbx = by_mode("manual")
    assert not pbx.ever_recorded
    press(pbx, "keep", "keep")
    assert len(pbx.audible()) == 2
    press(pbx, "stop")
    assert not pbx.snoops and not pbx.audible()
    press(pbx, "keep")
    end(pbx)
    assert segments(pbx) == [1, 2] and not pbx.discarded
    (captured,) = pbx.kept.values()
    assert [pause.reason for pause in captured.capture.silences] == ["stop"]
    assert captured.capture.kept_because == "key" and not captured.call.incident


def test_standby_is_discarded_unless_a_key_is_pressed_and_then_kept_whole() -> None:
    pbx = by_mode("standby")
    assert len(pbx.audible()) == 2
    end(pbx)
    assert not pbx.kept and len(pbx.discarded) == 1 and not pbx.checkpoints
    pbx = by_mode("standby")
    press(pbx, "keep")
    end(pbx)
    assert not pbx.discarded and segments(pbx) == [1]


def test_the_key_marks_a_call_that_is_recorded_anyway_and_help_is_not_forgotten() -> None:
    pbx = by_mode("automatic")
    press(pbx, "help", "keep")
    end(pbx)
    (captured,) = pbx.kept.values()
    assert captured.call.incident and captured.capture.kept_because == "help"


def test_help_tells_at_once_and_once_for_two_quick_presses() -> None:
    pbx = by_mode("manual")
    press(pbx, "help", "help")
    told = [(each.extension, each.facility, each.recorded) for each in pbx.alerts]
    assert told == [("2101", "shiba", True)]
    assert len(pbx.audible()) == 2, "and it is being recorded"
    pbx.pass_time(60)
    press(pbx, "help")
    assert [each.recorded for each in pbx.alerts] == [True, True]
    end(pbx)
    (captured,) = pbx.kept.values()
    assert captured.call.incident and captured.capture.kept_because == "help"


def test_help_where_nothing_may_be_recorded_goes_out_without_sound() -> None:
    pbx = by_mode("never")
    press(pbx, "help")
    end(pbx)
    (alert,) = pbx.alerts
    assert not alert.recorded and not pbx.ever_recorded
    assert pbx.calls[-1].call.incident


def test_a_privacy_pause_is_silence_on_the_same_tracks() -> None:
    pbx = by_mode("automatic")
    press(pbx, "pause")
    assert len(pbx.recordings) == 2 and not pbx.audible()
    press(pbx, "pause")
    assert len(pbx.audible()) == 2
    press(pbx, "pause")
    end(pbx)
    (captured,) = pbx.kept.values()
    assert [pause.finished_at is None for pause in captured.capture.silences] == [False, True]
    assert segments(pbx) == [1]


@pytest.mark.parametrize("key", ["pause", "stop"])
def test_that_nothing_is_recorded_is_told_when_it_is_so(key: str) -> None:
    """The PBX takes its time. Whoever hears the tone may say a card number."""
    pbx = by_mode("manual")
    press(pbx, "keep")
    told = len(pbx.played)
    pbx.slow = True
    press(pbx, key)
    pbx.pass_time(4)
    assert pbx.audible() and len(pbx.played) == told
    pbx.catch_up()
    assert not pbx.audible() and pbx.played[told:] == [(PHONE.id, "out")]
    press(pbx, key)
    assert len(pbx.played) == told + 2
    end(pbx)


def test_a_tone_that_would_no_more_be_true_is_not_played() -> None:
    pbx = by_mode("automatic")
    pbx.slow = True
    press(pbx, "pause", "pause")
    assert len(pbx.played) == 1, "that the pause is over"
    pbx.catch_up()
    assert len(pbx.played) == 1
    end(pbx)


def test_keys_from_outside_and_presses_told_twice_mean_nothing() -> None:
    pbx = by_mode("standby")
    assert press(pbx, "keep", by=OUTSIDE) == []
    pbx.twice = True
    assert press(pbx, "pause") == [KeyResult.PAUSED], "a toggle that is told twice is pressed once"
    assert not pbx.audible()


def test_only_who_pressed_hears_the_tone() -> None:
    pbx = by_mode("never")
    press(pbx, "keep")
    assert pbx.played == [(PHONE.id, "out")] and not pbx.snoops


def test_a_transfer_to_never_is_silent_until_somebody_else_talks() -> None:
    pbx = talking(("automatic", "everywhere", None, "none"), ("never", "extension", "2102", None))
    transfer(pbx, COLLEAGUE)
    assert not pbx.audible() and pbx.recordings
    assert press(pbx, "keep", "pause", by=COLLEAGUE) == [KeyResult.REFUSED] * 2
    transfer(pbx, OTHER_OFFICE)
    assert len(pbx.audible()) == 2
    end(pbx)
    (captured,) = pbx.kept.values()
    assert [pause.reason for pause in captured.capture.silences] == ["never"]
    assert [turn.extensions for turn in captured.call.decision_changes] == [("2102",), ("2201",)]
    assert captured.call.decision and captured.call.decision.rule == 1


def test_a_transfer_to_never_that_nobody_saw_is_silent_from_when_that_phone_rang() -> None:
    pbx = talking(("automatic", "everywhere", None, "none"), ("never", "extension", "2102", None))
    pbx.pass_time(5)
    pbx.kill()
    pbx.pass_time(5)
    rang_at = pbx.now
    transfer(pbx, replace(COLLEAGUE, created_at=rang_at))
    pbx.pass_time(5)
    pbx.reconnect([])
    assert not pbx.audible()
    end(pbx)
    (captured,) = pbx.kept.values()
    assert [(each.reason, each.started_at) for each in captured.capture.silences] == [("never", rang_at)]


@pytest.mark.parametrize("first", ["manual", "never"])
def test_a_transfer_to_automatic_begins_the_recording_there(first: str) -> None:
    pbx = talking((first, "extension", "2101", "none"), ("automatic", "extension", "2102", "none"))
    assert not pbx.ever_recorded
    transfer(pbx, COLLEAGUE)
    assert len(pbx.audible()) == 2
    end(pbx)
    (captured,) = pbx.kept.values()
    assert captured.call.decision and captured.call.decision.rule == 2
    assert captured.capture.kept_because == "automatic"


def test_what_was_on_standby_before_a_transfer_to_automatic_needs_the_key() -> None:
    rules: Any = (("standby", "extension", "2101", "none"), ("automatic", "extension", "2102", "none"))
    pbx = talking(*rules)
    transfer(pbx, COLLEAGUE)
    end(pbx)
    assert segments(pbx) == [2] and len(pbx.discarded) == 1
    pbx = talking(*rules)
    transfer(pbx, COLLEAGUE)
    assert press(pbx, "keep", by=COLLEAGUE) == [KeyResult.MARKED]
    end(pbx)
    assert segments(pbx) == [1, 2] and not pbx.discarded


@pytest.mark.parametrize("mode", ["standby", "manual"])
@pytest.mark.parametrize("over", [False, True], ids=["goes on", "is over"])
def test_a_key_pressed_while_the_controller_was_killed_counts(mode: str, over: bool) -> None:
    pbx = by_mode(mode)
    pbx.kill()
    pbx.press(PHONE.id, "keep", "p1")
    noted = ev.RawKeyPress("p1", "keep", "1.0", PHONE.name, pbx.now)
    if over:
        end(pbx)
    pbx.reconnect([noted])
    pbx.pass_time(10)
    end(pbx)
    if mode == "manual" and over:
        assert not pbx.kept, "there never was anything to keep"
    else:
        assert len(pbx.kept) == 1 and not pbx.discarded
    assert not pbx.snoops


@pytest.mark.parametrize(
    ("mode", "effects"),
    [
        ("manual", "started stopped started"),
        ("automatic", "marked refused help-sent"),
        ("never", "refused refused help-sent"),
    ],
)
def test_keys_in_a_call_that_the_dialplan_took_over(mode: str, effects: str) -> None:
    """What is recorded automatically, the dialplan records; what waits for a key, nobody does yet."""
    pbx = ModelPbx(office((mode, "everywhere", None, "none")))
    pbx.create(OUTSIDE)
    pbx.fallback_goes_on = True
    pbx.fall_back(OUTSIDE.id, records=mode == "automatic")
    pbx.create(PHONE)
    pbx.enter(PHONE.id, OUTSIDE.id)
    assert not pbx.ever_recorded
    third = "keep" if mode == "manual" else "help"
    assert press(pbx, "keep", "stop", third) == effects.split()
    assert [each.recorded for each in pbx.alerts] == {"manual": [], "automatic": [True], "never": [False]}[
        mode
    ]
    assert len(pbx.audible()) == (2 if mode == "manual" else 0)
    end(pbx)
    assert len(pbx.kept) == len(pbx.calls) == (1 if mode == "manual" else 0), "else the journal tells of it"


def test_a_pause_holds_over_a_restart_and_a_transfer() -> None:
    pbx = by_mode("automatic")
    press(pbx, "pause")
    pbx.kill()
    pbx.reconnect([])
    assert not pbx.audible()
    transfer(pbx, COLLEAGUE)
    pbx.pass_time(5)
    assert not pbx.audible()
    press(pbx, "pause", by=COLLEAGUE)
    assert len(pbx.audible()) == 2
    end(pbx)
    assert not pbx.snoops and len(pbx.kept) == 1


@pytest.mark.parametrize("key", FeatureCode)
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("state", RecordingState)
def test_every_key_has_an_answer_and_takes_only_steps_of_the_table(
    key: FeatureCode, mode: Mode, state: RecordingState
) -> None:
    for paused, marked in product((False, True), repeat=2):
        result, step = pressed(key, mode, state, paused=paused, marked=marked)
        assert step is None or step in KEEPING[state]
        if mode is Mode.NEVER:
            assert step is None, "under never nothing is captured"
            assert result is (KeyResult.HELP_SENT if key is FeatureCode.HELP else KeyResult.REFUSED)
        if result is KeyResult.REFUSED:
            assert step is None
