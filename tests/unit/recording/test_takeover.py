"""A call that the dialplan records, because callrec was away when it began, is taken over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from callrec import ids
from callrec.model.captures import CapturedCall, SilenceReason
from callrec.model.rules import Direction, Mode
from callrec.pbx import events as ev
from tests.scenarios.replay import office
from tests.unit.channels import LATER, OUTSIDE, PHONE, channel, quiet_tracker
from tests.unit.pbx_model import ModelPbx
from tests.unit.recording.by_mode import COLLEAGUE, OTHER_OFFICE, end, press, transfer

AUTOMATIC = ("automatic", "everywhere", None, "none")
NEVER = ("never", "extension", "2102", None)
TALKED = timedelta(seconds=60)


def _away(
    *rules: tuple[str, str, str | None, str | None], peers: tuple[str, ...] = (PHONE.name,)
) -> ModelPbx:
    """2101 has talked for a minute with somebody outside; the dialplan records, and callrec is away."""
    pbx = ModelPbx(office(*rules))
    pbx.cut()
    pbx.create(OUTSIDE)
    pbx.fall_back(OUTSIDE.id, records=True, parties="inbound|2101|0312345678")
    pbx.fallbacks[OUTSIDE.id] = replace(pbx.fallbacks[OUTSIDE.id], peers=peers)
    pbx.create(PHONE)
    pbx.enter(PHONE.id, OUTSIDE.id)
    pbx.now += TALKED
    pbx.recorded_by_fallback = TALKED
    return pbx


def _kept(pbx: ModelPbx) -> CapturedCall:
    end(pbx)
    assert not pbx.snoops and not pbx.discarded
    (kept,) = pbx.kept.values()
    return kept


def test_what_the_dialplan_recorded_is_the_first_segment() -> None:
    pbx = _away(AUTOMATIC)
    back = pbx.now
    pbx.reconnect([])
    assert len(pbx.audible()) == 2
    pbx.now += TALKED
    kept = _kept(pbx)
    first, second = kept.capture.segments
    assert first.external.name == "callrec/fallback-1.0-external" and first.external.finished_at == back
    assert (first.began_at, kept.call.answered_at) == (back - TALKED, back - TALKED)
    assert second.began_at == back and not kept.capture.gaps and not kept.capture.silences
    assert {each.extension for each in kept.call.participants} == {None, "2101"}
    assert "callrec was away when this call began" in [note.text for note in kept.call.notes]


def test_a_transfer_to_never_is_silent_from_there() -> None:
    pbx = _away(AUTOMATIC, NEVER)
    pbx.reconnect([])
    pbx.now += TALKED
    transfer(pbx, COLLEAGUE)
    assert pbx.snoops and not pbx.audible()
    moved = pbx.now
    kept = _kept(pbx)
    (silence,) = kept.capture.silences
    assert (silence.started_at, silence.reason) == (moved, SilenceReason.NEVER)
    assert [each.extension for each in kept.call.participants] == [None, "2101", None, "2102"]


@pytest.mark.parametrize("killed", [False, True])
def test_a_transfer_to_never_that_nobody_saw_is_silent_from_when_the_phone_was_there(killed: bool) -> None:
    pbx = _away(AUTOMATIC, NEVER)
    there = pbx.now - timedelta(seconds=20)
    transfer(pbx, replace(COLLEAGUE, created_at=there))
    pbx.reconnect([])
    if killed:
        pbx.kill()
        pbx.reconnect([])
    assert not pbx.audible()
    kept = _kept(pbx)
    (silence,) = kept.capture.silences
    assert silence.started_at == there and kept.call.decision and kept.call.decision.mode is Mode.AUTOMATIC
    assert [each.decision.mode for each in kept.call.decision_changes] == [Mode.NEVER]
    took_part = {each.extension: (each.joined_at, each.left_at) for each in kept.call.participants}
    assert took_part["2101"] == (kept.call.answered_at, there) and took_part["2102"][0] == there


def test_from_never_on_to_somebody_else_it_goes_on() -> None:
    pbx = _away(AUTOMATIC, NEVER)
    transfer(pbx, COLLEAGUE)
    pbx.reconnect([])
    assert not pbx.audible()
    transfer(pbx, OTHER_OFFICE)
    assert len(pbx.audible()) == 2
    _kept(pbx)


def test_who_talked_between_and_is_never_recorded_is_not_in_it() -> None:
    """When that was is not known: the journal decides about all of it. Who talks now is recorded anew."""
    pbx = _away(AUTOMATIC, NEVER, peers=(PHONE.name, COLLEAGUE.name, OTHER_OFFICE.name))
    transfer(pbx, OTHER_OFFICE)
    back = pbx.now
    pbx.reconnect([])
    assert len(pbx.audible()) == 2
    kept = _kept(pbx)
    assert [each.began_at for each in kept.capture.segments] == [back]
    assert not any("fallback" in name for name in pbx.ever_recorded)


def test_what_who_answered_forbids_is_left_to_the_journal() -> None:
    pbx = _away(AUTOMATIC, ("never", "extension", "2101", None))
    pbx.reconnect([])
    end(pbx)
    assert not pbx.ever_recorded and not pbx.calls and not pbx.kept


def test_a_pbx_that_refuses_is_asked_again_a_while_later() -> None:
    """Until then the call is the fallback's."""
    pbx = _away(AUTOMATIC)
    pbx.fallback_goes_on = True
    pbx.reconnect([])
    for _ in range(4):
        pbx.pass_time(1)
    assert not pbx.ever_recorded
    pbx.fallback_goes_on = False
    pbx.pass_time(10)
    assert len(pbx.audible()) == 2
    _kept(pbx)


def test_a_call_over_by_then_is_the_journals() -> None:
    pbx = _away(AUTOMATIC)
    pbx.fallback_goes_on = True
    pbx.reconnect([])
    end(pbx)
    assert not pbx.kept and not pbx.calls and not pbx.open


def test_keys_do_what_they_do_in_any_call() -> None:
    pbx = _away(AUTOMATIC)
    pbx.reconnect([])
    assert press(pbx, "keep", "pause") == ["marked", "paused"] and not pbx.audible()
    assert press(pbx, "pause", "stop") == ["resumed", "refused"] and len(pbx.audible()) == 2
    assert _kept(pbx).call.incident


def test_a_restart_takes_nothing_over_twice() -> None:
    pbx = _away(AUTOMATIC)
    pbx.reconnect([])
    for _ in range(2):
        pbx.kill()
        pbx.reconnect([])
    kept = _kept(pbx)
    names = [each.external.name for each in kept.capture.segments]
    assert names.count("callrec/fallback-1.0-external") == 1


def test_of_an_outbound_call_the_party_outside_is_captured() -> None:
    phone = channel("1.0", "PJSIP/2101-00000001", "0312340000")
    outside = channel("1.1", "PJSIP/outside-00000002", "0398765432")
    pbx = ModelPbx(office(AUTOMATIC))
    pbx.cut()
    pbx.create(phone)
    pbx.fall_back(phone.id, records=True, parties="outbound|0312340000|0398765432")
    pbx.create(outside)
    pbx.enter(phone.id, outside.id)
    pbx.reconnect([])
    assert set(pbx.snoops.values()) == {"1.1"}
    kept = _kept(pbx)
    assert (kept.call.direction, kept.call.extension) == (Direction.OUTBOUND, "2101")
    assert kept.call.number == "+81398765432"


def test_an_outbound_call_stays_one_where_it_was_transferred() -> None:
    """Who called is gone; the dialplan records on the channel of who was called."""
    outside = channel("1.1", "PJSIP/outside-00000002", "0398765432")
    pbx = ModelPbx(office(("automatic", "everywhere", None, "none")))
    pbx.cut()
    pbx.create(outside)
    pbx.fall_back(outside.id, records=True, parties="outbound|2102|0398765432")
    pbx.create(COLLEAGUE)
    pbx.enter(outside.id, COLLEAGUE.id)
    pbx.reconnect([])
    kept = _kept(pbx)
    assert (kept.call.direction, kept.call.extension) == (Direction.OUTBOUND, "2102")
    assert kept.call.number == "+81398765432"


@pytest.mark.parametrize(("mode", "kept"), [("automatic", True), ("standby", False)])
def test_what_the_dialplan_did_not_record_is_captured_once_callrec_is_back(mode: str, kept: bool) -> None:
    """Its copy of the rules does not know who answers."""
    pbx = _away((mode, "everywhere", None, "none"))
    pbx.fallbacks[OUTSIDE.id] = replace(pbx.fallbacks[OUTSIDE.id], file="")
    pbx.reconnect([])
    assert len(pbx.audible()) == 2
    id_ = pbx.tracker.calls["1.0"].record.id
    end(pbx)
    (captured,) = (pbx.kept if kept else pbx.discarded).values()
    assert (
        captured.call.id == id_ == ids.of_fallback_call("demo", OUTSIDE.id, pbx.fallbacks[OUTSIDE.id].since)
    )


def test_a_call_that_the_dialplan_did_not_record_is_decided_anew() -> None:
    pbx = _away(("manual", "everywhere", None, "none"), ("automatic", "extension", "2102", None))
    pbx.fallbacks[OUTSIDE.id] = replace(pbx.fallbacks[OUTSIDE.id], file="")
    pbx.reconnect([])
    assert not pbx.ever_recorded
    transfer(pbx, COLLEAGUE)
    assert len(pbx.audible()) == 2


INTO = channel("0.9", "PJSIP/outside-00000008", "0398765432", linkedid="0.9")
"""Somebody outside whose call is older."""


def _merged(*, watched: bool) -> ModelPbx:
    """A call that the dialplan records becomes part of another, which is recorded as well."""
    pbx = ModelPbx(office(AUTOMATIC))
    if not watched:
        pbx.cut()
    pbx.create(INTO)
    pbx.fall_back(INTO.id, records=True, parties="inbound|2102|0312345678")
    pbx.create(PHONE)
    pbx.fall_back(PHONE.id, records=True, parties="internal|2101|2102")
    for id_, since in ((INTO.id, "0.9"), (PHONE.id, "1.0")):
        pbx.fallbacks[id_] = replace(pbx.fallbacks[id_], linkedid=since)
    pbx.channels[PHONE.id] = replace(PHONE, linkedid="0.9")
    pbx.enter(INTO.id, PHONE.id)
    return pbx


@pytest.mark.parametrize("watched", [True, False])
def test_what_is_recorded_of_a_call_that_became_part_of_another_ends(watched: bool) -> None:
    """Its line tells of it until then; who talks is recorded once from there on."""
    pbx = _merged(watched=watched)
    if not watched:
        pbx.reconnect([])
    pbx.pass_time(1)
    assert {each.channel for each in pbx.fallbacks_ended} == {INTO.id, PHONE.id}
    assert set(pbx.snoops.values()) == {INTO.id}
    end(pbx)
    (kept,) = pbx.kept.values()
    assert kept.capture.segments[0].external.name == f"callrec/fallback-{INTO.id}-external"


def test_what_is_not_to_be_kept_ends_where_callrec_decides() -> None:
    """The journal destroys it; what is said from then on is decided by who talks."""
    pbx = _away(AUTOMATIC, ("never", "extension", "2101", None))
    pbx.reconnect([])
    assert {each.channel for each in pbx.fallbacks_ended} == {OUTSIDE.id} and not pbx.ever_recorded
    transfer(pbx, COLLEAGUE)
    assert len(pbx.audible()) == 2


def test_who_goes_on_without_who_called_is_recorded_on() -> None:
    """The dialplan recorded on the channel of who called, which has left before callrec saw two parties."""
    phone = channel("1.0", "PJSIP/2101-00000001", "2101")
    pbx = ModelPbx(office(AUTOMATIC))
    pbx.create(phone)
    pbx.fall_back(phone.id, records=True, parties="outbound|2101|0398765432")
    line = channel("1.1", "PJSIP/outside-00000002", "0398765432")
    pbx.fallback_goes_on = True
    for each in (line, COLLEAGUE):
        pbx.create(each)
    pbx.enter(phone.id, line.id)
    pbx.hang_up(phone.id)
    pbx.enter(COLLEAGUE.id)
    pbx.pass_time(11)
    assert set(pbx.snoops.values()) == {line.id}


@pytest.mark.parametrize("first", [1, 2])
def test_of_a_machines_call_the_half_that_is_recorded_counts(first: int) -> None:
    """The other one has no line any more. Which of them the PBX lists first is chance."""
    halves = {
        1: ev.FallbackCall(LATER, "callrec/fallback-9.1", "outbound|2101|0312345678"),
        2: ev.FallbackCall(LATER - TALKED, "", "internal|2101|"),
    }
    played = quiet_tracker()
    local = {
        number: channel(f"9.{number}", f"Local/2101@from-phones-1;{number}", linkedid="9.1")
        for number in halves
    }
    phone, outside = (replace(each, linkedid="9.1") for each in (PHONE, OUTSIDE))
    told = {local[number].id: halves[number] for number in sorted(halves, reverse=first == 2)}
    bridges: dict[str, tuple[str, ...]] = {"a": (local[2].id, phone.id), "b": (local[1].id, outside.id)}
    played.compare([*local.values(), phone, outside], bridges, told, [], LATER)
    (call,) = played.calls.values()
    assert call.is_recorded_by_fallback and not call.capture
    assert call.record.id == ids.of_fallback_call(call.record.pbx, "9.1", LATER)
