"""What is dialled and what is presented meets the rules, whichever way a call tells it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callrec.fallback import journal, journal_calls
from callrec.model.calls import CallRecord
from callrec.model.rules import Mode
from callrec.pbx import events as ev
from tests.scenarios.replay import office, tracker
from tests.unit.channels import LATER, OTHER, SECOND, talks
from tests.unit.fallback.samples import LINE

RULES = (("automatic", "everywhere", None, "none"), ("never", "caller", "+81398765432", None))
OFFICE = office(*RULES, prefixes=("0", "9", "0036"))
NUMBER = "+81398765432"
DIALLED = (
    *("0398765432", "00398765432", "90398765432", "00360398765432", "01840398765432", "18400398765432"),
    *("1840398765432", "0398765432;phone-context=+81", "00398765432;isub=12", "010813 9876 5432"),
)
PRESENTED = (
    *("0398765432", "+81398765432", "81398765432", "0081398765432", "+810398765432"),
    *("0398765432;phone-context=+81", "03-9876-5432", "０３−９８７６−５４３２"),
)


def outbound(dialled: str, *, gate: bool) -> CallRecord:
    """A call of 2101 to a number, as it is once somebody has answered."""
    played = tracker(OFFICE, (f"new-{number}" for number in range(9)))
    caller, called = replace(SECOND, exten=dialled), replace(OTHER, caller=dialled)
    if gate:
        played.handle(ev.GateEntered(LATER, caller, "outbound", "2101", dialled))
    talks(played, "b", caller, called)
    return played.calls["2.0"].record


@pytest.mark.parametrize("gate", [True, False])
@pytest.mark.parametrize("dialled", DIALLED)
def test_never_holds_however_a_number_is_dialled(dialled: str, gate: bool) -> None:
    call = outbound(dialled, gate=gate)
    assert call.decision and call.decision.mode is Mode.NEVER
    assert (call.number, call.dialled) == (NUMBER, dialled)
    assert [each.number for each in call.participants] == ["2101", NUMBER]
    assert call.decision_changes == (), "the party that was dialled is no stranger"


@pytest.mark.parametrize("presented", PRESENTED)
def test_never_holds_however_a_caller_presents_the_number(presented: str) -> None:
    played = tracker(OFFICE, (f"new-{number}" for number in range(9)))
    caller = replace(OTHER, id="2.0", caller=presented, exten="2101")
    played.handle(ev.GateEntered(LATER, caller, "inbound", "2101", presented))
    talks(played, "b", caller, replace(SECOND, id="2.1"))
    call = played.calls["2.0"].record
    assert call.decision and (call.decision.mode, call.number) == (Mode.NEVER, NUMBER)


@pytest.mark.parametrize("dialled", DIALLED)
def test_never_holds_in_what_the_fallback_wrote_down(dialled: str) -> None:
    """Of what the dialplan lets through: it has cut parameters, and spaces are none of its signs."""
    number = dialled.partition(";")[0].replace(" ", "")
    entry = journal.parse("demo-1.0", LINE.replace("inbound|2101|0312345678", f"outbound|2101|{number}"))
    decision = journal_calls.decide(entry, OFFICE)
    assert decision.mode is Mode.NEVER
    call = journal_calls.call_of(entry, OFFICE, "demo", lambda sound: None, decision)
    assert (call.number, call.dialled) == (NUMBER, number)


@pytest.mark.parametrize("presented", PRESENTED)
def test_never_holds_for_who_called_while_callrec_was_away(presented: str) -> None:
    entry = journal.parse("demo-1.0", LINE.replace("0312345678", presented))
    assert journal_calls.decide(entry, OFFICE).mode is Mode.NEVER
