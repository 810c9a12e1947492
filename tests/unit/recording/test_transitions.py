"""What the log says of a call: each step once, in order, from what is written down of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from callrec.model.calls import CallRecord, FeatureCode, KeyPress, KeyResult, remark
from callrec.model.captures import Gap, KeptBecause, Silence, SilenceReason
from callrec.recording.actions import Discard, HandOver, SaveAlert, SaveCall, SaveCheckpoint, SaveOpenCall
from callrec.recording.transitions import Account, account_of, steps
from tests.unit.samples import DECISION, START, alert, call, captured_call, checkpoint


def _ringing() -> CallRecord:
    return replace(call(), answered_at=None, ended_at=None, outcome=None, decision=None, participants=())


def _told(before: Account | None, after: Account) -> list[str]:
    return [step for step, _ in steps(before, after)]


def _values(before: Account | None, after: Account, wanted: str) -> dict[str, Any]:
    return next(values for step, values in steps(before, after) if step == wanted)


def test_each_step_is_told_once() -> None:
    ringing = Account(_ringing())
    assert _told(None, ringing) == []
    talking = Account(replace(_ringing(), answered_at=START, decision=DECISION))
    assert _told(ringing, talking) == ["answered", "decided"]
    assert _told(talking, talking) == []
    over = Account(replace(talking.call, ended_at=START, outcome=call().outcome))
    assert _told(talking, over) == ["over"]
    assert _told(over, over) == []


def test_what_was_not_heard_of_is_told_from_the_beginning() -> None:
    captured = captured_call()
    whole = Account(captured.call, captured.capture, "to be archived")
    told = _told(None, whole)
    assert told[:2] == ["answered", "decided"] and told[-2:] == ["over", "to be archived"]
    assert told.count("record") == len(captured.capture.segments)
    assert told.count("recording") == 2 * len(captured.capture.segments)


def test_the_decision_is_told_with_its_rule_and_reason() -> None:
    found = _values(None, Account(call()), "decided")
    assert found == {"mode": "automatic", "rule": 1, "version": 1, "reason": "facility"}


def test_what_breaks_and_what_is_silent_is_told() -> None:
    before = captured_call()
    first, *rest = before.capture.segments
    broken = replace(first, staff=replace(first.staff, failed="no space"))
    capture = replace(
        before.capture,
        segments=(broken, *rest),
        gaps=(Gap(START, None, "no space"),),
        silences=(Silence(START, None, SilenceReason.NEVER),),
    )
    found = list(steps(Account(before.call, before.capture), Account(before.call, capture)))
    assert [step for step, _ in found] == ["track failed", "gap", "silent"]
    assert found[0][1]["side"] == "staff" and found[0][1]["problem"] == "no space"


def test_keys_and_notes_are_told_with_what_they_did() -> None:
    pressed = KeyPress("1-1", FeatureCode.KEEP, KeyResult.REFUSED, "1.1", "2101", START)
    after = replace(call(), key_presses=(pressed,), notes=(remark("the phone was {colour}", colour="red"),))
    found = list(steps(Account(call()), Account(after)))
    assert [step for step, _ in found] == ["key pressed", "note"]
    assert found[0][1] == {"key_code": "keep", "result": "refused", "extension": "2101"}
    assert found[1][1] == {"note": "the phone was red"}


def test_every_action_that_writes_a_call_down_is_an_account() -> None:
    captured = captured_call()
    for action, end in (
        (SaveOpenCall("1.0", call()), ""),
        (SaveCheckpoint("1.0", checkpoint()), ""),
        (SaveCall("1.0", call()), ""),
        (HandOver("1.0", captured), "to be archived"),
        (Discard("1.0", captured, whole=True), "to be destroyed"),
        (Discard("1.0", captured, whole=False), "to be destroyed in part"),
    ):
        account = account_of(action)
        assert account is not None and account.end == end
    assert account_of(SaveAlert("1.0", alert())) is None


def test_why_it_is_kept_is_told_at_its_end() -> None:
    captured = captured_call()
    kept = replace(captured.capture, kept_because=KeptBecause.HELP)
    found = _values(None, Account(captured.call, kept, "to be archived"), "to be archived")
    assert found == {"recording": kept.recording_id, "kept_because": "help"}
