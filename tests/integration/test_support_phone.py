"""The support phone that is called to help, on a real PBX: who hears whom, and that nothing stays behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from callrec import ids
from callrec.controller.controller import Controller
from callrec.demo.softphones import Phone, Sound, Talk
from callrec.model.prompts import Prompt
from callrec.model.rules import Decision
from callrec.pbx import events as ev
from callrec.pbx.ari import Ari
from callrec.policy.office import Office
from callrec.recording.actions import Action, PbxAction
from callrec.recording.environment import Environment
from callrec.recording.support_phone import SupportPhone
from callrec.recording.tracker import CallTracker
from callrec.spool.directory import Spool
from tests.integration.system import SystemUnderTest, eventually, talk_for
from tests.listen import Samples, hears, hears_no
from tests.unit.fakes import FakeDialplan

pytestmark = pytest.mark.parametrize("system", ["postgresql"], indirect=True)
CALLER_HZ, STAFF_HZ, ROOM_HZ = 500.0, 1000.0, 1500.0
DIGITS_HZ = 770.0
"""What the keys 4, 5 and 6 have in common as tones."""


def no_prompts(decision: Decision) -> list[tuple[Prompt, str]]:
    return []


class Helped(CallTracker):
    """A tracker of which one call has a support phone that is called to help."""

    phone: SupportPhone | None = None

    def call_phone(self, phone: SupportPhone) -> list[Action]:
        self.phone = phone
        return self._owned(phone.call())

    def handle(self, event: ev.Event) -> list[Action]:
        actions = super().handle(event)
        if isinstance(event, ev.ChannelDestroyed) and self.phone and event.channel.id == self.phone.staff:
            actions += self._owned(self.phone.staff_gone(None))
        return actions

    def refused(self, action: PbxAction, problem: str, at: datetime) -> list[Action]:
        assert self.phone is not None, f"{action}: {problem}"
        return self._owned(self.phone.refused(action, problem, at))


class Watch:
    """A controller of its own beside the system's, and a call with a support phone."""

    def __init__(self, system: SystemUnderTest, folder: Path) -> None:
        self.system = system
        settings = system.app.settings.pbx.model_copy(update={"app": "callrec-phone"})
        self.pbx = Ari(settings)
        self.tracker = Helped(Environment(Office(), no_prompts, system.app.library.tones, ids.new, "test"))
        self.controller = Controller(
            self.pbx,
            self.tracker,
            Spool(folder),
            answer_first=False,
            sound_waits=lambda: None,
            row_waits=lambda: None,
            take_alert=lambda alert: None,
            read_journal=lambda: None,
            stored_keys=dict,
            dialplan=FakeDialplan(),
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self.controller.run)
        thread.start()
        try:
            eventually(lambda: self.controller.link_up, what="the link")
            yield
        finally:
            self.controller.stop()
            thread.join(10)

    def call_phone(self, number: str) -> None:
        answered = [each for each in self.pbx.channels() if each.endpoint == "2101" and each.state == "Up"]
        staff = max(answered, key=lambda each: each.created_at).id
        phone = SupportPhone(staff, ids.new(), staff, f"PJSIP/{number}", "2101")
        with self.controller._lock:
            self.controller._submit(self.tracker.call_phone(phone))

    def is_clean(self) -> bool:
        ours = [bridge for bridge in self.pbx.bridges() if bridge.startswith(ev.OWN_PREFIX)]
        return not self.pbx.channels() and not ours  # a parking lot keeps its bridge


@pytest.fixture
def watch(system: SystemUnderTest, tmp_path: Path) -> Iterator[Watch]:
    system.wait_until_clean()
    made = Watch(system, tmp_path)
    with made.running():
        yield made
    system.hang_up_all()


def connected(watch: Watch, number: str) -> tuple[Talk, Talk]:
    caller = watch.system.caller(number).dial("2101", Sound(CALLER_HZ))
    staff = watch.system.phone("2101").pick_up(Sound(STAFF_HZ))
    caller.wait_established()
    return caller, staff


def answered(watch: Watch, phone: Phone) -> Talk:
    """The support phone has been called and has answered, and hears the call."""
    watch.call_phone("2102")
    talk = phone.pick_up(Sound(ROOM_HZ))
    eventually(lambda: hears(last(talk, 0.5), talk.rate or 8000, CALLER_HZ), 5, "listening")
    return talk


def last(talk: Talk, seconds: float) -> Samples:
    heard = talk.heard()
    return heard[-int(seconds * (talk.rate or 8000)) :]


def after(talks: list[Talk], seconds: float = 1.5) -> list[Samples]:
    """What each of them hears from now on."""
    begin = [len(talk.heard()) for talk in talks]
    talk_for(talks, seconds)
    return [talk.heard()[start:] for talk, start in zip(talks, begin, strict=True)]


def test_it_listens_whispers_and_joins(watch: Watch) -> None:
    """4, 5 and 6 as in ChanSpy's d mode; the call itself never notices more than it should."""
    with watch.system.rules():
        caller, staff = connected(watch, "0311230001")
        phone = answered(watch, watch.system.phone("2102"))
        heard: dict[str, list[Samples]] = {"": after([caller, staff, phone])}
        for digit in "5646":
            phone.press(digit)
            talk_for([phone], 0.6)
            heard[digit] = after([caller, staff, phone])
        whole = caller.heard(), staff.heard()
        caller.hangup()
        staff.wait_ended()
        phone.wait_ended()
    for digit, (by_caller, by_staff, by_phone) in heard.items():
        assert hears(by_caller, caller.rate, STAFF_HZ) and hears(by_staff, staff.rate, CALLER_HZ), digit
        assert hears(by_phone, phone.rate, STAFF_HZ) and hears(by_phone, phone.rate, CALLER_HZ), digit
        to_staff, to_caller = digit in ("5", "6"), digit == "6"
        assert (hears if to_staff else hears_no)(by_staff, staff.rate, ROOM_HZ), digit
        assert (hears if to_caller else hears_no)(by_caller, caller.rate, ROOM_HZ), digit
    for party, talk in zip(whole, (caller, staff), strict=True):
        assert hears_no(party, talk.rate, DIGITS_HZ), "digits are not passed on"
    assert hears_no(whole[0], caller.rate, CALLER_HZ), "nobody hears an echo"
    assert hears_no(whole[1], staff.rate, STAFF_HZ), "nobody hears an echo"
    eventually(watch.is_clean, what="a PBX without channels and bridges")


@pytest.mark.parametrize("who", ["caller", "staff", "phone"])
def test_whoever_hangs_up_nothing_is_left(watch: Watch, who: str) -> None:
    with watch.system.rules():
        caller, staff = connected(watch, "0311230002")
        phone = answered(watch, watch.system.phone("2102"))
        phone.press("6")
        {"caller": caller, "staff": staff, "phone": phone}[who].hangup()
        if who == "phone":
            assert watch.tracker.phone is not None
            bridge = watch.tracker.phone.bridge
            eventually(
                lambda: bridge not in watch.pbx.bridges(), what="the end of the support phone's bridge"
            )
            assert not caller.ended.is_set(), "the call goes on"
            caller.hangup()
        phone.wait_ended()
        staff.wait_ended()
    eventually(watch.is_clean, what="a PBX without channels and bridges")


def test_a_support_phone_that_is_not_there_disturbs_nobody(watch: Watch) -> None:
    with watch.system.rules():
        caller, staff = connected(watch, "0311230003")
        watch.call_phone("2999")
        assert watch.tracker.phone is not None
        eventually(lambda: watch.tracker.phone and watch.tracker.phone.is_over, what="noticing that")
        (by_caller,) = after([caller])
        caller.hangup()
        staff.wait_ended()
    assert hears(by_caller, caller.rate, STAFF_HZ)
    eventually(watch.is_clean, what="a PBX without channels and bridges")


def test_a_call_that_ends_while_the_support_phone_rings(watch: Watch) -> None:
    with watch.system.rules():
        caller, staff = connected(watch, "0311230004")
        watch.call_phone("2102")
        ringing = watch.system.phone("2102").wait_ring()
        caller.hangup()
        staff.wait_ended()
        ringing.wait_ended()
    eventually(watch.is_clean, what="a PBX without channels and bridges")


@pytest.mark.parametrize(("digit", "kept"), [("5", False), ("6", True)])
def test_the_recording_holds_what_the_caller_heard_of_the_phone(
    watch: Watch, begin: datetime, digit: str, kept: bool
) -> None:
    number = f"031123001{digit}"
    with watch.system.rule("automatic"):
        caller, staff = connected(watch, number)
        phone = answered(watch, watch.system.phone("2102"))
        phone.press(digit)
        eventually(lambda: hears(last(staff, 0.5), staff.rate, ROOM_HZ), 5, "speaking")
        after([caller, phone])
        caller.hangup()
        staff.wait_ended()
        found = watch.system.recording_of("+81" + number[1:], begin)
    assert found.recording is not None
    heard = watch.system.listen(found.recording)
    late = heard.staff[-heard.rate :]
    assert hears(late, heard.rate, STAFF_HZ)
    assert (hears if kept else hears_no)(late, heard.rate, ROOM_HZ)
    assert hears_no(heard.external, heard.rate, ROOM_HZ)
