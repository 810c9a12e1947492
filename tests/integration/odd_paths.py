"""Ways in which calls of real offices move, beside those of call_paths: by the PBX, by programs, by rare SIP.

Each ends with staff and the party outside talking. The sounds are those of call_paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from callrec.catalogue.calls import ArchivedRecording
from callrec.demo.softphones import Sound, Talk
from callrec.model.calls import CallRecord
from callrec.pbx.ami import Ami
from callrec.pbx.events import Channel
from tests.integration.call_paths import FIRST_HZ, NUMBER, OTHER_HZ, STAFF_HZ, Pair, settled
from tests.integration.sip import SipCall
from tests.integration.system import Heard, SystemUnderTest, eventually, talk_for

OPERATOR = "operator"
"""A user of AMI who may move calls, and his password."""


def only_recording(system: SystemUnderTest, begin: datetime) -> tuple[CallRecord, ArchivedRecording, Heard]:
    """The one recording since then with its call, once nothing is left of it elsewhere."""
    eventually(lambda: [each for each in system.calls_since(begin) if each.recording], what="the recording")
    system.wait_until_clean()
    (found,) = [each for each in system.calls_since(begin) if each.recording]
    assert found.recording is not None
    return found.call, found.recording, system.listen(found.recording)


@contextmanager
def answered(
    system: SystemUnderTest, account: str, number: str, by: str, **fields: Any
) -> Iterator[tuple[SipCall, Talk]]:
    """A call of the smallest phone, and the call at the phone that answers it."""
    pbx = system.demo.pbx
    with ThreadPoolExecutor(1) as beside:
        answer = beside.submit(system.phone(by).pick_up, Sound(STAFF_HZ))
        with SipCall(pbx.ports.sip, account, pbx.sip_passwords[account], number, **fields) as phone:
            talk = answer.result()
            talk_for([talk], 0.5)
            yield phone, talk


@contextmanager
def configured(
    system: SystemUnderTest, name: str, module: str, change: Callable[[str], str]
) -> Iterator[None]:
    """The PBX with a file of its configuration changed, and its module loaded anew; at the end as before."""
    path = system.demo.pbx.home / "etc" / name
    before = path.read_text()

    def take(text: str) -> None:
        path.write_text(text)
        system.demo.pbx.cli(f"module reload {module}")

    take(change(before))
    try:
        yield
    finally:
        take(before)


def channel_of(system: SystemUnderTest, endpoint: str) -> Channel:
    """The youngest channel of an endpoint."""
    found = [each for each in system.app.pbx.channels() if each.name.startswith(f"PJSIP/{endpoint}-")]
    return max(found, key=lambda each: each.created_at)


def dialog_of(system: SystemUnderTest, endpoint: str) -> str:
    """The SIP dialog of the youngest channel of an endpoint, as Replaces names it to the PBX."""
    channel = channel_of(system, endpoint).id
    names = ("call-id", "local_tag", "remote_tag")
    id_, to, by = (system.app.pbx.variable(channel, f"CHANNEL(pjsip,{name})") for name in names)
    return f"{id_};to-tag={to};from-tag={by}"


def redirect(system: SystemUnderTest, **fields: str) -> None:
    """Sends channels elsewhere, as a program of an operator's desk does."""
    user = f"\n[{OPERATOR}]\nsecret = {OPERATOR}\nwrite = call\n"
    settings = system.app.settings.pbx.model_copy(
        update={"ami_user": OPERATOR, "ami_password": SecretStr(OPERATOR)}
    )
    with configured(system, "manager.conf", "manager", lambda text: text + user), Ami(settings) as ami:
        ami._action("Redirect", **fields)


def first_answered(system: SystemUnderTest) -> Pair:
    """The caller talks with 2102."""
    outside = system.caller(NUMBER).dial("2102", Sound(OTHER_HZ))
    return settled(system.phone("2102").pick_up(Sound(FIRST_HZ)), outside)


def _answers(system: SystemUnderTest, outside: Talk, phone: str = "2101") -> Pair:
    return settled(system.phone(phone).pick_up(Sound(STAFF_HZ)), outside)


def _blonde_by_refer(system: SystemUnderTest) -> Pair:
    """2102 connects the caller with 2101 while that rings still."""
    first, outside = first_answered(system)
    asking = system.phone("2102").dial("2101", Sound(FIRST_HZ))
    assert asking.ringing.wait(5)
    first.transfer("2101", replaces=dialog_of(system, "2102"))
    first.wait_ended()
    return _answers(system, outside)


def _blonde_by_code(system: SystemUnderTest) -> Pair:
    """2102 hangs up while 2101 rings still."""
    first, outside = first_answered(system)
    first.press("*22101")
    ringing = system.phone("2101").wait_ring()
    first.hangup()
    ringing.sound = Sound(STAFF_HZ)
    ringing.answer()
    return settled(ringing, outside)


def _redirected(system: SystemUnderTest) -> Pair:
    _, outside = first_answered(system)
    channel = channel_of(system, "outside").name
    redirect(system, Channel=channel, Context="ring", Exten="2101", Priority="1")
    return _answers(system, outside)


def _both_redirected(system: SystemUnderTest) -> Pair:
    """The caller and 2102 are sent into the conference."""
    first, outside = first_answered(system)
    one, other = (channel_of(system, endpoint).name for endpoint in ("outside", "2102"))
    there = {"Context": "groups", "Exten": "7000", "Priority": "1"}
    extra = {f"Extra{name}": value for name, value in there.items()}
    redirect(system, Channel=one, ExtraChannel=other, **there, **extra)
    first.sound = Sound(STAFF_HZ)
    return settled(first, outside)


def _from_hold(system: SystemUnderTest) -> Pair:
    first, outside = first_answered(system)
    first.hold()
    talk_for([outside], 1.0)
    first.transfer("2101")
    return _answers(system, outside)


def _parked(times: int) -> Callable[[SystemUnderTest], Pair]:
    """Nobody takes the call up: it comes back to who parked it."""

    def way(system: SystemUnderTest) -> Pair:
        first, outside = first_answered(system)
        with configured(
            system, "res_parking.conf", "res_parking", lambda text: text.replace("time => 120", "time => 1")
        ):
            for _ in range(times):
                first.transfer("700")
                first, outside = _answers(system, outside, "2102")
        return first, outside

    return way


def _taken_over(system: SystemUnderTest, *, on_hold: bool = False) -> Pair:
    """2101 takes the place of 2102, by INVITE with Replaces."""
    first, outside = first_answered(system)
    if on_hold:
        first.hold()
        talk_for([outside], 0.5)
    return _replacing(system, outside, dialog_of(system, "2102"))


def _picked_up_by_replaces(system: SystemUnderTest) -> Pair:
    outside = system.caller(NUMBER).dial("2102", Sound(OTHER_HZ))
    system.phone("2102").wait_ring()
    return _replacing(system, outside, f"{dialog_of(system, '2102')};early-only")


def _replacing(system: SystemUnderTest, outside: Talk, dialog: str) -> Pair:
    staff = system.phone("2101").dial("2102", Sound(STAFF_HZ), headers={"Replaces": dialog})
    staff.wait_established()
    return settled(staff, outside)


def _queue_of_local_members(system: SystemUnderTest) -> Pair:
    members = {"PJSIP/2101": "Local/2101@ring", "PJSIP/2102": "Local/2102@ring"}
    with configured(system, "queues.conf", "app_queue", lambda text: _replaced(text, members)):
        outside = system.caller(NUMBER).dial("6000", Sound(OTHER_HZ))
        return _answers(system, outside)


def _replaced(text: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def _presents_an_extension(system: SystemUnderTest) -> Pair:
    """The caller shows the number of a phone of the office."""
    shown = {"P-Asserted-Identity": '"2201" <sip:2201@127.0.0.1>'}
    outside = system.caller(NUMBER).dial("2101", Sound(OTHER_HZ), headers=shown)
    return _answers(system, outside)


WAYS: dict[str, tuple[Callable[[SystemUnderTest], Pair], str, str]] = {
    "blonde by REFER": (_blonde_by_refer, "2102", "2101"),
    "blonde by code": (_blonde_by_code, "2102", "2101"),
    "redirected": (_redirected, "2102", "2101"),
    "from hold": (_from_hold, "2102", "2101"),
    "taken over": (_taken_over, "2102", "2101"),
    "taken over from hold": (lambda system: _taken_over(system, on_hold=True), "2102", "2101"),
    "both redirected": (_both_redirected, "2102", "2102"),
    "parking timed out": (_parked(1), "2102", "2102"),
    "parked twice": (_parked(2), "2102", "2102"),
    "picked up by Replaces": (_picked_up_by_replaces, "2101", "2101"),
    "queue of Local members": (_queue_of_local_members, "2101", "2101"),
    "presents an extension": (_presents_an_extension, "2101", "2101"),
}
"""Each with who answered first, and who talks at the end."""
