"""Whose phone it is: told by technology and endpoint, whatever number is presented."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from callrec.model.calls import KeyResult
from callrec.model.office import Extension
from callrec.model.rules import Direction, Mode
from callrec.pbx import events as ev
from callrec.policy.office import Office
from callrec.recording.tracker import CallTracker
from tests.scenarios.replay import office, tracker
from tests.unit.channels import LATER, OUTSIDE, PHONE, channel, talks
from tests.unit.samples import START

RULES = office(
    ("automatic", "everywhere", None, "none"),
    ("never", "extension", "2102", "none"),
    ("never", "caller", "+81311110000", "none"),
)


def played(**settings: Any) -> CallTracker:
    """A tracker for an office in which 2101 is recorded, 2102 never, and 2101 has another phone."""
    there = {**RULES.extensions, "2101": Extension("2101", "shiba", aliases=("2101-WS", "992101"))}
    made = Office(RULES.facilities.values(), there.values(), RULES.rules, **settings)
    return tracker(made, (f"new-{number}" for number in range(9)))


def phone(endpoint: str, presents: str, id_: str = "1.0") -> ev.Channel:
    return channel(id_, f"PJSIP/{endpoint}-00000001", presents, "0398765432")


CALLED = channel("1.1", "PJSIP/outside-00000002", "0398765432")


def gate(
    of: CallTracker, caller: ev.Channel, direction: str, extension: str, number: str, *called: ev.Channel
) -> Any:
    """A call that passes the gate, and is answered where somebody is called; its record."""
    of.handle(ev.ChannelCreated(START, caller))
    of.handle(ev.GateEntered(START, caller, direction, extension, number))
    for each in called:
        of.handle(ev.ChannelCreated(START, each))
        of.handle(ev.Dialled(START, caller, each, ""))
    if called:
        talks(of, "b", caller, *called)
    return of.calls["1.0"].record


@pytest.mark.parametrize("answered", [(), (CALLED,)])
@pytest.mark.parametrize("endpoint", ["2101", "2101-WS", "992101"])
@pytest.mark.parametrize("presents", ["2101", "0312340000", "2102", "992101", "", "2101-WS"])
def test_a_phone_that_calls_out_is_itself(
    endpoint: str, presents: str, answered: tuple[ev.Channel, ...]
) -> None:
    call = gate(played(), phone(endpoint, presents), "outbound", presents, "0398765432", *answered)
    assert (call.direction, call.extension, call.number) == (Direction.OUTBOUND, "2101", "+81398765432")
    assert call.decision.mode is Mode.AUTOMATIC and call.facility == "shiba"


@pytest.mark.parametrize("answered", [(), (CALLED,)])
def test_a_phone_that_is_never_recorded_is_not_because_it_presents_another(
    answered: tuple[ev.Channel, ...],
) -> None:
    call = gate(played(), phone("2102", "2101"), "outbound", "2101", "0398765432", *answered)
    assert (call.extension, call.decision.mode) == ("2102", Mode.NEVER)


def test_the_rule_of_a_phone_that_presents_another_number_counts_while_it_talks() -> None:
    """That of a number that is no phone would count for the whole call."""
    of = played()
    caller = phone("2102", "0312340000")
    gate(of, caller, "outbound", "0312340000", "0398765432", CALLED)
    of.handle(ev.LeftBridge(LATER, caller, "b", ("1.1",)))
    of.handle(ev.ChannelDestroyed(LATER, caller))
    next_phone = channel("1.2", "PJSIP/2101-WS-00000003", "2101")
    of.handle(ev.ChannelCreated(LATER, next_phone))
    of.handle(ev.EnteredBridge(LATER, next_phone, "b", ("1.1", "1.2")))
    (change,) = of.calls["1.0"].record.decision_changes
    assert (change.extensions, change.decision.mode) == (("2101",), Mode.AUTOMATIC)


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize(
    ("endpoint", "presents", "other", "mode"),
    [
        ("2101-WS", "2102", "2101", Mode.AUTOMATIC),
        ("2102", "2101", "2102", Mode.NEVER),
        ("992101", "0312340000", "2101", Mode.AUTOMATIC),
    ],
)
def test_a_phone_that_calls_a_phone_is_itself(
    endpoint: str, presents: str, other: str, mode: Mode, answered: bool
) -> None:
    called = (channel("1.1", "PJSIP/2201-00000002", "2201"),) if answered else ()
    call = gate(played(), phone(endpoint, presents), "internal", "2201", presents, *called)
    assert (call.direction, call.extension, call.number) == (Direction.INTERNAL, "2201", other)
    assert call.decision.mode is mode


def test_a_number_that_is_dialled_by_its_alias_is_the_extension() -> None:
    call = gate(played(), OUTSIDE, "inbound", "992101", "0312345678")
    assert (call.extension, call.facility) == ("2101", "shiba")


def test_the_keys_of_another_phone_are_those_of_the_extension() -> None:
    of = played()
    gate(of, phone("2101-WS", "2101"), "outbound", "2101", "0398765432", CALLED)
    of.key_pressed(ev.RawKeyPress("1", "keep", "1.0", "PJSIP/2101-WS-00000001", LATER))
    (press,) = of.calls["1.0"].record.key_presses
    assert (press.extension, press.result) == ("2101", KeyResult.MARKED)


LINES = ["PJSIP/33-00000001", "DAHDI/33-1", "DAHDI/i1/2101-1", "IAX2/2101-16384", "SIP/2101-00000001"]


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("by_setting", [False, True])
def test_a_line_that_is_named_like_a_phone_is_outside(name: str, by_setting: bool) -> None:
    """By its technology, by what the dialplan says at the gate, or by the setting where there is no gate."""
    of = played(lines=("33",)) if by_setting else played()
    line = replace(OUTSIDE, name=name)
    if by_setting:
        talks(of, "b", line, PHONE)
    else:
        gate(of, line, "inbound", "2101", "0312345678", PHONE)
    call = of.calls["1.0"].record
    assert (call.direction, call.extension, call.number) == (Direction.INBOUND, "2101", "+81312345678")
    assert [each.extension for each in call.participants] == [None, "2101"]
    for key in ("help", "keep"):
        of.key_pressed(ev.RawKeyPress(key, key, "1.0", name, LATER))
    assert of.calls["1.0"].record.key_presses == ()


def test_rules_for_callers_hold_on_a_line_that_is_named_like_a_phone() -> None:
    line = replace(OUTSIDE, name="PJSIP/33-00000001", caller="0311110000")
    call = gate(played(), line, "inbound", "2101", "0311110000", PHONE)
    assert (call.number, call.decision.mode) == ("+81311110000", Mode.NEVER)


def test_a_line_that_is_named_like_a_phone_is_outside_also_when_it_is_called() -> None:
    line = channel("1.1", "PJSIP/33-00000002", "0398765432")
    of = played()
    call = gate(of, phone("2101", "2101"), "outbound", "2101", "0398765432", line)
    assert (call.direction, call.extension, call.number) == (Direction.OUTBOUND, "2101", "+81398765432")
    of.key_pressed(ev.RawKeyPress("1", "help", "1.0", line.name, LATER))
    assert of.calls["1.0"].record.key_presses == ()


def test_what_the_gate_said_of_a_line_holds_after_a_restart() -> None:
    line = replace(OUTSIDE, name="PJSIP/33-00000001")
    of = played()
    asked = ev.GateEntered(START, line, "inbound", "2101", "0312345678")
    of.compare([line, PHONE], {"b": ("1.0", "1.1")}, {}, [asked], LATER)
    call = of.calls["1.0"].record
    assert (call.direction, call.number) == (Direction.INBOUND, "+81312345678")


def test_a_line_stays_outside_when_it_passes_the_gate_again() -> None:
    """From a queue or a menu that nobody has answered, into a context of the phones."""
    line = replace(OUTSIDE, name="PJSIP/33-00000001")
    of = played()
    gate(of, line, "inbound", "6000", "0312345678")
    call = gate(of, line, "internal", "2101", "0312345678", PHONE)
    assert (call.direction, call.number) == (Direction.INBOUND, "+81312345678")
    assert "33" not in {each.extension for each in call.participants}


def test_an_extension_that_was_added_is_a_phone_whatever_the_gate_says() -> None:
    of = played()
    call = gate(of, phone("2201", "2201"), "inbound", "2101", "2201", PHONE)
    assert call.direction is Direction.INTERNAL
    of.key_pressed(ev.RawKeyPress("1", "keep", "1.0", "PJSIP/2201-00000001", LATER))
    assert [each.extension for each in of.calls["1.0"].record.key_presses] == ["2201"]
