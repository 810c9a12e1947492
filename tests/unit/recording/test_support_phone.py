"""The support phone that listens: what each of its keys does, and that nothing of it stays behind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callrec.pbx import event_messages
from callrec.pbx import events as ev
from callrec.recording.actions import (
    Action,
    AddToBridge,
    DestroyBridge,
    DialSupportPhone,
    HangUp,
    MakeBridge,
    StartSnoop,
)
from callrec.recording.support_phone import SupportPhone
from tests.unit.channels import channel, on_pbx
from tests.unit.samples import CALL_ID, START

CHANNEL = f"callrec.{CALL_ID}-support"


def support_phone() -> SupportPhone:
    return SupportPhone("1.0", CALL_ID, "1.1", "PJSIP/2900", "2101")


@dataclass
class FakeBridges:
    """What a PBX makes of the commands: channels, a bridge, and who is in it."""

    channels: set[str] = field(default_factory=set)
    bridges: dict[str, set[str]] = field(default_factory=dict)
    whispers: dict[str, str] = field(default_factory=dict)
    refused: list[Action] = field(default_factory=list)
    most_snoops: int = 0

    def perform(self, command: Action, *, refuse: bool = False) -> bool:
        """Whether the PBX did it."""
        done = not refuse and self._perform(command)
        for members in self.bridges.values():
            members.intersection_update(self.channels)
            self.most_snoops = max(self.most_snoops, len(members - {CHANNEL}))
        return done

    def _perform(self, command: Action) -> bool:
        match command:
            case DialSupportPhone(channel=new):
                self.channels.add(new)
            case StartSnoop(snoop=new):
                self.channels.add(new)
                self.whispers[new] = f"{command.spy} {command.channel} {command.whisper}"
            case MakeBridge(bridge=bridge):
                self.bridges[bridge] = set()
            case AddToBridge(bridge=bridge, channel=member):
                if bridge not in self.bridges or member not in self.channels:
                    return False
                self.bridges[bridge].add(member)
            case HangUp(channel=gone):
                self.channels.discard(gone)
            case DestroyBridge(bridge=bridge):
                self.bridges.pop(bridge, None)
        return True

    def heard(self) -> set[str]:
        """What its bridge is connected with: what is spied on, whom, and who is whispered to."""
        (members,) = self.bridges.values()
        assert CHANNEL in members
        return {self.whispers[each] for each in members - {CHANNEL}}


def play(pbx: FakeBridges, made: SupportPhone, commands: list[Action]) -> None:
    """The PBX does what is asked, and tells of each snoop that it is ready."""
    for command in commands:
        assert pbx.perform(command)
        if isinstance(command, StartSnoop):
            play(pbx, made, made.channel_started(command.snoop))


def listening() -> tuple[SupportPhone, FakeBridges]:
    made, pbx = support_phone(), FakeBridges()
    play(pbx, made, made.call())
    play(pbx, made, made.channel_started(CHANNEL))
    return made, pbx


def test_the_support_phone_is_called_once_and_shown_who_asks() -> None:
    made = support_phone()
    assert made.call() == [DialSupportPhone("1.0", CHANNEL, "PJSIP/2900", "2101", owner=made)]
    assert made.call() == []


def test_once_it_answers_it_listens_and_is_not_heard() -> None:
    _, pbx = listening()
    assert pbx.heard() == {"both 1.1 none"}


@pytest.mark.parametrize(("digit", "whisper"), [("5", "out"), ("6", "both")])
def test_its_keys_let_it_speak_and_listen_again(digit: str, whisper: str) -> None:
    made, pbx = listening()
    play(pbx, made, made.digit(CHANNEL, digit))
    assert pbx.heard() == {f"both 1.1 {whisper}"}
    assert made.digit(CHANNEL, digit) == [], "it is so already"
    play(pbx, made, made.digit(CHANNEL, "4"))
    assert pbx.heard() == {"both 1.1 none"}
    assert pbx.most_snoops == 1, "two would whisper to the call what it says itself"


@pytest.mark.parametrize("digit", ["1", "*", "0"])
def test_other_keys_mean_nothing(digit: str) -> None:
    made, _ = listening()
    assert made.digit(CHANNEL, digit) == []
    assert made.digit("1.1", "5") == [], "only the support phone's own"


def test_before_it_answers_its_keys_mean_nothing() -> None:
    made = support_phone()
    made.call()
    assert made.digit(CHANNEL, "6") == []


def test_of_two_keys_pressed_quickly_the_later_counts() -> None:
    made, pbx = listening()
    (first,), (second,) = made.digit(CHANNEL, "6"), made.digit(CHANNEL, "5")
    assert isinstance(first, StartSnoop) and isinstance(second, StartSnoop)
    assert pbx.perform(first) and pbx.perform(second)
    for command in [*made.channel_started(first.snoop), *made.channel_started(second.snoop)]:
        assert pbx.perform(command)
    assert pbx.heard() == {"both 1.1 out"}
    assert pbx.channels == {CHANNEL, second.snoop}


def test_a_mode_that_is_refused_leaves_the_one_before_and_can_be_asked_for_again() -> None:
    made, pbx = listening()
    (refused,) = made.digit(CHANNEL, "6")
    play(pbx, made, made.refused(on_pbx(refused), "refused", START))
    assert pbx.heard() == {"both 1.1 none"}
    play(pbx, made, made.digit(CHANNEL, "6"))
    assert pbx.heard() == {"both 1.1 both"}


def test_it_follows_the_call_to_another_phone_in_the_same_mode() -> None:
    made, pbx = listening()
    play(pbx, made, made.digit(CHANNEL, "5"))
    play(pbx, made, made.staff_gone("1.2"))
    assert pbx.heard() == {"both 1.2 out"}
    assert made.staff_gone("1.2") == []


@pytest.mark.parametrize("how", ["call", "phone", "staff", "unanswered"])
def test_in_the_end_nothing_is_left(how: str) -> None:
    if how == "unanswered":
        made, pbx = support_phone(), FakeBridges()
        play(pbx, made, made.call())
    else:
        made, pbx = listening()
    match how:
        case "call":
            ended = made.ended()
        case "staff":
            ended = made.staff_gone(None)
        case _:
            ended = made.channel_gone(CHANNEL)
    play(pbx, made, ended)
    assert (pbx.channels, pbx.bridges) == (set(), {})
    assert made.is_over and made.channels == set()


def test_a_phone_that_cannot_be_called_is_no_support() -> None:
    made = support_phone()
    (dialled,) = made.call()
    assert made.refused(on_pbx(dialled), "refused", START) == [
        HangUp("1.0", CHANNEL),
        DestroyBridge("1.0", CHANNEL),
    ]
    assert made.is_over


def test_what_cannot_be_removed_is_tried_again_but_not_for_ever() -> None:
    made, _ = listening()
    ended, again, ticks = made.ended(), 0, 0
    while not made.is_settled:
        for command in ended:
            assert made.refused(on_pbx(command), "refused", START) == []
        again, ended, ticks = again + len(ended), made.tick(), ticks + 1
        assert ticks < 100
    assert again == ticks * 3, "the support phone, its snoop and its bridge each time"


def test_after_the_link_was_away_it_goes_by_what_there_is() -> None:
    made, pbx = listening()
    (there,) = pbx.channels - {CHANNEL}
    here = [channel(each, "PJSIP/2900-1") for each in (CHANNEL, there)]
    assert made.compared(here) == []
    play(pbx, made, made.compared(here[:1]))
    assert pbx.heard() == {"both 1.1 none"}, "the snoop had gone"
    assert made.compared([]) == [
        HangUp("1.0", CHANNEL),
        HangUp("1.0", f"{CHANNEL}-2"),
        DestroyBridge("1.0", CHANNEL),
    ]


def test_a_support_phone_that_answered_while_the_link_was_away_listens() -> None:
    made, pbx = support_phone(), FakeBridges()
    play(pbx, made, made.call())
    phone = channel(CHANNEL, "PJSIP/2900-1")
    assert made.compared([replace(phone, state="Ringing")]) == []
    play(pbx, made, made.compared([phone]))
    assert pbx.heard() == {"both 1.1 none"}


STEPS = st.one_of(
    st.sampled_from(["call", "answer", "phone gone", "staff gone", "end", "tick", "compare"]),
    st.sampled_from("456").map(lambda digit: f"digit {digit}"),
    st.integers(1, 9).map(lambda number: f"staff {number}"),
    st.integers(1, 6).map(lambda number: f"ready {number}"),
    st.integers(1, 6).map(lambda number: f"lost {number}"),
)


@settings(max_examples=400, deadline=None)
@given(steps=st.lists(STEPS, max_size=25), refused=st.sets(st.integers(0, 40), max_size=6))
def test_any_order_of_events_leaves_nothing_behind(steps: list[str], refused: set[int]) -> None:
    """With duplicates, losses and refusals; events come for what the PBX has, and for what it has not."""
    made, pbx, count = support_phone(), FakeBridges(), Counter[str]()

    def perform(commands: list[Action]) -> None:
        for command in commands:
            number = count["commands"]
            count["commands"] += 1
            removes = isinstance(command, (HangUp, DestroyBridge))
            if not pbx.perform(command, refuse=number in refused and not removes):
                perform(made.refused(on_pbx(command), "refused", START))

    for step in steps:
        perform(_happens(step, made, pbx))
        for members in pbx.bridges.values():
            assert len(members - {CHANNEL}) <= 1
    perform(made.ended())
    for each in sorted(pbx.channels):
        perform(made.channel_started(each))
    while not made.is_settled:
        perform(made.tick())
    assert (pbx.channels, pbx.bridges) == (set(), {})


def _happens(step: str, made: SupportPhone, pbx: FakeBridges) -> list[Action]:
    name, _, argument = step.partition(" ")
    match name:
        case "call":
            return made.call()
        case "answer":
            return made.channel_started(CHANNEL)
        case "phone" | "lost":
            gone = CHANNEL if name == "phone" else f"{CHANNEL}-{argument}"
            pbx.channels.discard(gone)
            return made.channel_gone(gone)
        case "staff":
            return made.staff_gone(None if argument == "gone" else f"2.{argument}")
        case "digit":
            return made.digit(CHANNEL, argument)
        case "ready":
            return made.channel_started(f"{CHANNEL}-{argument}")
        case "compare":
            return made.compared([channel(each, "PJSIP/2900-1") for each in pbx.channels])
        case "tick":
            return made.tick()
    return made.ended()


def digit_event(id_: str) -> dict[str, object]:
    return {
        "type": "ChannelDtmfReceived",
        "timestamp": "2026-11-22T01:00:00.000+0000",
        "digit": "5",
        "duration_ms": 100,
        "channel": {
            "id": id_,
            "name": "PJSIP/2900-00000001",
            "state": "Up",
            "caller": {"number": "2900"},
            "dialplan": {"exten": ""},
            "creationtime": "2026-11-22T01:00:00.000+0000",
        },
    }


def test_digits_of_our_own_channels_are_told_and_no_others() -> None:
    told = event_messages.parse(digit_event(CHANNEL))
    assert isinstance(told, ev.Digit)
    assert (told.digit, told.channel.id, told.at) == ("5", CHANNEL, START)
    assert event_messages.parse(digit_event("1700000000.1")) is None
    assert "ChannelDtmfReceived" in event_messages.KINDS


def test_what_a_dead_controller_left_of_a_support_phone_is_known_for_ours() -> None:
    assert ev.is_snoop(CHANNEL) and ev.is_snoop(f"{CHANNEL}-1")
