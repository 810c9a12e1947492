"""Calls of phones and people that do what few do: other codecs within a call, odd names, keys in a hurry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from callrec.demo.softphones import Sound, Talk
from tests.integration.call_paths import FIRST_HZ, NUMBER, OTHER_HZ, STAFF_HZ, Pair, inbound, settled
from tests.integration.odd_paths import answered, only_recording
from tests.integration.sip import SipCall
from tests.integration.system import SystemUnderTest, eventually, talk_for, talk_seconds
from tests.integration.times import as_long_as, without_a_gap
from tests.listen import heard_share, hears, hears_no, hears_to_the_end

pytestmark = pytest.mark.parametrize("system", ["postgresql"], indirect=True)
CALLER = {"number_shown": NUMBER, "hertz": int(OTHER_HZ)}
CHANGES: dict[str, tuple[Callable[[SipCall], object], ...]] = {
    "PCMU, G722, PCMU": (lambda phone: phone.invite_again("g722"), lambda phone: phone.invite_again("pcmu")),
    "G722 to the end": (lambda phone: phone.invite_again("g722"),),
    "A-law": (lambda phone: phone.invite_again("pcma"),),
    "nothing new": (lambda phone: phone.invite_again(), lambda phone: phone.update()),
    "without an offer": (lambda phone: phone.invite_again(late=True),),
}
TRIES = 4
DROPPED = "Don't know how to send format"
NAMES = {
    "emoji": '"😀 山田"'.encode(),
    "cut inside a kanji": '"山田"'.encode()[:-2] + b'"',
    "Shift JIS": '"山田太郎"'.encode("shift_jis"),
    "no UTF-8 at all": b'"\xc0\x80\xed\xa0\x80\xff"',
    "signs of the dialplan": b'"a\\"b, c|d^e ${EXTEN}"',
    "control signs": b'"a\x01\x7fb"',
    "200 letters": b'"' + b"x" * 200 + b'"',
    "empty": b'""',
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("side", ["caller", "staff"])
def test_a_call_whose_sound_is_agreed_anew(
    system: SystemUnderTest, begin: datetime, side: str, change: str
) -> None:
    accounts = ("outside", "2101", "2101") if side == "caller" else ("2101", NUMBER, "outside")
    shown = CALLER if side == "caller" else {"hertz": int(OTHER_HZ)}
    with system.rule("automatic"):
        for _ in range(TRIES):
            begin = system.app.now
            with answered(system, *accounts, **shown) as (phone, talk):
                if not _outlives(system, phone, talk, change):
                    continue
                if side == "caller":
                    talk.press("*1")
                    talk_for([talk], 0.5)
                break
        else:
            pytest.fail(f"the PBX ended {TRIES} calls in a row")
        call, kept, heard = only_recording(system, begin)
    theirs, ours = (heard.external, heard.staff) if side == "caller" else (heard.staff, heard.external)
    assert hears(theirs, heard.rate, OTHER_HZ) and hears_no(theirs, heard.rate, STAFF_HZ)
    assert hears(theirs[-heard.rate // 3 :], heard.rate, OTHER_HZ), "after the change"
    assert hears(ours, heard.rate, STAFF_HZ)
    as_long_as(heard, talk_seconds(call), system.manifest(kept)["capture"])
    assert len(call.key_presses) == (side == "caller")


def _outlives(system: SystemUnderTest, phone: SipCall, talk: Talk, change: str) -> bool:
    """Changes the sound, and tells whether the PBX has kept the call.

    It ends one in which a packet of the codec before is under way to the phone at that moment, and says so in
    its log: about one in thirty.
    """
    log = system.demo.pbx.home / "log" / "messages"
    dropped = log.read_text("utf-8", "replace").count(DROPPED)
    for step in CHANGES[change]:
        step(phone)
        goal = len(talk.heard()) + 0.6 * (talk.rate or 8000)
        eventually(lambda goal=goal: talk.ended.is_set() or len(talk.heard()) >= goal, what="the talk")  # type: ignore[misc]
        if talk.ended.is_set():
            assert log.read_text("utf-8", "replace").count(DROPPED) > dropped
            return False
    return True


def test_a_transfer_out_of_a_hold_without_any_sound(system: SystemUnderTest, begin: datetime) -> None:
    """The caller's phone says `inactive`: it sends nothing, and wants nothing."""
    with system.rule("automatic"):
        with answered(system, "outside", "2101", "2101", **CALLER) as (caller, staff):
            caller.invite_again(direction="inactive")
            talk_for([staff], 2.0)
            staff.transfer("2102")
            colleague = system.phone("2102").pick_up(Sound(FIRST_HZ))
            caller.invite_again()
            talk_for([colleague], 0.8)
            colleague.press("*1")
            talk_for([colleague], 1.6)  # the digits take the place of the voice
        call, kept, heard = only_recording(system, begin)
    as_long_as(heard, talk_seconds(call), system.manifest(kept)["capture"])
    assert [(each.result, each.extension) for each in call.key_presses] == [("marked", "2102")]
    for part, hertz in ((heard.external, OTHER_HZ), (heard.staff, FIRST_HZ)):
        assert hears_to_the_end(part, heard.rate, hertz)


@pytest.mark.parametrize("name", NAMES)
def test_names_in_odd_encodings(system: SystemUnderTest, begin: datetime, name: str) -> None:
    with system.rule("automatic"):
        with answered(system, "outside", "2101", "2101", name=NAMES[name], **CALLER) as (_, staff):
            staff.press("*1")
            talk_for([staff], 1.2)  # the digits take the place of the voice
        call, kept, heard = only_recording(system, begin)
    assert (call.number, call.extension, call.direction) == ("+81" + NUMBER[1:], "2101", "inbound")
    assert [each.result for each in call.key_presses] == ["marked"]
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)
    without_a_gap(heard, system.manifest(kept)["capture"])


def test_a_call_of_200_ms(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("automatic"):
        staff, caller = _called(system, "2101")
        talk_for([staff, caller], 0.2)
        caller.hangup()
        call, kept, heard = only_recording(system, begin)
    as_long_as(heard, talk_seconds(call), system.manifest(kept)["capture"])
    assert heard_share(heard.external, heard.rate, OTHER_HZ) > 0
    assert heard_share(heard.staff, heard.rate, STAFF_HZ) > 0


def test_a_key_counts_for_one_of_two_calls_at_one_phone(system: SystemUnderTest, begin: datetime) -> None:
    with system.rule("manual"):
        first, one = inbound(system)
        first.hold()
        other = system.caller("0311140002").dial("2101", Sound(FIRST_HZ))
        second, other = settled(system.phone("2101").pick_up(Sound(STAFF_HZ)), other)
        second.press("*1")
        talk_for([second, other], 0.8)
        other.hangup()
        one.hangup()
        call, _, heard = only_recording(system, begin)
        rest = system.call_of("+81" + NUMBER[1:], begin)
    assert call.number == "+81311140002" and hears(heard.external, heard.rate, FIRST_HZ)
    assert hears_no(heard.external, heard.rate, OTHER_HZ)
    assert not rest.key_presses, "nothing was pressed in the first"


def test_the_key_is_pressed_and_hung_up_at_once(system: SystemUnderTest, begin: datetime) -> None:
    """On standby: without the key nothing would be kept."""
    with system.rule("standby"):
        caller = system.phone("2102").dial("2101", Sound(OTHER_HZ))
        staff, caller = settled(system.phone("2101").pick_up(Sound(STAFF_HZ)), caller)
        talk_for([staff, caller], 2.0)  # while a phone sends digits, it sends no voice
        for talk in (staff, caller):
            talk.press("*1")
        staff.hangup()
        call, kept, heard = only_recording(system, begin)
    as_long_as(heard, talk_seconds(call), system.manifest(kept)["capture"])
    assert {each.result for each in call.key_presses} >= {"kept"}
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)


def _called(system: SystemUnderTest, extension: str) -> Pair:
    caller = system.caller(NUMBER).dial(extension, Sound(OTHER_HZ))
    return system.phone(extension).pick_up(Sound(STAFF_HZ)), caller


def test_the_digits_of_a_key_can_be_sent_one_by_one(system: SystemUnderTest, begin: datetime) -> None:
    """To somebody else's menu: after a while the PBX sends the first digit on, and the second is no key."""
    with system.rule("manual"):
        staff, caller = settled(*_called(system, "2101"))
        staff.press("*")
        eventually(lambda: caller.digits == ["*"], 5, "the star at the other end")
        staff.press("9")
        eventually(lambda: caller.digits == ["*", "9"], 5, "both digits at the other end")
        caller.hangup()
        assert not system.call_of("+81" + NUMBER[1:], begin).key_presses
