"""A call whose announcement the PBX cannot play, under a rule that says that then nothing is recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from callrec.errors import NotFound
from callrec.model.calls import CallRecord
from callrec.model.flaws import Flaw
from callrec.model.prompts import Prompt
from callrec.model.rules import Decision, Unannounced
from callrec.pbx import events as ev
from callrec.policy.office import Office
from tests.scenarios.replay import SOUND, office
from tests.unit.channels import OUTSIDE, PHONE
from tests.unit.pbx_model import ModelPbx, OverALink
from tests.unit.recording.by_mode import COLLEAGUE, end, press, transfer
from tests.unit.samples import START

CALLER = replace(OUTSIDE, state="Ring")
RECORDS = ("automatic", "standby")
Rule = tuple[str, str, str | None, str | None]


def _strict(*rules: Rule, but: str | None = None) -> Office:
    """An office whose rules say that nothing is recorded unannounced, except those about `but`."""
    plain = office(*rules)
    strict = [
        each if but and each.target == but else replace(each, unannounced=Unannounced.DISCARD)
        for each in plain.rules
    ]
    return Office(plain.facilities.values(), plain.extensions.values(), strict)


def _gate(pbx: ModelPbx, *statuses: str, number: str = "2101") -> None:
    """A caller passes the gate, and the dialplan plays what it is given, which ends so."""
    pbx.create(CALLER)
    pbx._tell(ev.GateEntered(pbx.now, CALLER, "inbound", number, "0312345678"))
    for status in statuses:
        for said in ({"Announce": "started"}, {"Announce": "finished", "Status": status}):
            pbx._tell(ev.DialplanSaid(pbx.now, CALLER, {**said, "Prompt": SOUND}))


def _without_prompts(pbx: ModelPbx) -> None:
    """The library has none any more."""

    def missing(decision: Decision) -> list[tuple[Prompt, str]]:
        raise NotFound("there is no prompt {name}", name=decision.prompt)

    pbx.tracker.environment = replace(pbx.tracker.environment, prompts=missing)


def _answer(pbx: ModelPbx) -> None:
    pbx.create(PHONE)
    pbx.enter(PHONE.id, CALLER.id)


def _announced_before(mode: str, status: str = "FAILED") -> ModelPbx:
    """A call from outside, answered, whose announcement before that ended so."""
    pbx = ModelPbx(_strict((mode, "everywhere", None, "before-connect")))
    _gate(pbx, status)
    _answer(pbx)
    return pbx


def _at_start(mode: str) -> ModelPbx:
    """A call that is to be announced at the start, and cannot be."""
    pbx = ModelPbx(_strict((mode, "everywhere", None, "on-start")))
    pbx.unreadable = True
    pbx.create(CALLER)
    _answer(pbx)
    return pbx


def _row(pbx: ModelPbx) -> CallRecord:
    end(pbx)
    assert not pbx.kept and not pbx.snoops and pbx.tracker.is_empty
    return [each.call for each in pbx.calls][-1]


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("mode", ["automatic", "standby", "manual"])
def test_what_the_gate_could_not_play_is_not_recorded(mode: str, killed: bool) -> None:
    pbx = _announced_before(mode)
    if killed:
        pbx.kill()
        pbx.reconnect([])
    assert press(pbx, "keep", "pause", "help", "stop") == ["refused", "refused", "help-sent", "refused"]
    assert not pbx.alerts[0].recorded
    transfer(pbx, COLLEAGUE)
    row = _row(pbx)
    assert not pbx.ever_recorded and not pbx.discarded
    assert row.unannounced_at == row.answered_at and not row.discarded_at
    assert [each.text for each in row.notes if "played" in each.text]


@pytest.mark.parametrize("mode", RECORDS)
def test_a_restart_before_the_answer_does_not_forget_it(mode: str) -> None:
    pbx = ModelPbx(_strict((mode, "everywhere", None, "before-connect")))
    _gate(pbx, "FAILED")
    pbx.kill()
    pbx.reconnect([])
    _answer(pbx)
    assert _row(pbx).unannounced_at and not pbx.ever_recorded


def test_what_was_played_after_all_is_recorded() -> None:
    """The call came to another number, where it could be read."""
    pbx = ModelPbx(_strict(("automatic", "everywhere", None, "before-connect")))
    _gate(pbx, "FAILED", "SUCCESS")
    _answer(pbx)
    assert len(pbx.audible()) == 2


def test_the_rule_may_say_that_it_is_recorded_all_the_same() -> None:
    pbx = ModelPbx(office(("automatic", "everywhere", None, "before-connect")))
    pbx.unreadable = True
    _gate(pbx, "FAILED")
    _answer(pbx)
    end(pbx)
    (kept,) = pbx.kept.values()
    assert kept.call.unannounced_at is None and not pbx.discarded


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("mode", RECORDS)
def test_what_could_not_be_played_at_the_start_ends_the_capture(mode: str, killed: bool) -> None:
    pbx = _at_start(mode)
    assert not pbx.recordings, "nothing is recorded any more"
    if killed:
        pbx.kill()
        pbx.reconnect([])
    begun = list(pbx.ever_recorded)
    pbx.unreadable = False
    pbx.pass_time(5)
    assert press(pbx, "keep", "pause", "stop") == ["refused"] * 3
    transfer(pbx, COLLEAGUE)
    pbx.pass_time(5)
    row = _row(pbx)
    (discarded,) = pbx.discarded.values()
    assert (
        pbx.ever_recorded
        == begun
        == [track.name for each in discarded.capture.segments for track in (each.external, each.staff)]
    )
    assert row.unannounced_at == row.answered_at == discarded.call.unannounced_at


def test_what_was_on_standby_is_destroyed_with_what_a_transfer_begins() -> None:
    rules = (
        ("standby", "extension", "2101", "none"),
        ("automatic", "extension", "2102", "on-start"),
    )
    pbx = ModelPbx(_strict(*rules))
    pbx.create(CALLER)
    _answer(pbx)
    assert len(pbx.audible()) == 2
    pbx.unreadable = True
    transfer(pbx, COLLEAGUE)
    assert not pbx.recordings
    row = _row(pbx)
    (discarded,) = pbx.discarded.values()
    assert row.unannounced_at and len(discarded.capture.segments) == 2


def test_a_recording_that_a_key_begins_is_announced_or_is_none() -> None:
    pbx = _at_start("manual")
    assert not pbx.ever_recorded
    assert press(pbx, "keep") == ["started"] and not pbx.recordings
    assert press(pbx, "keep") == ["refused"]
    assert _row(pbx).unannounced_at and len(pbx.discarded) == 1


def test_what_the_pbx_refuses_to_play_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    snoop = ModelPbx._snoop
    monkeypatch.setattr(ModelPbx, "_snoop", lambda pbx, asked: asked.whisper != "both" and snoop(pbx, asked))
    pbx = _at_start("automatic")
    assert not pbx.recordings and pbx.flaws == [Flaw.ANNOUNCEMENT_FAILED]
    assert _row(pbx).unannounced_at and len(pbx.discarded) == 1


@pytest.mark.parametrize("announce", ["before-connect", "on-start"])
def test_an_announcement_that_the_library_does_not_have(announce: str) -> None:
    pbx = ModelPbx(_strict(("automatic", "everywhere", None, announce)))
    _without_prompts(pbx)
    _gate(pbx)
    _answer(pbx)
    assert not pbx.recordings and set(pbx.flaws) == {Flaw.ANNOUNCEMENT_FAILED}
    assert _row(pbx).unannounced_at


def test_people_are_told_once_of_a_prompt_that_is_missing_also_where_it_is_recorded() -> None:
    pbx = ModelPbx(office(("automatic", "everywhere", None, "before-connect")))
    _without_prompts(pbx)
    _gate(pbx)
    assert pbx.flaws == [Flaw.ANNOUNCEMENT_FAILED], "before the phone rings"
    _answer(pbx)
    end(pbx)
    assert len(pbx.kept) == 1 and len(pbx.flaws) == 1


def test_a_caller_who_hangs_up_while_it_is_played_is_no_failure() -> None:
    pbx = ModelPbx(_strict(("automatic", "everywhere", None, "on-start")))
    pbx.silent_playbacks = True
    pbx.create(CALLER)
    _answer(pbx)
    under_way = pbx.tracker.calls[CALLER.id].announcer.in_call
    assert under_way
    pbx.pass_time(1)
    pbx._tell(ev.PlaybackFinished(pbx.now, under_way.playback, failed=True))
    end(pbx)
    (kept,) = pbx.kept.values()
    assert kept.call.unannounced_at is None and not pbx.discarded


def test_of_a_queue_and_who_answers_the_stricter_counts() -> None:
    rules = (
        ("automatic", "everywhere", None, "before-connect"),
        ("automatic", "extension", "2101", "none"),
    )
    pbx = ModelPbx(_strict(*rules, but="2101"))
    _gate(pbx, "FAILED", number="6000")
    _answer(pbx)
    assert not pbx.ever_recorded and _row(pbx).unannounced_at


def _away(pbx: ModelPbx, *, announced: str = "", records: bool) -> None:
    """A call that the dialplan took while callrec was away, which is back now."""
    pbx.unreadable = True
    pbx.cut()
    pbx.create(CALLER)
    pbx.fall_back(CALLER.id, records=records, parties="inbound|2101|0312345678")
    pbx.fallbacks[CALLER.id] = replace(pbx.fallbacks[CALLER.id], announced=announced)
    _answer(pbx)
    pbx.pass_time(60)
    pbx.recorded_by_fallback = timedelta(seconds=60)
    pbx.reconnect([])


def test_what_the_dialplan_did_not_record_no_key_records() -> None:
    pbx = ModelPbx(_strict(("automatic", "everywhere", None, "before-connect")))
    at = f"{START.timestamp():.3f}"
    _away(pbx, announced=f"{SOUND}>{at}>{at}>FAILED&", records=False)
    assert press(pbx, "keep", "help") == ["refused", "help-sent"]
    pbx.reconnect([])
    assert press(pbx, "keep") == ["refused"]
    end(pbx)
    assert not pbx.ever_recorded and not pbx.kept and not pbx.discarded, "the journal tells of it"


def test_what_is_taken_over_and_cannot_be_announced_is_destroyed_as_a_whole() -> None:
    pbx = ModelPbx(_strict(("automatic", "everywhere", None, "on-start")))
    _away(pbx, records=True)
    assert not pbx.recordings
    assert _row(pbx).unannounced_at
    (discarded,) = pbx.discarded.values()
    first, *_ = discarded.capture.segments
    assert first.external.name == f"callrec/fallback-{CALLER.id}-external" and first.standby


class Unheard(OverALink):
    """Whatever happens to a call whose announcement cannot be played: nothing of it is kept."""

    noted: list[ev.RawKeyPress]

    @initialize(mode=st.sampled_from(["automatic", "standby", "manual"]), early=st.booleans())
    def answered(self, mode: str, early: bool) -> None:
        self.noted = []
        announce = "before-connect" if early else "on-start"
        self.pbx = ModelPbx(_strict((mode, "everywhere", None, announce)))
        self.pbx.unreadable = True
        _gate(self.pbx, *(["FAILED"] if early else []))
        _answer(self.pbx)

    @rule(key=st.sampled_from(["keep", "stop", "pause", "help"]))
    def key(self, key: str) -> None:
        if PHONE.id in self.pbx.channels:
            self.pbx.pass_time(0.1)
            at = self.pbx.now
            press_id = f"{PHONE.id}-{at:%s.%f}"
            self.noted.append(ev.RawKeyPress(press_id, key, "1.0", PHONE.name, at))
            self.pbx.press(PHONE.id, key, press_id)

    @rule()
    def transferred(self) -> None:
        if PHONE.id in self.pbx.channels:
            transfer(self.pbx, COLLEAGUE)

    @invariant()
    def nothing_is_recorded(self) -> None:
        if self.pbx.link:
            assert not self.pbx.audible()

    def teardown(self) -> None:
        if not hasattr(self, "pbx"):
            return
        if not self.pbx.link:
            self.pbx.reconnect(self.noted)
        end(self.pbx)
        assert not self.pbx.checkpoints and not self.pbx.snoops
        # A stop that is told together with the key that begins leaves tracks that never began.
        kept = [part for each in self.pbx.kept.values() for part in each.capture.segments]
        assert not any(track.started_at for part in kept for track in (part.external, part.staff))


TestUnheard = Unheard.TestCase
TestUnheard.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
