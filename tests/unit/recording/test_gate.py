"""The gate is answered whatever asks there; what it says counts as far as channels do not tell otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.model.calls import CallRecord
from callrec.model.rules import Direction
from callrec.pbx import event_messages
from callrec.pbx import events as ev
from callrec.policy.office import Office
from callrec.recording.actions import Action, LetThrough, PlayMedia, ReadJournal, StartSnoop
from callrec.recording.tracker import CallTracker
from tests.scenarios.replay import office, tracker
from tests.unit.channels import LATER, OUTSIDE, PHONE, channel, quiet_tracker, talks
from tests.unit.samples import START

AUTOMATIC = ("automatic", "everywhere", None, "none")
MOBILE = "09012345678"
CALLER = replace(OUTSIDE, state="Ring")
ONE, TWO = (channel(f"8.{half}", f"Local/2101@from-phones-00000001;{half}", linkedid="8.1") for half in "12")
RUNG = replace(channel("8.3", "PJSIP/2101-00000003", "2101", linkedid="8.1"), state="Down")
LINE = replace(channel("8.4", "PJSIP/outside-00000004", "0398765432", linkedid="8.1"), state="Down")
FORWARDED = replace(channel("1.4", "PJSIP/outside-00000005", "2101"), state="Down")
FORWARD = channel("1.3", "Local/x@from-phones-00000002;2")


def _told(played: CallTracker, *events: ev.Event) -> list[Action]:
    return [action for event in events for action in played.handle(event)]


def _dialled(
    caller: ev.Channel | None, peer: ev.Channel, number: str | None = None, to: str | None = None
) -> ev.Event:
    return ev.Dialled(START, caller, peer, "", number, to)


def _asks(who: ev.Channel, direction: str, extension: str, number: str) -> ev.GateEntered:
    return ev.GateEntered(START, who, direction, extension, number)


def _record(played: CallTracker) -> CallRecord:
    (call,) = played.calls.values()
    return call.record


def _who(played: CallTracker) -> tuple[str | None, ...]:
    call = _record(played)
    return call.direction, call.extension, call.number


NAMES = st.sampled_from(
    [
        "PJSIP/2101-01",
        "PJSIP/outside-01",
        "Local/2101@a-01;1",
        "Local/2101@a-01;2",
        "DAHDI/i1/0312345678-1",
        "Local/",
        "",
    ]
)
ANYTHING = st.text(max_size=12) | st.sampled_from([*Direction, "2101", "0312345678"])


@given(
    st.lists(
        st.tuples(NAMES, ANYTHING, ANYTHING, ANYTHING, st.sampled_from(["", "new", "gone", "talks"])),
        max_size=6,
    )
)
def test_whatever_asks_at_the_gate_goes_on_at_once(asking: list[tuple[str, ...]]) -> None:
    played = quiet_tracker()
    for number, (name, direction, extension, caller, before) in enumerate(asking):
        who = channel(f"7.{number}", name, linkedid=f"7.{number // 2}")
        if before:
            played.handle(ev.ChannelCreated(START, who))
        if before == "talks":
            talks(played, "b", who, OUTSIDE)
        if before == "gone":
            played.handle(ev.ChannelDestroyed(START, who))
        first, *_ = played.handle(_asks(who, direction, extension, caller))
        assert isinstance(first, LetThrough) and first.channel == who.id


@pytest.mark.parametrize(
    "args", [[], ["gate"], ["gate", "sideways", "2101", "1", "more"], ["something", "else"]]
)
def test_whatever_the_dialplan_says_it_is_a_gate(args: list[str]) -> None:
    at = "2026-11-22T14:41:56.477+0000"
    who = {"id": "1.0", "name": "Local/x-01;2", "state": "Up", "caller": {"number": ""}, "creationtime": at}
    told = {"type": "StasisStart", "timestamp": at, "channel": {**who, "dialplan": {"exten": "s"}}}
    event = event_messages.parse({**told, "args": args})
    assert isinstance(event, ev.GateEntered)
    assert isinstance(quiet_tracker().handle(event)[0], LetThrough)


def test_a_direction_that_is_none_is_noted() -> None:
    played = quiet_tracker()
    _told(played, _asks(CALLER, "sideways", "2101", "0312345678"))
    assert "sideways" in _record(played).notes[0].text and not _record(played).decision


@pytest.mark.parametrize("staff_first", [True, False])
def test_what_was_asked_before_there_was_a_call_counts_for_it(staff_first: bool) -> None:
    """Click-to-call through a Local channel, whose halves pass a gate each."""
    played = quiet_tracker()
    ringing, dialling = (TWO, ONE) if staff_first else (ONE, TWO)
    asked = [_asks(ringing, "internal", "2101", ""), _dialled(ringing, RUNG)]
    asked_outside = [_asks(dialling, "outbound", "", "0398765432"), _dialled(dialling, LINE)]
    _told(played, ev.ChannelCreated(START, ONE), ev.ChannelCreated(START, TWO))
    for first, *after in (asked, asked_outside) if staff_first else (asked_outside, asked):
        _told(played, first, ev.ChannelCreated(START, RUNG if first is asked[0] else LINE), *after)
    assert _who(played) == ("outbound", "2101", "+81398765432")
    talks(played, "b", RUNG, LINE)
    assert _who(played) == ("outbound", "2101", "+81398765432")


def test_the_rule_for_internal_calls_is_not_that_of_a_machine() -> None:
    """It rings the phone first, as if it were called by a colleague."""
    both = office(AUTOMATIC, ("never", "extension", "2101", "none"))
    rules = [replace(each, direction=Direction.INTERNAL) if each.target else each for each in both.rules]
    played = tracker(Office(both.facilities.values(), both.extensions.values(), rules), iter("abcdef"))
    _told(played, _asks(TWO, "internal", "2101", ""), ev.ChannelCreated(START, RUNG))
    _told(played, _asks(ONE, "outbound", "2101", "0398765432"), ev.ChannelCreated(START, LINE))
    assert [each for each in talks(played, "b", RUNG, LINE) if isinstance(each, StartSnoop)]


def test_what_the_fallback_took_before_there_was_a_call_is_left_to_it() -> None:
    played = quiet_tracker()
    says = {"Fallback": str(START.timestamp()), "File": f"callrec/fallback-{TWO.id}"}
    _told(played, ev.DialplanSaid(START, TWO, says))
    assert not [each for each in talks(played, "b", RUNG, LINE) if isinstance(each, StartSnoop)]
    ended = _told(played, ev.ChannelDestroyed(LATER, RUNG), ev.ChannelDestroyed(LATER, LINE))
    assert any(isinstance(each, ReadJournal) for each in ended)


@pytest.mark.parametrize("dialled", ["0398765432", None])
def test_the_number_dialled_without_a_gate(dialled: str | None) -> None:
    """By what Dial() was told, else by the number that the PBX gave the line."""
    played = tracker(office(AUTOMATIC, ("never", "caller", "+81398765432", "none")), iter("abcdef"))
    line = LINE if dialled is None else replace(LINE, caller="s")
    _told(played, ev.ChannelCreated(START, RUNG), _dialled(None, RUNG))
    _told(played, ev.ChannelCreated(START, line), _dialled(RUNG, line, dialled))
    assert not [each for each in talks(played, "b", RUNG, line) if isinstance(each, StartSnoop)]
    assert _who(played) == ("outbound", "2101", "+81398765432")


GATE = _asks(CALLER, "inbound", "2101", "0312345678")
SECOND_GATE = _asks(FORWARD, "outbound", "0312345678", MOBILE)


@pytest.mark.parametrize("gates", [[GATE, SECOND_GATE], [GATE], [SECOND_GATE], []])
def test_a_forwarded_call_is_that_of_the_phone(gates: list[ev.GateEntered]) -> None:
    played = quiet_tracker()
    _told(played, ev.ChannelCreated(START, CALLER), *gates)
    _told(played, ev.ChannelCreated(START, FORWARDED), _dialled(FORWARD, FORWARDED, MOBILE))
    snoops = [each for each in talks(played, "b", CALLER, FORWARDED) if isinstance(each, StartSnoop)]
    assert {each.channel for each in snoops} == {CALLER.id}
    assert _who(played) == ("inbound", "2101", "+81312345678")
    assert _record(played).dialled == "2101"
    assert [each.number for each in _record(played).participants] == ["+81312345678", "+819012345678"]


def test_the_number_a_call_is_forwarded_to_may_be_never() -> None:
    played = tracker(office(AUTOMATIC, ("never", "caller", "+819012345678", "none")), iter("abcdef"))
    _told(played, GATE, ev.ChannelCreated(START, FORWARDED), _dialled(FORWARD, FORWARDED, MOBILE))
    assert not [each for each in talks(played, "b", CALLER, FORWARDED) if isinstance(each, StartSnoop)]


def test_a_rule_for_the_caller_alone_holds_where_the_call_is_forwarded() -> None:
    """That no rule is about the mobile is no never."""
    played = tracker(office(("automatic", "caller", "+81312345678", "none")), iter("abcdef"))
    _told(played, GATE, ev.ChannelCreated(START, FORWARDED), _dialled(FORWARD, FORWARDED, MOBILE))
    assert [each for each in talks(played, "b", CALLER, FORWARDED) if isinstance(each, StartSnoop)]


def test_in_a_ring_group_it_is_the_call_of_the_phone_that_sends_it_on() -> None:
    played = quiet_tracker()
    phone = replace(PHONE, state="Down")
    _told(played, _asks(CALLER, "inbound", "6100", "0312345678"), ev.ChannelCreated(START, phone))
    _told(played, _dialled(CALLER, phone), _dialled(CALLER, phone, None, MOBILE))
    _told(played, ev.ChannelDestroyed(START, phone), ev.ChannelCreated(START, FORWARDED))
    _told(played, _dialled(FORWARD, FORWARDED, MOBILE))
    talks(played, "b", CALLER, FORWARDED)
    assert _who(played) == ("inbound", "2101", "+81312345678")


def test_a_phone_that_only_rings_is_not_asked() -> None:
    """Members of a queue by Local channels pass the gate each; one of them is never to be recorded."""
    played = tracker(office(AUTOMATIC, ("never", "extension", "2102", "none")), iter("abcdef"))
    _told(played, _asks(CALLER, "inbound", "6000", "0312345678"))
    for number in ("2101", "2102"):
        member = channel(f"1.{number}", f"Local/{number}@from-phones-00000001;2")
        _told(played, _asks(member, "internal", number, "0312345678"))
    phone = replace(PHONE, state="Down")
    assert [each for each in talks(played, "b", CALLER, phone) if isinstance(each, StartSnoop)]
    assert _who(played) == ("inbound", "2101", "+81312345678")


def test_a_forwarded_call_is_announced_once() -> None:
    played = tracker(office(("automatic", "everywhere", None, "before-connect")), iter("abcdef"))
    (first, *_), sound = played.handle(GATE), {"Prompt": "/run/callrec/prompts/ja/notice"}
    assert isinstance(first, LetThrough) and first.sounds
    for said in ({"Announce": "started"}, {"Announce": "finished", "Status": "SUCCESS"}):
        _told(played, ev.DialplanSaid(START, CALLER, {**said, **sound}))
    again, *_ = played.handle(SECOND_GATE)
    assert again == LetThrough("1.0", FORWARD.id, ())
    assert not [each for each in talks(played, "b", CALLER, FORWARDED) if isinstance(each, PlayMedia)]


@pytest.mark.parametrize(
    ("who", "dialled", "row"),
    [
        (PHONE, "7000", ("internal", "7000", "2101")),
        (PHONE, "*8", ("internal", "*8", "2101")),
        (PHONE, "0398765432", ("outbound", "2101", "+81398765432")),
        (OUTSIDE, "7000", ("inbound", "7000", "+81312345678")),
        (OUTSIDE, "0312340000", ("inbound", None, "+81312345678")),
    ],
)
def test_who_called_whom_is_told_without_a_gate_and_an_answer(
    who: ev.Channel, dialled: str, row: tuple[str | None, ...]
) -> None:
    """As in a conference in which somebody is alone."""
    played, alone = quiet_tracker(), replace(who, state="Ring", exten=dialled)
    _told(played, ev.ChannelCreated(START, alone), ev.ChannelDestroyed(LATER, alone))
    assert _who(played) == row


def test_a_machine_that_reaches_nobody_called_the_number() -> None:
    played = quiet_tracker()
    _told(played, ev.ChannelCreated(START, RUNG), ev.ChannelCreated(START, LINE))
    _told(played, _dialled(RUNG, LINE, "0398765432"))
    _told(played, ev.ChannelDestroyed(LATER, RUNG), ev.ChannelDestroyed(LATER, LINE))
    assert _who(played) == ("outbound", "2101", "+81398765432")


def test_a_restart_while_it_rings_does_not_turn_the_call_round() -> None:
    """The number outside has answered before, and looks as if it had called."""
    before = quiet_tracker()
    _told(before, _asks(TWO, "outbound", "", "0398765432"), ev.ChannelCreated(START, LINE))
    _told(before, _asks(ONE, "internal", "2101", ""))
    again, line = quiet_tracker(), replace(LINE, state="Up")
    again.resume(_record(before))
    phone = replace(RUNG, state="Ringing", created_at=LATER)
    again.compare([ONE, TWO, line, phone], {}, {}, [_asks(ONE, "internal", "2101", "")], LATER)
    talks(again, "b", line, phone)
    assert _who(again) == ("outbound", "2101", "+81398765432")


@pytest.mark.parametrize(
    ("dialstring", "number"),
    [
        ("0398765432@outside", "0398765432"),
        ("outside/sip:0398765432@192.0.2.1:5060", "0398765432"),
        ("outside/sip:+81398765432;phone-context=x@192.0.2.1", "+81398765432"),
        ("g1/ww0398765432", "0398765432"),
        ("user:secret@peer/0398765432@context", "0398765432"),
        ("trunk/0398765432/r", "0398765432"),
        ("2101", None),
        ("outside", None),
        ("outside/sip:trunk.example.com", None),
        ("", None),
    ],
)
def test_the_number_in_what_is_dialled(dialstring: str, number: str | None) -> None:
    assert event_messages.number_in(dialstring) == number


def test_a_never_of_who_called_leaves_with_them() -> None:
    """At the gate it was theirs, and not the number's: who goes on with the other party is asked."""
    never = ("never", "extension", "2101", None)
    played = tracker(office(AUTOMATIC, never), iter("abcdef"))
    calling = replace(RUNG, id="8.1", state="Ring")
    _told(played, ev.ChannelCreated(START, calling), _asks(calling, "outbound", "2101", "0398765432"))
    _told(played, ev.ChannelCreated(START, LINE), _dialled(calling, LINE, "0398765432"))
    assert not [each for each in talks(played, "b", calling, LINE) if isinstance(each, StartSnoop)]
    _told(played, ev.LeftBridge(LATER, calling, "b", (LINE.id,)), ev.ChannelDestroyed(LATER, calling))
    colleague = channel("8.5", "PJSIP/2102-00000006", "2102", linkedid="8.1")
    assert [each for each in talks(played, "b", LINE, colleague) if isinstance(each, StartSnoop)]


def test_a_never_of_the_number_dialled_stays() -> None:
    never = ("never", "caller", "+81398765432", None)
    played = tracker(office(AUTOMATIC, never), iter("abcdef"))
    calling = replace(RUNG, id="8.1", state="Ring")
    _told(played, ev.ChannelCreated(START, calling), _asks(calling, "outbound", "2101", "0398765432"))
    withheld = replace(LINE, caller="")
    _told(played, ev.ChannelCreated(START, withheld))
    talks(played, "b", calling, withheld)
    _told(played, ev.LeftBridge(LATER, calling, "b", (LINE.id,)), ev.ChannelDestroyed(LATER, calling))
    colleague = channel("8.5", "PJSIP/2102-00000006", "2102", linkedid="8.1")
    assert not [each for each in talks(played, "b", withheld, colleague) if isinstance(each, StartSnoop)]


def test_who_had_left_before_the_answer_was_seen_does_not_count() -> None:
    """2101 called, and is gone when callrec comes to see who talks: the rule of 2102 holds."""
    rules = [("manual", "everywhere", None, "none"), ("automatic", "extension", "2102", None)]
    played = tracker(office(*rules), iter("abcdef"))
    calling = replace(RUNG, id="8.1", state="Ring")
    _told(played, ev.ChannelCreated(START, calling), _asks(calling, "outbound", "2101", "0398765432"))
    _told(played, ev.ChannelCreated(START, LINE))
    colleague = channel("8.5", "PJSIP/2102-00000006", "2102", linkedid="8.1")
    there: dict[str, tuple[str, ...]] = {"b": (LINE.id, colleague.id)}
    done = played.compare([LINE, colleague], there, {}, [], LATER)
    assert [each for each in done if isinstance(each, StartSnoop)]
