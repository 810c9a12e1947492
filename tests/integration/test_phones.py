"""Whose phone it is, on a real PBX: other phones of a person, and a trunk that is named like an extension."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from callrec.catalogue import facilities
from callrec.demo.pbx import new_password
from callrec.demo.softphones import Sound, Talk
from callrec.fallback.rule_mirror import PHONES
from callrec.model.calls import CallRecord, FeatureCode, KeyResult
from callrec.model.rules import Direction, Mode
from tests.integration.system import SystemUnderTest, eventually, talk_for
from tests.listen import hears, hears_no

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
OTHER_HZ, STAFF_HZ = 500.0, 1000.0
NEVER_2102: dict[str, Any] = {"mode": "never", "scope": "extension", "target": "2102"}
ALIASES = {"2101-WS": "2101", "2102-WS": "2102"}
ENDPOINTS = {
    # phones of browsers may say who calls: P-Asserted-Identity is believed
    **dict.fromkeys(ALIASES, "(phone)\ntrust_id_inbound = yes\n"),
    # a trunk with features of the office's own, to which the gate adds the keys
    "33": "(line)\nset_var = DYNAMIC_FEATURES=of-the-office\n",
    # one that is not kept free of keys where no gate is
    "34": "(line)\nset_var = DYNAMIC_FEATURES=callrec-keep#callrec-stop#callrec-pause#callrec-help\n",
}
# one that comes in without a password
UNGUARDED = """
[35](line)
aors = 35

[35](registration)
"""
ACCOUNT = """
[{name}]{kind}auth = {name}
aors = {name}

[{name}](account)
username = {name}
password = {password}

[{name}](registration)
"""


@pytest.fixture(scope="module")
def accounts(system: SystemUnderTest) -> Iterator[SystemUnderTest]:
    """The PBX has other phones of 2101 and 2102, and trunks named 33, 34 and 35."""
    pbx = system.demo.pbx
    file = pbx.home / "etc/pjsip_accounts.conf"
    before = file.read_text()
    passwords = {name: new_password() for name in ENDPOINTS}
    blocks = [
        ACCOUNT.format(name=name, kind=kind, password=passwords[name]) for name, kind in ENDPOINTS.items()
    ]
    pbx.sip_passwords.update(passwords)
    _reload(system, before + "".join(blocks) + UNGUARDED)
    yield system
    _reload(system, before)


@pytest.fixture(scope="module")
def office(accounts: SystemUnderTest) -> Iterator[SystemUnderTest]:
    """callrec knows whose the other phones are."""
    _each_alias(accounts)
    accounts.wait_for_rules()
    yield accounts
    _each_alias(accounts, "--remove")


def _each_alias(system: SystemUnderTest, *options: str) -> None:
    for endpoint, number in ALIASES.items():
        done = system.callrec("extension", "alias", number, *options, endpoint)
        assert done.returncode == 0, done.stderr


def _reload(system: SystemUnderTest, accounts: str) -> None:
    pbx = system.demo.pbx
    (pbx.home / "etc/pjsip_accounts.conf").write_text(accounts)
    pbx.cli("module reload res_pjsip.so")

    def taken() -> bool:
        return ("33" in system.app.phones()) is ("[33]" in accounts)

    eventually(taken, what="the endpoints")


def _calls_out(system: SystemUnderTest, endpoint: str, presents: str, number: str) -> tuple[Talk, Talk]:
    identity = {"P-Asserted-Identity": f"<sip:{presents}@127.0.0.1>"} if presents else None
    outside = system.phone("outside")
    staff = system.phone(endpoint).dial(number, Sound(STAFF_HZ), identity)
    other = outside.pick_up(Sound(OTHER_HZ))
    staff.wait_established()
    talk_for([staff, other], 0.7)
    return staff, other


def _keys(call: CallRecord) -> list[tuple[FeatureCode, KeyResult, str]]:
    return [(each.key, each.result, each.extension) for each in call.key_presses]


@pytest.mark.parametrize(
    ("presents", "number"), [("", "0398760011"), ("2102", "0398760012"), ("0312340000", "0398760013")]
)
def test_another_phone_of_a_person_is_the_person(
    office: SystemUnderTest, begin: datetime, presents: str, number: str
) -> None:
    with office.rules({"mode": "automatic"}, NEVER_2102):
        staff, other = _calls_out(office, "2101-WS", presents, number)
        staff.press("*1")
        talk_for([staff, other], 1.0)
        staff.hangup()
        found = office.recording_of("+81" + number[1:], begin)
    assert (found.call.direction, found.call.extension) == (Direction.OUTBOUND, "2101")
    assert _keys(found.call) == [(FeatureCode.KEEP, KeyResult.MARKED, "2101")]
    assert found.recording is not None
    heard = office.listen(found.recording)
    assert hears(heard.staff, heard.rate, STAFF_HZ) and hears_no(heard.staff, heard.rate, OTHER_HZ)
    assert hears(heard.external, heard.rate, OTHER_HZ)


def test_who_is_never_recorded_is_not_by_presenting_another(office: SystemUnderTest, begin: datetime) -> None:
    with office.rules({"mode": "automatic"}, NEVER_2102):
        staff, other = _calls_out(office, "2102-WS", "2101", "0398760014")
        staff.press("*1")
        talk_for([staff, other], 0.5)
        staff.hangup()
        call = office.call_of("+81398760014", begin)
        office.wait_until_clean()
    assert call.decision is not None
    assert (call.extension, call.decision.mode) == ("2102", Mode.NEVER)
    assert _keys(call) == [(FeatureCode.KEEP, KeyResult.REFUSED, "2102")]
    assert not [each for each in office.calls_since(begin) if each.recording]


def test_a_phone_that_calls_a_colleague_is_itself(office: SystemUnderTest, begin: datetime) -> None:
    with office.rules({"mode": "automatic"}, NEVER_2102):
        identity = {"P-Asserted-Identity": "<sip:2101@127.0.0.1>"}
        staff = office.phone("2102-WS").dial("2201", Sound(STAFF_HZ), identity)
        colleague = office.phone("2201").pick_up(Sound(OTHER_HZ))
        talk_for([staff, colleague], 0.5)
        staff.hangup()
        call = office.call_of("2102", begin)
        office.wait_until_clean()
    assert call.decision is not None
    assert (call.direction, call.extension) == (Direction.INTERNAL, "2201")
    assert call.decision.mode is Mode.NEVER
    assert not [each for each in office.calls_since(begin) if each.recording]


def test_a_call_that_another_phone_picks_up(office: SystemUnderTest, begin: datetime) -> None:
    with office.rules({"mode": "manual"}, NEVER_2102):
        caller = office.caller("0311140021").dial("2102", Sound(OTHER_HZ))
        office.phone("2102").wait_ring()
        staff = office.phone("2101-WS").dial("*8", Sound(STAFF_HZ))
        staff.wait_established()
        talk_for([staff, caller], 0.5)
        staff.press("*1")
        talk_for([staff, caller], 0.5)
        caller.hangup()
        call = office.call_of("+81311140021", begin)
    assert (call.direction, call.extension) == (Direction.INBOUND, "2101")
    assert [each[2] for each in _keys(call)] == ["2101"]


def _over_the_trunk(system: SystemUnderTest, number: str, dialled: str = "2101") -> tuple[Talk, Talk]:
    caller = system.phone("33", number=number, register=False).dial(dialled, Sound(OTHER_HZ))
    staff = system.phone("2101").pick_up(Sound(STAFF_HZ))
    caller.wait_established()
    talk_for([staff, caller], 0.7)
    return caller, staff


def test_a_trunk_that_is_named_like_a_phone_is_outside(accounts: SystemUnderTest, begin: datetime) -> None:
    with accounts.rules({"mode": "automatic"}):
        caller, staff = _over_the_trunk(accounts, "0311140022")
        caller.press("*9")
        caller.press("*1")
        talk_for([staff, caller], 1.0)
        caller.hangup()
        found = accounts.recording_of("+81311140022", begin)
    assert (found.call.direction, found.call.extension) == (Direction.INBOUND, "2101")
    assert [each.extension for each in found.call.participants] == [None, "2101"]
    assert not found.call.key_presses and not found.call.incident
    assert found.recording is not None
    heard = accounts.listen(found.recording)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears_no(heard.external, heard.rate, STAFF_HZ)
    assert hears(heard.staff, heard.rate, STAFF_HZ)


def test_rules_for_callers_hold_on_a_trunk_that_is_named_like_a_phone(
    accounts: SystemUnderTest, begin: datetime
) -> None:
    never = {"mode": "never", "scope": "caller", "target": "+81311140023"}
    with accounts.rules({"mode": "automatic"}, never):
        caller, _ = _over_the_trunk(accounts, "0311140023")
        caller.hangup()
        call = accounts.call_of("+81311140023", begin)
        accounts.wait_until_clean()
    assert call.decision is not None and call.decision.mode is Mode.NEVER
    assert not [each for each in accounts.calls_since(begin) if each.recording]


def test_a_trunk_that_the_settings_name_has_no_keys_where_no_gate_is(
    accounts: SystemUnderTest, begin: datetime
) -> None:
    """In a conference that is dialled directly, the PBX gives it the menu of staff."""
    with accounts.restarted_with(CALLREC_PBX__LINES='["34"]'), accounts.rules({"mode": "automatic"}):
        staff = accounts.phone("2101").dial("7000", Sound(STAFF_HZ))
        staff.wait_established()
        caller = accounts.phone("34", number="0311140024", register=False).dial("7000", Sound(OTHER_HZ))
        caller.wait_established()
        talk_for([staff, caller], 0.7)
        caller.press("*9")
        talk_for([staff, caller], 1.0)
        staff.press("*1")
        talk_for([staff, caller], 1.0)
        caller.hangup()
        staff.hangup()
        found = accounts.recording_of("+81311140024", begin)
    assert [(key, extension) for key, _, extension in _keys(found.call)] == [(FeatureCode.KEEP, "2101")]


@contextmanager
def _dialled_over_the_trunk(system: SystemUnderTest, number: str) -> Iterator[None]:
    """The dialplan has a number that is reached by the trunk."""
    steps = [f"Gosub(callrec-gate,s,1(outbound,2101,{number}))", "Dial(PJSIP/33,20,tT)"]
    for priority, step in enumerate(steps, 1):
        system.demo.pbx.cli(f"dialplan add extension {number},{priority},{step} into from-phones")
    yield
    system.demo.pbx.cli(f"dialplan remove extension {number}@from-phones")


def test_a_call_to_the_outside_over_a_trunk_that_is_named_like_a_phone(
    accounts: SystemUnderTest, begin: datetime
) -> None:
    trunk = accounts.phone("33")
    with accounts.rules({"mode": "automatic"}), _dialled_over_the_trunk(accounts, "0398760015"):
        staff = accounts.phone("2101").dial("0398760015", Sound(STAFF_HZ))
        other = trunk.pick_up(Sound(OTHER_HZ))
        staff.wait_established()
        talk_for([staff, other], 0.7)
        other.press("*9")
        talk_for([staff, other], 1.0)
        staff.press("*1")
        talk_for([staff, other], 0.7)
        staff.hangup()
        found = accounts.recording_of("+81398760015", begin)
    assert (found.call.direction, found.call.extension) == (Direction.OUTBOUND, "2101")
    assert [(key, extension) for key, _, extension in _keys(found.call)] == [(FeatureCode.KEEP, "2101")]
    assert found.recording is not None
    heard = accounts.listen(found.recording)
    assert hears(heard.external, heard.rate, OTHER_HZ) and hears_no(heard.external, heard.rate, STAFF_HZ)


def test_the_pbx_has_a_copy_of_whose_phone_it_is(office: SystemUnderTest) -> None:
    office.wait_for_mirror()
    with office.app.ami() as ami:
        assert ami.tree(PHONES) == ALIASES


def test_endpoints_that_are_nobodys_are_found(accounts: SystemUnderTest) -> None:
    with _without_aliases(accounts):
        found = _checked(accounts)
    unknown = {"33": "no-facility", "34": "no-facility", "35": "looks-like-line"}
    assert found == {"2101-WS": "twin", "2102-WS": "twin", **unknown}


@contextmanager
def _without_aliases(system: SystemUnderTest) -> Iterator[None]:
    there = [alias for alias in ALIASES if alias in _aliases(system)]
    for alias in there:
        system.callrec("extension", "alias", ALIASES[alias], "--remove", alias)
    yield
    for alias in there:
        system.callrec("extension", "alias", ALIASES[alias], alias)


def _aliases(system: SystemUnderTest) -> set[str]:
    with system.app.database.read() as connection:
        return {alias for each in facilities.all_extensions(connection) for alias in each.aliases}


def _checked(system: SystemUnderTest) -> dict[str, str]:
    done = system.callrec("rule", "check", "--json")
    rows = json.loads(done.stdout)
    return {row["subject"]: row["code"] for row in rows if row["kind"] == "extension"}
