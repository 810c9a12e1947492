"""Keys and silence over a link that is lost and comes back, and over calls that become one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from callrec.model.calls import KeyResult
from callrec.model.captures import Checkpoint
from callrec.pbx import events as ev
from callrec.recording.actions import DestroyBridge, HangUp, StartSnoop, Unmute
from tests.scenarios.replay import office
from tests.unit.channels import (
    BRIDGE,
    LATER,
    OTHER,
    OUTSIDE,
    PHONE,
    RULE,
    SECOND,
    SNOOPS,
    begin_recording,
    channel,
    on_pbx,
    quiet_tracker,
    talks,
)
from tests.unit.pbx_model import ModelPbx
from tests.unit.recording.by_mode import by_mode, end, press


def _noted(pbx: ModelPbx, key: str, linkedid: str = "1.0") -> ev.RawKeyPress:
    return ev.RawKeyPress(f"{key}-{pbx.now:%s.%f}", key, linkedid, PHONE.name, pbx.now)


def test_a_stop_during_a_pause_lets_nothing_be_heard() -> None:
    pbx = by_mode("manual")
    press(pbx, "keep", "pause")
    done = pbx.tracker.key_pressed(_noted(pbx, "stop"))
    assert any(isinstance(each, HangUp) for each in done)
    assert not any(isinstance(each, Unmute) for each in done)


def test_a_snoop_that_was_not_ended_when_the_link_was_lost_is_ended_when_it_is_back() -> None:
    for killed in (False, True):
        pbx = by_mode("manual")
        press(pbx, "keep")
        pbx.deaf = True
        press(pbx, "stop")
        assert pbx.audible(), "the PBX was not told"
        pbx.deaf = False
        if killed:
            pbx.kill()
        pbx.reconnect([])
        assert not pbx.audible() and not pbx.snoops


def test_a_snoop_that_could_not_be_ended_is_ended_at_the_next_tick() -> None:
    pbx = by_mode("manual")
    press(pbx, "keep")
    pbx.deaf = True
    press(pbx, "stop")
    pbx.deaf = False
    pbx.pass_time(0.5)
    assert not pbx.audible() and not pbx.snoops


def test_a_tone_of_a_call_without_a_recording_does_not_outlive_the_link() -> None:
    pbx = by_mode("never")
    pbx.silent_playbacks = True
    press(pbx, "keep")
    assert pbx.snoops
    pbx.cut()
    pbx.reconnect([])
    assert not pbx.snoops


def test_what_is_begun_by_a_key_of_before_began_when_it_began() -> None:
    pbx = by_mode("manual")
    pbx.cut()
    noted = _noted(pbx, "keep")
    pbx.pass_time(40)
    pbx.reconnect([noted])
    session = pbx.tracker.calls["1.0"]
    assert session.capture and session.capture.started_at == pbx.now
    assert session.record.key_presses[-1].at == noted.at
    pbx.pass_time(0.5)
    assert len(session.capture.tracks.segments) == 1, "and it is not late"
    end(pbx)


def test_a_key_counts_in_one_call_only() -> None:
    pbx = ModelPbx(office(("manual", "everywhere", None, "none")))
    first, second = replace(PHONE, linkedid="1.0"), replace(SECOND, linkedid="2.0")
    tracker = pbx.tracker
    talks(tracker, "b", OUTSIDE, first)
    talks(tracker, "c", second, OTHER)
    key = ev.RawKeyPress("p1", "keep", "2.0", second.name, LATER)
    assert any(isinstance(each, StartSnoop) and each.spy != "none" for each in tracker.key_pressed(key))
    tracker.handle(ev.LeftBridge(LATER, first, "b", (OUTSIDE.id,)))
    tracker.handle(ev.EnteredBridge(LATER, replace(second, linkedid="1.0"), "b", (OUTSIDE.id, second.id)))
    assert tracker.recall([key], LATER) == []
    assert tracker.calls["1.0"].capture is None


@pytest.mark.parametrize("talking", [(OUTSIDE, OTHER), (OUTSIDE, OTHER, SECOND)])
def test_a_call_that_went_on_in_another_while_nobody_watched_is_handed_over(
    talking: tuple[ev.Channel, ...],
) -> None:
    """Its channel lives on: the recording here must not go on for ever beside the other.

    Also where somebody of this call was left, who then comes into the other as well.
    """
    pbx = ModelPbx(office(RULE))
    talks(pbx.tracker, "b", OUTSIDE, PHONE)
    begun = talks(pbx.tracker, "c", SECOND, OTHER)
    begin_recording(pbx.tracker, begun)
    session = pbx.tracker.calls["2.0"]
    assert session.capture
    again = ModelPbx(office(RULE)).tracker
    again.restore(Checkpoint(session.record, session.capture.frozen()))
    snoops = [ev.Channel(id_, "Snoop/x", "Up", "", "", id_, LATER) for id_ in session.capture.tracks.snoops]
    there = [*(replace(each, linkedid="1.0") if each is OTHER else each for each in talking), *snoops]
    done = again.compare(there, {"b": tuple(each.id for each in talking)}, {}, [], LATER)
    ended = {each.channel for each in done if isinstance(each, HangUp)}
    assert ended >= session.capture.tracks.snoops
    for seconds in (1, 7, 8):
        again.tick(LATER + timedelta(seconds=seconds))
    assert "2.0" not in again.calls


def test_nothing_stays_known_of_a_bridge_of_ours_that_was_there_when_the_link_came() -> None:
    played = ModelPbx(office(RULE)).tracker
    played.compare([OUTSIDE, PHONE], {**BRIDGE, "callrec.support": ("callrec.support",)}, {}, [], LATER)
    for each in (OUTSIDE, PHONE):
        played.handle(ev.ChannelDestroyed(LATER, each))
    for seconds in (1, 7, 8):
        played.tick(LATER + timedelta(seconds=seconds))
    assert played.is_empty


def test_a_channel_of_a_process_that_was_killed_is_ended_when_it_comes_late() -> None:
    """A doctor's probe is nobody's either, and is left alone."""
    played, probe = quiet_tracker(), channel("callrec.doctor-1", "Local/s@callrec-gate")
    assert played.handle(ev.OwnChannelStarted(LATER, SNOOPS[0])) == [HangUp(SNOOPS[0].id, SNOOPS[0].id)]
    assert played.handle(ev.OwnChannelStarted(LATER, probe)) == []


def test_a_stray_that_the_pbx_did_not_remove_is_removed_later() -> None:
    played = quiet_tracker()
    strays = played.compare([SNOOPS[0]], {SNOOPS[1].id: ()}, {}, [], LATER)
    assert [type(each) for each in strays] == [HangUp, DestroyBridge]
    for each in strays:
        played.refused(on_pbx(each), "busy", LATER)
    assert played.tick(LATER) == strays and played.tick(LATER) == []


def test_a_stop_that_came_after_the_key_while_nobody_listened_counts() -> None:
    for mode, kept in (("manual", False), ("standby", True)):
        pbx = by_mode(mode)
        pbx.cut()
        keys = [_noted(pbx, "keep")]
        pbx.now += timedelta(seconds=5)
        keys.append(_noted(pbx, "stop"))
        pbx.reconnect(keys)
        assert bool(pbx.audible()) is kept
        end(pbx)


def test_a_key_told_late_does_not_undo_what_was_said_since() -> None:
    pbx = by_mode("manual")
    early = [_noted(pbx, "keep"), replace(_noted(pbx, "stop"), id="s", at=pbx.now + timedelta(seconds=1))]
    press(pbx, "keep", "stop")
    pbx.reconnect(early[:1])
    assert not pbx.audible()
    press(pbx, "keep")
    pbx.reconnect(early)
    assert pbx.audible()


def test_nothing_is_discarded_until_the_keys_could_be_read() -> None:
    for wanted in (True, False):
        pbx = by_mode("standby")
        pbx.cut()
        noted = [_noted(pbx, "keep")] if wanted else []
        end(pbx)
        pbx.reconnect(None)
        pbx.pass_time(10)
        assert not pbx.discarded and not pbx.kept and pbx.checkpoints
        pbx.recall(noted)
        pbx.pass_time(1)
        assert bool(pbx.kept) is wanted and bool(pbx.discarded) is not wanted and not pbx.checkpoints
        assert not pbx.tracker.calls


def test_a_key_of_a_call_that_is_over_begins_nothing() -> None:
    pbx = by_mode("manual")
    pbx.cut()
    noted = _noted(pbx, "help")
    end(pbx)
    pbx.reconnect([noted])
    pbx.pass_time(10)
    assert not pbx.kept and not pbx.ever_recorded
    assert pbx.calls[-1].call.incident and [each.recorded for each in pbx.alerts] == [False]
    assert [each.result for each in pbx.calls[-1].call.key_presses] == [KeyResult.HELP_SENT]


def test_a_restart_changes_no_decision_of_a_call_that_waits_for_a_key() -> None:
    """The rules have changed meanwhile; the call began under those of before."""
    pbx = by_mode("manual")
    pbx.office = office(("automatic", "everywhere", None, "none"))
    pbx.kill()
    pbx.reconnect([])
    assert not pbx.ever_recorded
    assert press(pbx, "keep") == ["started"] and len(pbx.audible()) == 2
    end(pbx)


@pytest.mark.parametrize("key", ["help", "keep"])
def test_a_key_pressed_after_the_controller_was_killed_is_in_the_row(key: str) -> None:
    """The call is over when the next controller starts: help was called for all the same."""
    pbx = by_mode("manual")
    pbx.kill()
    noted = _noted(pbx, key)
    end(pbx)
    pbx.reconnect([noted])
    pbx.pass_time(10)
    (row,) = pbx.calls
    assert [each.result for each in row.call.key_presses] == ["help-sent" if key == "help" else "refused"]
    assert len(pbx.alerts) == row.call.incident == (key == "help")
    assert {each.call_id for each in pbx.alerts} <= {row.call.id} and not pbx.ever_recorded


def test_help_that_was_called_for_is_not_lost_where_the_keys_are_read_late() -> None:
    """The PBX told of its channels, not of the keys; the call was over by then."""
    pbx = by_mode("manual")
    pbx.kill()
    noted = _noted(pbx, "help")
    end(pbx)
    pbx.reconnect(None)
    pbx.pass_time(10)
    pbx.recall([noted])
    pbx.pass_time(1)
    assert len(pbx.alerts) == 1 and not pbx.tracker.calls and not pbx.open
    assert [each.key for each in pbx.calls[-1].call.key_presses] == ["help"] and pbx.calls[-1].call.incident


def test_a_key_counts_that_was_pressed_under_the_linked_id_of_a_call_that_went_into_this_one() -> None:
    """In a conference linked ids stay as they were; the controller was killed, and forgot which are one."""
    pbx = by_mode("automatic")
    pbx.kill()
    noted = _noted(pbx, "help", linkedid="0.5")
    end(pbx)
    pbx.reconnect([noted])
    pbx.pass_time(10)
    (kept,) = pbx.kept.values()
    assert kept.call.incident and len(pbx.alerts) == 1


def test_one_press_has_one_alert_whoever_tells_of_it() -> None:
    """The event comes a little after the dialplan has noted the key."""
    ids = set()
    for live in (True, False):
        pbx = by_mode("manual")
        pressed = pbx.now - timedelta(milliseconds=3)
        id_ = f"1.1-1-{pressed.timestamp():.3f}"
        if live:
            fields = {"Key": "help", "Id": id_}
            pbx._perform(pbx.tracker.handle(ev.DialplanSaid(pbx.now, PHONE, fields)))
        else:
            pbx.recall([ev.RawKeyPress(id_, "help", "1.0", PHONE.name, pressed)])
        ids |= {each.id for each in pbx.alerts}
        assert pbx.tracker.has_heard(id_)
    assert len(ids) == 1


def test_a_call_that_was_noted_before_the_dialplan_took_it_over_has_one_row() -> None:
    """The controller was too slow at the gate; the journal tells of the call, under another id."""
    pbx = ModelPbx(office(("manual", "everywhere", None, "none")))
    pbx.create(OUTSIDE)
    pbx._perform(pbx.tracker.handle(ev.GateEntered(pbx.now, OUTSIDE, "inbound", "2101", "0312345678")))
    assert pbx.open
    pbx.fall_back(OUTSIDE.id)
    assert not pbx.open
    pbx.kill()
    pbx.reconnect([])
    end(pbx)
    assert not pbx.calls or pbx.calls[-1].call.answered_at is None


@pytest.mark.parametrize("key", ["keep", "help"])
def test_a_key_that_is_told_late_ends_no_pause_of_later(key: str) -> None:
    pbx = by_mode("manual")
    late = _noted(pbx, key)
    press(pbx, "keep", "pause")
    pbx.recall([late])
    assert not pbx.audible()
    assert late.id in [each.id for each in pbx.tracker.calls["1.0"].record.key_presses]
    assert press(pbx, "pause") == ["resumed"] and len(pbx.audible()) == 2
    end(pbx)


@pytest.mark.parametrize(("pressed_on", "heard"), [("9.9", 0), (PHONE.id, 1), ("", 1)])
def test_a_key_of_the_other_call_of_one_phone_is_not_this_calls(pressed_on: str, heard: int) -> None:
    """Its own call is over, and the same person took part in this one on another channel."""
    pbx = by_mode("manual")
    pbx.pass_time(1)
    key = ev.RawKeyPress("p1", "keep", "9.9", "PJSIP/2101-00000099", pbx.now, pressed_on)
    pbx.recall([key])
    assert len(pbx.tracker.calls["1.0"].record.key_presses) == heard
    end(pbx)


def test_a_channel_is_in_the_call_it_was_in_before_a_restart() -> None:
    """Its linked id is of a call that has ended since: that of who came in last is the oldest."""
    pbx = by_mode("automatic")
    older = replace(channel("0.5", "PJSIP/2102-00000009", "2102", linkedid="0.5"))
    pbx.create(older)
    pbx.enter(older.id)
    for id_, made in pbx.channels.items():
        pbx.channels[id_] = replace(made, linkedid="0.5")
    pbx.kill()
    pbx.reconnect([])
    assert list(pbx.tracker.calls) == ["1.0"] and len(pbx.audible()) == 2
    end(pbx)
    assert len(pbx.kept) == 1
