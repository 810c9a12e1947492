"""The keys as the PBX tells them: from every call staff can be in, by every way a phone can press."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from callrec.demo.softphones import Sound, Talk
from tests.integration.call_paths import NUMBER, WAYS, inbound, settled
from tests.integration.ears import Ears
from tests.integration.sip import SipCall
from tests.integration.system import SystemUnderTest, eventually, talk_for
from tests.integration.times import PRESS_CLOCK_SECONDS
from tests.listen import hears_no

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
STAR_HZ, ONE_HZ = 941.0, 697.0
"""The lower tones of the digits * and 1, were they to be heard as sound."""


@pytest.fixture
def ears(system: SystemUnderTest) -> Iterator[Ears]:
    """Nothing is recorded meanwhile, and no call is left behind."""
    system.wait_until_clean()
    with system.rules(), Ears(system) as listening:
        try:
            yield listening
        finally:
            system.hang_up_all()


def heard(talk: Talk, digits: str) -> None:
    """These digits and no others arrived there."""
    eventually(lambda: "".join(talk.digits) == digits, 5, f"{digits} and not {''.join(talk.digits)}")


def test_keys_on_an_inbound_call(system: SystemUnderTest, ears: Ears) -> None:
    staff, outside = inbound(system)
    for digits, key in (("*1", "keep"), ("*4", "stop"), ("*5", "pause"), ("*1", "keep")):
        staff.press(digits)
        ears.told(key, "2101")
    heard(outside, "")
    assert hears_no(outside.heard(), outside.rate, STAR_HZ) and hears_no(
        outside.heard(), outside.rate, ONE_HZ
    )
    staff.press("5#12*7")
    heard(outside, "5#12*7")
    outside.press("*1")
    heard(staff, "*1")
    ears.told_nothing()


def test_keys_by_info_on_an_outbound_call(system: SystemUnderTest, ears: Ears) -> None:
    outside_phone = system.phone("outside")
    staff = system.phone("2102", dtmf="info", register=False).dial(NUMBER, Sound(1000))
    staff, outside = settled(staff, outside_phone.pick_up(Sound(500)))
    staff.press("*5")
    ears.told("pause", "2102")
    staff.press("12#")
    heard(outside, "12#")
    outside.press("*1")
    heard(staff, "*1")
    ears.told_nothing()


def test_a_record_button(system: SystemUnderTest, ears: Ears) -> None:
    answered: list[Talk] = []
    line = system.phone("outside")
    waiting = threading.Thread(target=lambda: answered.append(line.pick_up(Sound(500))))
    waiting.start()
    port, password = system.demo.pbx.ports.sip, system.demo.pbx.sip_passwords["2101"]
    with SipCall(port, "2101", password, NUMBER) as phone:
        waiting.join()
        talk_for(answered, 0.4)
        assert phone.info("Record: on") == 200
        ears.told("keep", "2101")
        assert phone.info("Record: off") == 200
        ears.told("stop", "2101")
    heard(answered[0], "")


@pytest.mark.parametrize("way", WAYS)
def test_keys_however_staff_came_into_the_call(system: SystemUnderTest, ears: Ears, way: str) -> None:
    staff, other = WAYS[way](system)
    staff.press("*1")
    ears.told("keep", "2101")
    staff.press("5")
    heard(other, "5")
    other.press("*4")
    if way == "internal":
        ears.told("stop", "2102")
    else:
        heard(staff, "*4")
        ears.told_nothing()


def test_keys_while_the_one_asked_decides(system: SystemUnderTest, ears: Ears) -> None:
    """During an attended transfer by code, *1 and *4 do not end or swap it."""
    outside = system.caller(NUMBER).dial("2102", Sound(500))
    first, outside = settled(system.phone("2102").pick_up(Sound(1500)), outside)
    first.press("*22101")
    asked, first = settled(system.phone("2101").pick_up(Sound(1000)), first)
    for digits, key in (("*1", "keep"), ("*4", "stop")):
        first.press(digits)
        ears.told(key, "2102")
    asked.press("*1")
    ears.told("keep", "2101")
    assert not asked.ended.is_set() and not asked.digits and not outside.digits


def test_keys_in_a_conference(system: SystemUnderTest, ears: Ears) -> None:
    outside = system.caller(NUMBER).dial("7000", Sound(500))
    staff, colleague = (system.phone(name).dial("7000", Sound(1000)) for name in ("2101", "2102"))
    for talk in (outside, staff, colleague):
        talk.wait_established()
    talk_for([outside, staff, colleague], 0.4)
    for talk, extension in ((staff, "2101"), (colleague, "2102"), (staff, "2101")):
        talk.press("*1")
        ears.told("keep", extension)
    outside.press("*1")
    ears.told_nothing()
    assert not outside.digits and not staff.digits and not colleague.digits


def test_a_press_is_kept_while_callrec_is_away(system: SystemUnderTest, ears: Ears) -> None:
    assert system.demo.controller is not None
    system.demo.controller.stop()
    try:
        staff, _ = inbound(system)
        presses = []
        for digits, key in (("*1", "keep"), ("*9", "help")):
            staff.press(digits)
            presses.append(ears.told(key, "2101"))
        with system.app.astdb() as astdb:
            ids = {press.fields["Id"] for press in presses}
            eventually(lambda: ids <= astdb.tree("callrec-key").keys(), 5, "writing the presses down")
            lines = astdb.tree("callrec-key")
            for press in presses:
                key, linkedid, name, at, unique = lines[press.fields["Id"]].split("|")
                assert (key, name) == (press.fields["Key"], press.channel.name)
                assert (linkedid, unique) == (press.channel.linkedid, press.channel.id)
                assert abs(float(at) - press.at.timestamp()) < PRESS_CLOCK_SECONDS
                astdb.delete("callrec-key", [press.fields["Id"]])
        system.hang_up_all()
    finally:
        system.demo.start_controller()


def _keys_row(system: SystemUnderTest, **environment: str) -> tuple[bool, str]:
    done = system.callrec("doctor", "--json", **environment)
    (row,) = [row for row in json.loads(done.stdout) if row["part"] == "PBX: keys"]
    return row["ok"], row["found"]


def test_doctor_compares_the_keys(system: SystemUnderTest) -> None:
    assert _keys_row(system) == (True, "keep *1 stop *4 pause *5 help *9")
    ok, found = _keys_row(system, CALLREC_KEYS__PAUSE="*6")
    assert not ok and "the PBX has *5 for pause, callrec.toml says *6: write callrec pbx config" in found


def test_doctor_sees_a_dialplan_that_gives_no_keys(system: SystemUnderTest) -> None:
    pbx = system.demo.pbx
    pbx.cli("dialplan set global DYNAMIC_FEATURES theirs")
    try:
        ok, found = _keys_row(system)
        assert not ok and "calls have no keys" in found
    finally:
        pbx.cli("dialplan reload")
    assert _keys_row(system)[0]


def test_features_that_the_dialplan_gives_stay(system: SystemUnderTest, ears: Ears) -> None:
    """The gate adds the keys to them, for the phones that ring."""
    pbx = system.demo.pbx
    pbx.cli("dialplan set global DYNAMIC_FEATURES theirs")
    try:
        staff, _ = WAYS["internal"](system)
        staff.press("*1")
        press = ears.told("keep", "2101")
        given = system.app.pbx.variable(press.channel.id, "DYNAMIC_FEATURES")
        assert given == "theirs#callrec-keep#callrec-stop#callrec-pause#callrec-help"
    finally:
        pbx.cli("dialplan reload")


def test_other_keys(system: SystemUnderTest, ears: Ears) -> None:
    """Keys that are changed as the documentation says."""
    etc = system.demo.home / "pbx/etc/callrec"
    before = (etc / "features.conf").read_text()
    done = system.callrec("pbx", "config", "-o", str(etc), "--force", CALLREC_KEYS__KEEP="#7")
    assert done.returncode == 0, done.stderr
    system.demo.pbx.cli("module reload features")
    try:
        staff, outside = inbound(system)
        staff.press("#7")
        ears.told("keep", "2101")
        staff.press("*1")
        heard(outside, "*1")
        assert _keys_row(system, CALLREC_KEYS__KEEP="#7")[0]
    finally:
        assert system.callrec("pbx", "config", "-o", str(etc), "--force").returncode == 0
        system.demo.pbx.cli("module reload features")
    assert (etc / "features.conf").read_text() == before
