"""The support phone that is called to help, as a call goes on: until somebody is there, and no longer."""

from __future__ import annotations

from itertools import pairwise

from callrec.model.office import Support
from callrec.pbx import events as ev
from callrec.policy.office import Office
from callrec.recording.actions import DestroyBridge
from tests.scenarios.replay import office
from tests.unit.channels import OUTSIDE, PHONE, channel
from tests.unit.pbx_model import ModelPbx

COLLEAGUE = channel("1.2", "PJSIP/2102-00000003", "2102")


def _help_was_asked_for() -> ModelPbx:
    rules = office(("manual", "everywhere", None, "none"))
    helped = Office(
        rules.facilities.values(), rules.extensions.values(), rules.rules, support=Support("2900")
    )
    pbx = ModelPbx(helped)
    pbx.create(OUTSIDE)
    pbx.create(PHONE)
    pbx.enter(PHONE.id, OUTSIDE.id)
    pbx.press(PHONE.id, "help", "p1")
    assert pbx.support_phones
    return pbx


def _calls(pbx: ModelPbx, seconds: int) -> list[int]:
    """When the support phone is called meanwhile, which hangs up each time."""
    called = []
    for second in range(seconds):
        if pbx.support_phones:
            called.append(second)
            pbx.hang_up_phone()
        pbx.pass_time(0.5)
        pbx.pass_time(0.5)
    return called


def test_a_support_phone_that_does_not_answer_is_called_again_ever_more_seldom() -> None:
    pbx = _help_was_asked_for()
    first, *again = _calls(pbx, 200)
    assert first == 0 and len(again) == 4
    assert all(2 * after - before >= before for before, after in pairwise(again))
    assert [each.support_phone for each in pbx.alerts] == ["2900"], "the others are told once"


def test_a_support_phone_that_has_answered_is_not_called_again() -> None:
    pbx = _help_was_asked_for()
    pbx.answer_phone()
    pbx.hang_up_phone()
    assert _calls(pbx, 200) == []


def test_after_the_call_no_support_phone_is_called() -> None:
    pbx = _help_was_asked_for()
    pbx.hang_up_phone()
    pbx.hang_up(PHONE.id)
    pbx.hang_up(OUTSIDE.id)
    assert _calls(pbx, 200) == [] and not pbx.tracker.calls


def test_the_support_phone_is_called_for_who_took_the_call_over() -> None:
    pbx = _help_was_asked_for()
    pbx.hang_up_phone()
    pbx.hang_up(PHONE.id)
    pbx.create(COLLEAGUE)
    pbx.enter(COLLEAGUE.id)
    for _ in range(30):
        pbx.pass_time(0.5)
    pbx.answer_phone()
    assert COLLEAGUE.id in pbx.snoops.values()
    pbx.hang_up(COLLEAGUE.id)
    pbx.hang_up(OUTSIDE.id)
    assert not pbx.support_phones and not pbx.own_bridges


def test_a_support_phone_takes_part_while_both_hear_it() -> None:
    pbx = _help_was_asked_for()
    pbx.answer_phone()
    pbx.pass_time(1)
    (phone,) = pbx.support_phones

    def took_part() -> list[tuple[str | None, bool]]:
        participants = pbx.tracker.calls["1.0"].record.participants
        return [(each.extension, each.left_at is None) for each in participants if each.channel == phone]

    for digit, expected in (
        ("5", []),
        ("6", [("2900", True)]),
        ("4", [("2900", False)]),
        ("6", [("2900", False), ("2900", True)]),
    ):
        pbx.press_in_phone(digit)
        pbx.pass_time(0.5)
        assert took_part() == expected
    pbx.hang_up(PHONE.id)
    assert took_part()[-1] == ("2900", False)
    pbx.hang_up(OUTSIDE.id)
    (kept,) = pbx.kept.values()
    assert all(each.left_at for each in kept.call.participants)


def test_the_bridge_of_a_support_phone_that_is_gone_is_removed_though_the_pbx_refuses_once() -> None:
    pbx = _help_was_asked_for()
    pbx.answer_phone()
    (phone,) = pbx.support_phones
    gone = ev.ChannelDestroyed(pbx.now, channel(phone, "PJSIP/2900-00000009", linkedid="s"))
    (destroy,) = [each for each in pbx.tracker.handle(gone) if isinstance(each, DestroyBridge)]
    assert pbx.tracker.refused(destroy, "busy", pbx.now) == []
    assert destroy in pbx.tracker.tick(pbx.now)
