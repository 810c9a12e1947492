"""Calls that end at the worst moment: at the answer, from both sides at once, while the sound changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

import pytest

from callrec.catalogue.finding import SearchHit
from callrec.demo.softphones import Sound, Talk
from callrec.model.calls import Outcome
from tests.integration.call_paths import NUMBER, OTHER_HZ, STAFF_HZ
from tests.integration.odd_paths import answered, only_recording
from tests.integration.system import SystemUnderTest, talk_for, talk_seconds
from tests.integration.times import START_SECONDS, as_long_as
from tests.integration.untroubled import untroubled
from tests.listen import hears, hears_no

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
OVER_AT_ONCE = "the call was over before there was sound to record"
Way = Callable[[SystemUnderTest, Talk, Talk], None]
"""How a call ends that rings: who calls, and who is called."""


def _at_once(*steps: Callable[[Talk], Coroutine[Any, Any, None]]) -> Way:
    """The caller does the first while the phone that rings does the second."""

    def way(system: SystemUnderTest, caller: Talk, called: Talk) -> None:
        async def all_() -> None:
            work = [step(who) for step, who in zip(steps, (caller, called), strict=True)]
            await asyncio.gather(*work, return_exceptions=True)  # who comes too late is refused

        system.switchboard.run(all_())

    return way


async def _answer(talk: Talk) -> None:
    await talk.call.answer()


async def _hang_up(talk: Talk) -> None:
    await talk.call.hangup()


def _cancelled(system: SystemUnderTest, caller: Talk, called: Talk) -> None:
    caller.hangup()


def _the_caller_at_the_answer(system: SystemUnderTest, caller: Talk, called: Talk) -> None:
    system.switchboard.run(_answer(called))
    caller.wait_established()
    caller.hangup()


def _who_answers(system: SystemUnderTest, caller: Talk, called: Talk) -> None:
    called.answer()
    called.hangup()


def _both_at_the_answer(system: SystemUnderTest, caller: Talk, called: Talk) -> None:
    called.answer()
    _at_once(_hang_up, _hang_up)(system, caller, called)


def _both_in_the_talk(system: SystemUnderTest, caller: Talk, called: Talk) -> None:
    called.answer()
    talk_for([caller, called], 0.4)
    _at_once(_hang_up, _hang_up)(system, caller, called)


EITHER = {Outcome.UNANSWERED, Outcome.ANSWERED}
"""Who was first is for the PBX to say: whether the two came to be connected."""
WAYS: dict[str, tuple[Way, set[Outcome]]] = {
    "cancelled while it rings": (_cancelled, {Outcome.UNANSWERED}),
    "cancelled as it is answered": (_at_once(_hang_up, _answer), EITHER),
    "the caller at the answer": (_the_caller_at_the_answer, EITHER),
    "who answers, at once": (_who_answers, EITHER),
    "both at the answer": (_both_at_the_answer, EITHER),
    "both in the talk": (_both_in_the_talk, {Outcome.ANSWERED}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_a_hangup_at_the_worst_moment(
    system: SystemUnderTest, begin: datetime, direction: str, way: str
) -> None:
    end, outcomes = WAYS[way]
    inbound = direction == "inbound"
    called = system.phone("2101" if inbound else "outside")
    with untroubled(system), system.rule("automatic"):
        caller = system.caller(NUMBER) if inbound else system.phone("2101")
        calling = caller.dial("2101" if inbound else NUMBER, Sound(OTHER_HZ))
        ringing = called.wait_ring()
        ringing.sound = Sound(STAFF_HZ)
        end(system, calling, ringing)
        for talk in (calling, ringing):
            talk.wait_ended()
        call = system.call_of("+81" + NUMBER[1:], begin)
    assert call.outcome in outcomes and call.direction == direction and call.extension == "2101"
    (found,) = system.calls_since(begin)
    _is_kept_or_says_why(system, found)


def _is_kept_or_says_why(system: SystemUnderTest, found: SearchHit) -> None:
    call = found.call
    assert (call.answered_at is not None) is (call.outcome is Outcome.ANSWERED)
    if found.recording:
        as_long_as(system.listen(found.recording), talk_seconds(call))
    else:
        assert [note.text for note in call.notes] == ([OVER_AT_ONCE] if call.answered_at else [])


@pytest.mark.parametrize("who", ["who asks", "the other"])
@pytest.mark.parametrize("side", ["caller", "staff"])
def test_a_hangup_before_a_new_offer_is_answered(
    system: SystemUnderTest, begin: datetime, side: str, who: str
) -> None:
    """A phone asks for another codec (re-INVITE), and does not wait for the answer."""
    caller = side == "caller"
    accounts = ("outside", "2101", "2101") if caller else ("2101", NUMBER, "outside")
    shown = {"number_shown": NUMBER} if caller else {}
    with untroubled(system), system.rule("automatic"):
        with answered(system, *accounts, hertz=int(OTHER_HZ), **shown) as (phone, talk):
            if caller:
                talk.press("*1")
                talk_for([talk], 0.8)
            phone.offer_again("g722")
            if who == "the other":
                talk.hangup()
        call, kept, heard = only_recording(system, begin)
    assert len(system.calls_since(begin)) == 1
    theirs, ours = (heard.external, heard.staff) if caller else (heard.staff, heard.external)
    assert hears(theirs, heard.rate, OTHER_HZ) and hears_no(theirs, heard.rate, STAFF_HZ)
    said = ours[int(START_SECONDS * heard.rate) :]  # of half a second
    assert hears(said[: heard.rate // 4], heard.rate, STAFF_HZ)
    as_long_as(heard, talk_seconds(call), system.manifest(kept)["capture"])
    assert [each.result for each in call.key_presses] == (["marked"] if caller else [])
