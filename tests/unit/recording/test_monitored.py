"""A caller whom the dialplan records for callrec: taken up at the answer, ended where snoops must go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from callrec import ids
from callrec.model.captures import CapturedCall, SilenceReason
from callrec.model.rules import Direction, Mode
from callrec.pbx import events as ev
from callrec.recording import actions as do
from callrec.recording.owners import NOBODY
from tests.scenarios.replay import office
from tests.unit.channels import OUTSIDE, PHONE, channel
from tests.unit.pbx_model import ModelPbx
from tests.unit.recording.by_mode import AUTOMATIC, COLLEAGUE, at_gate, end, monitored, press, transfer

FILE = "callrec/fallback-1.0"
TRACKS = {f"{FILE}-external", f"{FILE}-staff"}
NEVER = ("never", "extension", "2102", None)
MOMENT = timedelta(milliseconds=30)
LOCAL = channel("1.0", "Local/2101@ring-00000001;2")


def _kept(pbx: ModelPbx) -> CapturedCall:
    end(pbx)
    assert not pbx.snoops and not pbx.discarded and not pbx.checkpoints and not pbx.open
    (kept,) = pbx.kept.values()
    return kept


def _names(kept: CapturedCall) -> list[str]:
    return [each.external.name.rpartition("-")[0] for each in kept.capture.segments]


def test_what_the_dialplan_records_is_the_whole_recording() -> None:
    pbx = monitored()
    began = pbx.now
    assert not pbx.snoops and pbx.audible() == TRACKS
    pbx.pass_time(60)
    ended = pbx.now
    kept = _kept(pbx)
    (segment,) = kept.capture.segments
    for track in (segment.external, segment.staff):
        assert (track.started_at, track.finished_at, track.failed) == (began, ended, None)
    assert {segment.external.name, segment.staff.name} == TRACKS
    assert (kept.capture.started_at, kept.capture.ended_at) == (began, ended)
    assert not kept.capture.gaps and not pbx.dropped and len(pbx.kept) == 1


def test_its_ids_are_those_that_the_journal_would_give() -> None:
    pbx = monitored()
    since = pbx.fallbacks["1.0"].since
    assert since.microsecond % 1000 == 0
    kept = _kept(pbx)
    assert kept.call.id == ids.of_fallback_call("demo", "1.0", since)
    assert kept.capture.recording_id == ids.of_fallback_recording("demo", "1.0", since)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=9), timedelta(microseconds=123_456)])
def test_the_journal_tells_the_pbxs_own_time(ahead: timedelta) -> None:
    pbx = ModelPbx(office(AUTOMATIC))
    pbx.set_clocks(ahead, timedelta(0))
    pbx.create(OUTSIDE)
    pbx.ask_at_gate(OUTSIDE.id, "alaw")
    since = pbx.fallbacks["1.0"].since
    assert timedelta(0) <= pbx.now + ahead - since < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("rule", "codecs", "direction", "caller"),
    [
        (AUTOMATIC, ("g722",), "inbound", OUTSIDE),
        (AUTOMATIC, ("ulaw", "opus"), "inbound", OUTSIDE),
        (AUTOMATIC, (), "inbound", OUTSIDE),
        (AUTOMATIC, ("ulaw",), "internal", OUTSIDE),
        (AUTOMATIC, ("ulaw",), "outbound", OUTSIDE),
        (AUTOMATIC, ("ulaw",), "inbound", replace(OUTSIDE, name="PJSIP/2102-00000001")),
        (AUTOMATIC, ("ulaw",), "inbound", replace(OUTSIDE, linkedid="0.9")),
        *(
            ((mode, "everywhere", None, "none"), ("ulaw",), "inbound", OUTSIDE)
            for mode in ("manual", "never")
        ),
        (("standby", "everywhere", None, "none"), ("ulaw",), "inbound", OUTSIDE),
    ],
)
def test_nobody_else_is_recorded_by_the_dialplan(
    rule: tuple[str, str, str | None, str | None], codecs: tuple[str, ...], direction: str, caller: ev.Channel
) -> None:
    pbx = ModelPbx(office(rule))
    pbx.create(caller)
    pbx.ask_at_gate(caller.id, *codecs, direction=direction)
    assert not pbx.files
    pbx.create(PHONE)
    pbx.enter(PHONE.id, caller.id)
    assert len(pbx.audible()) == (2 if rule[0] in ("automatic", "standby") else 0)


def test_half_of_a_local_pair_is_not_recorded_by_the_dialplan() -> None:
    pbx = ModelPbx(office(AUTOMATIC))
    pbx.create(OUTSIDE)
    pbx.create(LOCAL)
    pbx.ask_at_gate(LOCAL.id, "ulaw")
    assert not pbx.files


def test_a_call_that_passes_the_gate_twice_is_recorded_once() -> None:
    pbx = at_gate(AUTOMATIC)
    since = pbx.fallbacks["1.0"].since
    pbx.ask_at_gate(OUTSIDE.id, "ulaw")
    pbx.create(PHONE)
    pbx.enter(PHONE.id, OUTSIDE.id)
    assert pbx.fallbacks["1.0"].since == since and len(_names(_kept(pbx))) == 1


@pytest.mark.parametrize("back", [False, True])
def test_who_answers_may_have_another_rule(back: bool) -> None:
    """Nothing of it is kept; the call has its row, also where the link is lost after that."""
    pbx = at_gate(AUTOMATIC, NEVER)
    pbx.create(COLLEAGUE)
    pbx.enter(COLLEAGUE.id, OUTSIDE.id)
    assert not pbx.audible() and pbx.dropped == [FILE]
    if back:
        pbx.cut()
        pbx.pass_time(1)
        pbx.reconnect([])
    end(pbx)
    (row,) = {each.call.id: each.call for each in pbx.calls}.values()
    assert row.decision and row.decision.mode is Mode.NEVER and not pbx.kept and not pbx.open
    assert not pbx.tracker.calls


def test_of_a_call_that_nobody_answers_nothing_is_left() -> None:
    pbx = at_gate(AUTOMATIC)
    end(pbx)
    assert pbx.dropped == [FILE] and not pbx.kept and len(pbx.calls) == 1 and not pbx.tracker.calls


def test_what_the_pbx_refuses_to_destroy_is_destroyed_later() -> None:
    pbx = at_gate(AUTOMATIC, NEVER)
    pbx.deaf = True
    pbx.create(COLLEAGUE)
    pbx.enter(COLLEAGUE.id, OUTSIDE.id)
    end(pbx)
    assert not pbx.dropped and pbx.tracker.calls, "it must not be forgotten"
    pbx.deaf = False
    pbx.pass_time(1)
    pbx.pass_time(1)
    assert pbx.dropped == [FILE] and not pbx.tracker.calls


def test_where_the_dialplan_records_nothing_snoops_do_at_once() -> None:
    pbx = ModelPbx(office(AUTOMATIC))
    pbx.monitors = False
    pbx.create(OUTSIDE)
    pbx.ask_at_gate(OUTSIDE.id, "ulaw")
    pbx.create(PHONE)
    pbx.enter(PHONE.id, OUTSIDE.id)
    assert len(pbx.snoops) == 2 == len(pbx.audible()) and pbx.dropped == [FILE]
    kept = _kept(pbx)
    assert _names(kept) == [f"callrec/{kept.capture.recording_id}-2"] and not kept.capture.gaps


def test_what_was_written_before_the_answer_is_nobodys() -> None:
    """The caller waits alone in a conference, where MixMonitor writes already."""
    pbx = at_gate(AUTOMATIC)
    pbx.enter(OUTSIDE.id)
    pbx.pass_time(5)
    pbx.create(PHONE)
    pbx.enter(PHONE.id)
    assert pbx.dropped == [FILE] and len(pbx.snoops) == 2
    assert FILE not in _names(_kept(pbx))


def test_what_was_written_in_another_bridge_before_the_answer_is_nobodys() -> None:
    """The caller was parked, and is picked up."""
    pbx = at_gate(AUTOMATIC)
    pbx.enter(OUTSIDE.id, bridge="lot")
    pbx.pass_time(5)
    pbx.create(PHONE)
    pbx.leave(OUTSIDE.id)
    pbx.enter(OUTSIDE.id, PHONE.id)
    assert pbx.dropped == [FILE] and len(pbx.snoops) == 2


@pytest.mark.parametrize("rings_s", [0.0, 3.0])
def test_another_voice_is_recorded_by_snoops(rings_s: float) -> None:
    pbx = monitored()
    pbx.pass_time(10)
    pbx.leave(PHONE.id)
    pbx.leave(OUTSIDE.id)
    left = pbx.now
    pbx.pass_time(rings_s)
    pbx.create(COLLEAGUE)
    pbx.enter(COLLEAGUE.id, OUTSIDE.id)
    assert len(pbx.snoops) == 2 and not pbx.audible() & TRACKS
    kept = _kept(pbx)
    first, second, *_ = kept.capture.segments
    assert first.external.finished_at == left and second.channel == OUTSIDE.id
    assert _names(kept)[0] == FILE and all(each.started_at == left for each in kept.capture.gaps)


def test_its_decoder_is_let_go_of_before_snoops_come() -> None:
    pbx = monitored()
    heard = list[do.Action]()
    perform = pbx._do
    pbx._do = lambda command: heard.append(command) or perform(command)  # type: ignore[func-returns-value,method-assign]
    transfer(pbx, COLLEAGUE)
    for side in ("external", "staff"):
        kinds = [type(each) for each in heard if each.side == side]
        assert kinds[:3] == [do.StopMonitor, do.AwaitStop, do.StartSnoop]


@pytest.mark.parametrize(("away", "goes_on"), [(MOMENT, True), (3 * MOMENT, False)])
def test_a_way_into_another_bridge_is_no_reason_for_snoops_unless_it_takes_long(
    away: timedelta, goes_on: bool
) -> None:
    pbx = monitored()
    pbx.leave(OUTSIDE.id)
    pbx.leave(PHONE.id)
    pbx.now += away
    pbx.enter(OUTSIDE.id, PHONE.id, bridge="c")
    pbx.now += MOMENT
    pbx.look_again()
    assert (pbx.audible() == TRACKS) is goes_on and bool(pbx.snoops) is not goes_on
    kept = _kept(pbx)
    assert len(kept.capture.segments) == (1 if goes_on else 2)
    assert bool(kept.capture.gaps) is not goes_on


def test_what_an_application_plays_is_recorded_by_snoops() -> None:
    pbx = monitored()
    pbx.hang_up(PHONE.id)
    pbx.leave(OUTSIDE.id)
    assert not pbx.snoops
    pbx.look_again()
    assert len(pbx.snoops) == 2


def test_a_hangup_asks_for_nothing() -> None:
    pbx = monitored()
    for id_ in (OUTSIDE.id, PHONE.id):
        pbx.hang_up(id_)
    before = len(pbx.ever_recorded)
    pbx.look_again()
    pbx.pass_time(1)
    assert len(pbx.ever_recorded) == before and len(pbx.kept) == 1


def test_who_goes_on_without_the_caller_is_not_silent_from_when_he_left() -> None:
    """Three talk; the caller hangs up, and much later one of those who are left pauses."""
    pbx = monitored()
    pbx.create(COLLEAGUE)
    pbx.enter(COLLEAGUE.id)
    pbx.pass_time(1)
    pbx.hang_up(OUTSIDE.id)
    assert len(pbx.snoops) == 2
    pbx.pass_time(600)
    press(pbx, "pause")
    (silence,) = _kept(pbx).capture.silences
    assert pbx.now - silence.started_at < timedelta(seconds=60)


def test_the_dialplan_ends_it_itself_where_the_call_passes_the_gate_again() -> None:
    """As a blind transfer does: without AMI, which may be away."""
    pbx = monitored()
    pbx.deaf = True
    pbx.leave(PHONE.id)
    pbx.leave(OUTSIDE.id)
    left = pbx.now
    pbx.ask_at_gate(OUTSIDE.id, "ulaw", direction="internal")
    assert not pbx.audible()
    pbx.now += MOMENT
    pbx.create(COLLEAGUE)
    pbx.enter(COLLEAGUE.id, OUTSIDE.id)
    assert len(pbx.snoops) == 2 == len(pbx.audible())
    pbx.deaf = False
    kept = _kept(pbx)
    assert kept.capture.segments[0].external.finished_at == left and _names(kept)[0] == FILE


@pytest.mark.parametrize("away", [MOMENT, timedelta(seconds=1)])
def test_what_the_dialplan_has_ended_is_not_muted_and_snoops_are(away: timedelta) -> None:
    """The clock of the recording goes on in silence, where the call was sent to a phone that is `never`."""
    pbx = monitored(AUTOMATIC, NEVER)
    pbx.leave(PHONE.id)
    pbx.leave(OUTSIDE.id)
    pbx.ask_at_gate(OUTSIDE.id, "ulaw", direction="internal")
    pbx.now += away
    pbx.create(COLLEAGUE)
    pbx.enter(COLLEAGUE.id, OUTSIDE.id)
    assert len(pbx.snoops) == 2 and not pbx.audible()
    names = [track.name for each in _kept(pbx).capture.segments for track in (each.external, each.staff)]
    assert len(names) == 4 and set(names) == set(pbx.ever_recorded)


def test_a_mute_that_comes_after_its_end_breaks_nothing() -> None:
    """The dialplan ends it at the gate while it is to be muted, because the call is sent to `never`."""
    pbx = monitored(AUTOMATIC, NEVER)
    pbx.slow = True
    pbx.leave(PHONE.id)
    press(pbx, "pause")
    pbx.leave(OUTSIDE.id)
    pbx.ask_at_gate(OUTSIDE.id, "ulaw", direction="internal")
    pbx.catch_up()
    pbx.look_again()
    assert len(pbx.snoops) == 2 and not pbx.audible()


def test_snoops_that_began_before_it_had_ended_are_made_anew() -> None:
    """They share its decoder, which drops the voice of the phone to which the call was transferred."""
    pbx = monitored()
    pbx.deaf = True
    transfer(pbx, COLLEAGUE)
    assert len(pbx.audible()) == 4, "it is written on"
    for _ in range(3):
        pbx.look_again()
    before = set(pbx.snoops)
    pbx.deaf = False
    pbx.look_again()
    pbx.look_again()
    assert len(pbx.audible()) == 2 and not before & set(pbx.snoops)


def test_what_cannot_be_ended_of_a_call_that_is_over_is_asked_for_again() -> None:
    pbx = monitored()
    action = do.StopMonitor("gone", OUTSIDE.id, f"{FILE}-staff", side="staff")
    assert not pbx.tracker.refused(action, "away", pbx.now)
    assert action in pbx.tracker.tick(pbx.now)


def test_what_is_asked_too_late_destroys_nothing() -> None:
    """The PBX says that it had nothing of a segment that is over: what it has is the archiver's to see."""
    pbx = monitored()
    call = pbx.tracker.calls["1.0"]
    prove = do.ProveMonitor("1.0", OUTSIDE.id, tuple(sorted(TRACKS)), owner=call.capture or NOBODY)
    transfer(pbx, COLLEAGUE)
    pbx._perform(pbx.tracker.refused(prove, "late", pbx.now))
    assert not pbx.dropped and _names(_kept(pbx))[0] == FILE


def test_a_call_that_must_not_be_recorded_unannounced_is_not() -> None:
    """The rule at the gate records it all the same, that of who answers does not."""
    pbx = at_gate(AUTOMATIC)
    call = pbx.tracker.calls["1.0"]
    call.recorder.bar(pbx.now)
    pbx.create(PHONE)
    pbx.enter(PHONE.id, OUTSIDE.id)
    assert pbx.dropped == [FILE] and not pbx.audible() and call.capture is None


def test_a_pause_and_its_end() -> None:
    pbx = monitored()
    press(pbx, "pause")
    assert pbx.muted == TRACKS and not pbx.audible()
    press(pbx, "pause")
    assert pbx.audible() == TRACKS
    kept = _kept(pbx)
    assert [each.reason for each in kept.capture.silences] == [SilenceReason.PRIVACY]
    assert _names(kept) == [FILE]


def test_a_tone_says_that_nothing_is_recorded_once_that_is_so() -> None:
    pbx = monitored()
    pbx.slow = True
    press(pbx, "pause")
    assert not [each for each in pbx.played if each[0] == PHONE.id]
    pbx.catch_up()
    assert [each for each in pbx.played if each[0] == PHONE.id]


def test_a_transfer_to_never_is_silent_from_there() -> None:
    pbx = monitored(AUTOMATIC, NEVER)
    pbx.pass_time(5)
    transfer(pbx, COLLEAGUE)
    assert not pbx.audible()
    (silence,) = _kept(pbx).capture.silences
    assert silence.reason is SilenceReason.NEVER


@pytest.mark.parametrize("killed", [False, True])
def test_what_goes_on_goes_on_after_the_link_was_away(killed: bool) -> None:
    pbx = monitored()
    pbx.pass_time(5)
    pbx.kill() if killed else pbx.cut()
    pbx.pass_time(5)
    pbx.reconnect([])
    assert not pbx.snoops and pbx.audible() == TRACKS
    pbx.pass_time(5)
    kept = _kept(pbx)
    assert (
        _names(kept) == [FILE]
        and kept.capture.segments[0].external.finished_at == pbx.truth[f"{FILE}-staff"][1]
    )


@pytest.mark.parametrize("killed", [False, True])
def test_a_call_that_ends_unseen_is_kept_once(killed: bool) -> None:
    pbx = monitored()
    pbx.pass_time(5)
    pbx.kill() if killed else pbx.cut()
    for id_ in list(pbx.channels):
        pbx.hang_up(id_)
    pbx.now += timedelta(minutes=1)
    pbx.reconnect([])
    kept = _kept(pbx)
    assert _names(kept) == [FILE] and not kept.capture.segments[0].external.finished_at, "its length tells"


def test_what_moved_unseen_is_recorded_by_snoops() -> None:
    pbx = monitored()
    pbx.cut()
    pbx.leave(OUTSIDE.id)
    pbx.leave(PHONE.id)
    pbx.enter(OUTSIDE.id, PHONE.id, bridge="c")
    pbx.reconnect([])
    assert len(pbx.snoops) == 2 and not pbx.audible() & TRACKS


@pytest.mark.parametrize("killed", [False, True])
def test_a_call_that_comes_and_goes_unseen_is_left_to_the_journal(killed: bool) -> None:
    """It may have been answered: what was recorded is not destroyed, and its line is not told of here."""
    pbx = at_gate(AUTOMATIC)
    pbx.kill() if killed else pbx.cut()
    pbx.create(PHONE)
    pbx.enter(PHONE.id, OUTSIDE.id)
    for id_ in list(pbx.channels):
        pbx.hang_up(id_)
    pbx.reconnect([])
    pbx.pass_time(10)
    assert not pbx.dropped and pbx.tracker.monitored() == (set(), set()) and not pbx.tracker.calls


@pytest.mark.parametrize("killed", [False, True])
def test_what_was_written_unseen_counts_from_its_end(killed: bool) -> None:
    """Its clock stood still while the caller was in no bridge: so long later what came before is placed."""
    pbx = monitored(AUTOMATIC, NEVER)
    pbx.kill() if killed else pbx.cut()
    pbx.now += timedelta(seconds=30)
    transfer(pbx, replace(COLLEAGUE, created_at=pbx.now))
    pbx.now += timedelta(seconds=30)
    pbx.reconnect([])
    back = pbx.now
    first = _kept(pbx).capture.segments[0]
    assert (first.external.started_at, first.external.finished_at) == (None, back)
    assert (first.staff.started_at, first.staff.finished_at) == (None, back)


@pytest.mark.parametrize("killed", [False, True])
def test_a_call_that_is_answered_unseen_is_taken_over(killed: bool) -> None:
    """As one of the fallback: under the ids that it has."""
    pbx = at_gate(AUTOMATIC)
    since = pbx.fallbacks["1.0"].since
    pbx.kill() if killed else pbx.cut()
    pbx.create(PHONE)
    pbx.enter(PHONE.id, OUTSIDE.id)
    pbx.now += timedelta(seconds=30)
    pbx.recorded_by_fallback = timedelta(seconds=30)
    pbx.reconnect([])
    kept = _kept(pbx)
    assert _names(kept)[0] == FILE and len(kept.capture.segments) == 2
    assert kept.call.id == ids.of_fallback_call("demo", "1.0", since)
    assert kept.call.direction is Direction.INBOUND


def test_what_cannot_be_muted_is_ended() -> None:
    pbx = monitored()
    mute, pbx._mute = pbx._mute, lambda command: False  # type: ignore[method-assign]
    press(pbx, "pause")
    pbx._mute = mute  # type: ignore[method-assign]
    assert not pbx.audible(), "the file is ended, as no silence can be written into it"
    press(pbx, "pause")
    pbx.pass_time(1)
    assert len(pbx.snoops) == 2


def test_the_lines_of_calls_are_told_of_here_until_they_are_over_and_then_to_be_forgotten() -> None:
    pbx = monitored()
    assert pbx.tracker.monitored() == ({"1.0"}, set())
    end(pbx)
    assert pbx.tracker.monitored() == (set(), {"1.0"})
