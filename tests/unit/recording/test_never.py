"""Who is never to be recorded is not, however they came to be heard: rows of docs/en/calls.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from callrec.model.office import Extension
from callrec.pbx import events as ev
from callrec.policy.office import Office
from tests.scenarios.replay import office
from tests.unit.channels import LATER, OUTSIDE, PHONE, channel
from tests.unit.pbx_model import ModelPbx
from tests.unit.recording.by_mode import COLLEAGUE, OTHER_OFFICE, end

Rule = tuple[str, str, str | None, str | None]
ALL: Rule = ("automatic", "everywhere", None, "none")
NUMBER = "0398765432"
NEVER_2102: Rule = ("never", "extension", "2102", None)
NEVER_NUMBER: Rule = ("never", "caller", "+81398765432", None)
NEVER_BOX: Rule = ("never", "extension", "8500", None)
CALLED = replace(channel("1.5", "PJSIP/outside-00000005", NUMBER), created_at=LATER)
"""A line to the outside on which staff have called the forbidden number."""


def _pbx(*rules: Rule) -> ModelPbx:
    """An office that records all but these, with a mailbox, 8500."""
    known = office(ALL, *rules)
    extensions = [*known.extensions.values(), Extension("8500", "shiba", service=True)]
    return ModelPbx(Office(known.facilities.values(), extensions, known.rules))


def _meet(pbx: ModelPbx, *channels: ev.Channel, bridge: str = "b") -> None:
    for each in channels:
        pbx.create(each)
        pbx.enter(each.id, bridge=bridge)


def _decided(pbx: ModelPbx) -> tuple[str, str]:
    """The mode and the reason of what holds now in the first call."""
    record = pbx.tracker.calls["1.0"].record
    last = record.decision_changes[-1].decision if record.decision_changes else record.decision
    assert last
    return last.mode, last.reason


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("third", [COLLEAGUE, CALLED])
def test_everybody_who_talks_at_the_answer_is_asked(order: tuple[int, int], third: ev.Channel) -> None:
    """A caller dials into a room in which two talk already, the forbidden one first or second."""
    pbx = _pbx(NEVER_2102, NEVER_NUMBER)
    inside = [OTHER_OFFICE, third]
    _meet(pbx, *(inside[number] for number in order), OUTSIDE)
    assert _decided(pbx) == ("never", "never") and not pbx.audible()


def test_a_call_between_staff_is_decided_by_all_of_them_too() -> None:
    pbx = _pbx(NEVER_2102)
    _meet(pbx, replace(PHONE, id="1.0"), OTHER_OFFICE, bridge="old")
    assert len(pbx.audible()) == 2
    _meet(pbx, COLLEAGUE, bridge="old")
    assert not pbx.audible()


def test_a_transfer_to_a_number_outside_is_silent_from_when_they_hear_one_another() -> None:
    pbx = _pbx(NEVER_NUMBER)
    _meet(pbx, PHONE, OUTSIDE)
    pbx.hang_up(PHONE.id)
    assert len(pbx.audible()) == 2, "the caller hears it ring"
    _meet(pbx, CALLED)
    assert _decided(pbx) == ("never", "never") and not pbx.audible()
    pbx.hang_up(CALLED.id)
    _meet(pbx, OTHER_OFFICE)
    assert _decided(pbx) == ("automatic", "everywhere") and len(pbx.audible()) == 2


def test_a_transfer_to_any_other_number_outside_goes_on_as_it_was() -> None:
    pbx = _pbx(("never", "caller", "+81311110000", None))
    _meet(pbx, PHONE, OUTSIDE)
    pbx.hang_up(PHONE.id)
    _meet(pbx, CALLED)
    assert len(pbx.audible()) == 2 and not pbx.tracker.calls["1.0"].record.decision_changes


def test_the_rules_of_who_talked_last_count_where_no_staff_are_left() -> None:
    """Not those of nobody: without a rule nothing is recorded."""
    pbx = ModelPbx(office(("automatic", "extension", "2101", "none")))
    _meet(pbx, PHONE, OUTSIDE)
    pbx.hang_up(PHONE.id)
    _meet(pbx, CALLED)
    assert len(pbx.audible()) == 2


def test_the_number_dialled_counts_whatever_the_network_presents() -> None:
    """Staff called the forbidden number, which shows another, and connect it with the caller."""
    pbx = _pbx(NEVER_NUMBER)
    _meet(pbx, PHONE, OUTSIDE)
    asking = replace(channel("2.0", "PJSIP/2101-00000003", "2101", NUMBER, linkedid="2.0"), created_at=LATER)
    shown = replace(channel("2.1", "PJSIP/outside-00000004", "0311119999", linkedid="2.0"), created_at=LATER)
    _meet(pbx, asking, shown, bridge="consultation")
    pbx.hang_up(PHONE.id)
    pbx.merge(shown.id, "1.0")
    assert not pbx.audible()


def test_two_callers_who_are_connected_are_both_asked() -> None:
    pbx = _pbx(NEVER_NUMBER)
    _meet(pbx, PHONE, OUTSIDE)
    second = replace(channel("2.0", "PJSIP/outside-00000004", NUMBER, linkedid="2.0"), created_at=LATER)
    theirs = replace(channel("2.1", "PJSIP/2102-00000005", "2102", linkedid="2.0"), created_at=LATER)
    _meet(pbx, theirs, second, bridge="second")
    pbx.hang_up(PHONE.id)
    pbx.merge(second.id, "1.0")
    assert not pbx.audible()


def test_who_stays_is_recorded_once_the_forbidden_party_has_left() -> None:
    """Also where the call is filed under that party's number."""
    pbx = _pbx(("never", "caller", "+81312345678", None))
    _meet(pbx, PHONE, OUTSIDE, CALLED)
    assert not pbx.audible()
    pbx.hang_up(OUTSIDE.id)
    assert len(pbx.audible()) == 2
    end(pbx)
    assert len(pbx.kept) == 1


def test_where_nobody_saw_it_silence_begins_when_the_forbidden_channel_was_made() -> None:
    pbx = _pbx(NEVER_NUMBER)
    _meet(pbx, PHONE, OUTSIDE)
    pbx.cut()
    pbx.hang_up(PHONE.id)
    pbx.now = LATER
    _meet(pbx, CALLED)
    pbx.pass_time(5)
    pbx.reconnect([])
    capture = pbx.tracker.calls["1.0"].capture
    assert capture and [each.started_at for each in capture.silences.spans] == [LATER]


@pytest.mark.parametrize("restart", [False, True])
def test_a_capture_that_ends_because_its_party_met_somebody_forbidden_unseen_is_silent_too(
    *, restart: bool
) -> None:
    """The party goes on in the call of another party outside, which has its linked id after a restart."""
    pbx = _pbx(NEVER_NUMBER)
    second = channel("4.0", "PJSIP/outside-00000006", "0312345679", linkedid="4.0")
    _meet(pbx, PHONE, OUTSIDE)
    _meet(pbx, replace(OTHER_OFFICE, linkedid="4.0"), second, bridge="c")
    pbx.kill() if restart else pbx.cut()
    pbx.now = LATER + timedelta(seconds=5)
    forbidden = replace(CALLED, created_at=pbx.now)
    pbx.create(forbidden)
    pbx.hang_up(OTHER_OFFICE.id)
    pbx.enter(forbidden.id, bridge="b")
    pbx.leave(second.id)
    pbx.enter(second.id, bridge="b")
    if restart:
        pbx.channels[second.id] = replace(second, linkedid="1.0")
    pbx.pass_time(5)
    pbx.reconnect([])
    end(pbx)
    begun = [[each.started_at for each in kept.capture.silences] for kept in pbx.kept.values()]
    assert begun == [[forbidden.created_at]] * 2


def test_who_talks_stays_in_the_call_whatever_linked_id_the_channel_has_then() -> None:
    """The PBX tells a linked id that has changed with the next event, of each channel by itself."""
    pbx = _pbx(NEVER_2102)
    _meet(pbx, PHONE, OUTSIDE)
    forbidden = replace(COLLEAGUE, id="4.2", linkedid="4.0")
    younger = replace(channel("4.0", "PJSIP/outside-00000006", linkedid="4.0"), created_at=LATER)
    _meet(pbx, younger, forbidden, bridge="c")
    pbx.channels[forbidden.id] = replace(forbidden, linkedid="1.0")
    pbx.press(forbidden.id, "keep", "p1")
    assert pbx.tracker.calls["4.0"].legs.keys() == {"4.0", "4.2"}


def test_the_number_dialled_counts_no_more_where_the_link_was_away_and_others_talk() -> None:
    """Who called a forbidden number is not sent there again, only because the gate is recalled."""
    pbx = _pbx(NEVER_NUMBER)
    caller = replace(PHONE, id="1.0", exten=NUMBER)
    gate = ev.GateEntered(pbx.now, caller, "outbound", "2101", NUMBER)
    pbx.create(caller)
    pbx.tracker.handle(gate)
    _meet(pbx, CALLED)
    pbx.enter(caller.id)
    pbx.tracker.compare([caller, CALLED], {"b": (CALLED.id, caller.id)}, {}, [gate], pbx.now)
    pbx.hang_up(CALLED.id)
    _meet(pbx, OTHER_OFFICE)
    assert _decided(pbx)[0] == "automatic"


def test_a_restart_hears_of_a_forbidden_party_that_came_back_under_the_number_of_the_call() -> None:
    """What was decided last was decided without them, though the call has their number."""
    pbx = _pbx(("never", "caller", "+81312345678", None))
    _meet(pbx, PHONE, OUTSIDE, CALLED)
    pbx.leave(OUTSIDE.id)
    pbx.pass_time(1)
    assert len(pbx.audible()) == 2
    pbx.cut()
    pbx.pass_time(1)
    pbx.enter(OUTSIDE.id)
    pbx.kill()
    pbx.reconnect([])
    assert not pbx.audible()


# --- a service: a mailbox, a menu, a queue

LOCAL_ENDS = [channel(f"3.{half}", f"Local/8500@from-phones-0001;{half}") for half in "12"]


def _by_gate(pbx: ModelPbx) -> None:
    pbx.hang_up(PHONE.id)
    pbx._tell(ev.GateEntered(pbx.now, OUTSIDE, "internal", "8500", "0312345678"))


def _by_transfer(pbx: ModelPbx) -> None:
    pbx._tell(ev.SentOn(pbx.now, OUTSIDE, "8500"))
    pbx.hang_up(PHONE.id)


def _in_place_of_staff(pbx: ModelPbx) -> None:
    asking = channel("2.0", "PJSIP/2101-00000003", "2101", "8500", linkedid="2.0")
    pbx.create(asking)
    pbx._tell(ev.TookPlace(pbx.now, OUTSIDE, asking.id))
    pbx.hang_up(PHONE.id)
    pbx.hang_up(asking.id)


def _in_place_of_staff_past_the_gate(pbx: ModelPbx) -> None:
    """In the gate, the channel's extension is another one."""
    asking = channel("2.0", "PJSIP/2101-00000003", "2101", "8500", linkedid="2.0")
    pbx.create(asking)
    pbx._tell(ev.GateEntered(pbx.now, replace(asking, exten="s"), "internal", "8500", "2101"))
    pbx._tell(ev.TookPlace(pbx.now, OUTSIDE, asking.id))
    pbx.hang_up(PHONE.id)


def _behind_a_local_channel(pbx: ModelPbx) -> None:
    for each in LOCAL_ENDS:
        pbx.create(each)
    pbx._tell(ev.GateEntered(pbx.now, LOCAL_ENDS[1], "internal", "8500", "2101"))
    assert len(pbx.audible()) == 2, "staff listen to it first, and the caller waits"
    pbx.hang_up(PHONE.id)
    pbx.enter(LOCAL_ENDS[0].id)


@pytest.mark.parametrize(
    "way",
    [
        _by_gate,
        _by_transfer,
        _in_place_of_staff,
        _in_place_of_staff_past_the_gate,
        _behind_a_local_channel,
    ],
)
def test_a_service_that_is_never_recorded_is_not_though_nobody_answers(
    way: Callable[[ModelPbx], None],
) -> None:
    pbx = _pbx(NEVER_BOX)
    _meet(pbx, PHONE, OUTSIDE)
    way(pbx)
    assert _decided(pbx) == ("never", "never") and not pbx.audible()
    for end_ in LOCAL_ENDS:
        if end_.id in pbx.channels:
            pbx.hang_up(end_.id)
    pbx._tell(ev.SentOn(pbx.now, OUTSIDE, "2102"))
    assert not pbx.audible(), "until somebody talks"
    _meet(pbx, COLLEAGUE)
    assert _decided(pbx) == ("automatic", "everywhere") and len(pbx.audible()) == 2


@pytest.mark.parametrize("rings", [True, False])
def test_the_mailbox_of_a_phone_that_is_never_recorded_is_silent_from_when_nothing_rings(
    rings: bool,
) -> None:
    pbx = _pbx(NEVER_2102)
    _meet(pbx, PHONE, OUTSIDE)
    pbx._tell(ev.SentOn(pbx.now, OUTSIDE, "2102"))
    if rings:
        pbx.create(COLLEAGUE)
    pbx.hang_up(PHONE.id)
    pbx.pass_time(3)
    assert bool(pbx.audible()) is rings
    since = pbx.now
    if rings:
        pbx.hang_up(COLLEAGUE.id)
        pbx.pass_time(0.5)
    else:
        since -= timedelta(seconds=3)
    capture = pbx.tracker.calls["1.0"].capture
    assert not pbx.audible() and capture and capture.silences.spans[-1].started_at == since


def test_a_service_without_such_a_rule_changes_nothing() -> None:
    pbx = _pbx(NEVER_2102)
    _meet(pbx, PHONE, OUTSIDE)
    _by_transfer(pbx)
    assert len(pbx.audible()) == 2 and not pbx.tracker.calls["1.0"].record.decision_changes


def test_a_queue_that_is_never_recorded_counts_for_who_answers_there() -> None:
    pbx = _pbx(NEVER_BOX)
    _meet(pbx, PHONE, OUTSIDE)
    _by_gate(pbx)
    _meet(pbx, COLLEAGUE)
    assert not pbx.audible()


def test_a_number_outside_that_is_never_recorded_is_silent_from_the_transfer() -> None:
    """What its line plays before it answers is heard too."""
    pbx = _pbx(NEVER_NUMBER)
    _meet(pbx, PHONE, OUTSIDE)
    pbx._tell(ev.SentOn(pbx.now, OUTSIDE, NUMBER))
    pbx.hang_up(PHONE.id)
    assert not pbx.audible()


def test_a_number_outside_counts_no_more_where_others_talk_who_are_known() -> None:
    """Who was called there has left, and the party was connected with somebody else."""
    pbx = _pbx(NEVER_NUMBER)
    _meet(pbx, PHONE, OUTSIDE)
    pbx._tell(ev.SentOn(pbx.now, OUTSIDE, NUMBER))
    pbx.hang_up(PHONE.id)
    _meet(pbx, COLLEAGUE)
    assert len(pbx.audible()) == 2


def test_a_number_outside_counts_where_it_is_not_known_who_talks() -> None:
    pbx = _pbx(NEVER_NUMBER)
    _meet(pbx, PHONE, OUTSIDE)
    pbx._tell(ev.SentOn(pbx.now, OUTSIDE, NUMBER))
    pbx.hang_up(PHONE.id)
    _meet(pbx, channel("1.7", "PJSIP/outside-00000017"))
    assert not pbx.audible()


def test_in_the_middle_of_a_transfer_nothing_is_decided_by_the_number() -> None:
    """Nobody rings yet when time passes; then the phone of that number answers, which is decided once."""
    pbx = _pbx(NEVER_2102)
    _meet(pbx, PHONE, OUTSIDE)
    pbx._tell(ev.SentOn(pbx.now, OUTSIDE, "2102"))
    pbx.hang_up(PHONE.id)
    pbx.pass_time(0.2)
    _meet(pbx, COLLEAGUE)
    (change,) = pbx.tracker.calls["1.0"].record.decision_changes
    assert change.extensions == ("2102",) and not pbx.audible()
