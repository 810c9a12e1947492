"""Numbers as staff dial them and callers present them: each spelling meets the rule of the number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import pytest

from callrec.model.calls import CallRecord
from callrec.model.rules import Mode
from tests.integration.system import Sound, SystemUnderTest, eventually, talk_for
from tests.listen import hears

STAFF_HZ, OUTSIDE_HZ = 1000.0, 500.0
PREFIXES = '["0", "9", "0036"]'
NUMBER = "+81398765432"
NEVER = {"mode": "never", "scope": "caller", "target": NUMBER}
WAYS = (
    *("0398765432", "00398765432", "90398765432", "00360398765432", "01840398765432", "18400398765432"),
    "0398765432;phone-context=+81",
)
"""How staff dial 03-9876-5432."""
PRESENTED = (NUMBER, "0398765432", "0081398765432", "81398765432")


@pytest.fixture(scope="module")
def office(system: SystemUnderTest) -> Iterator[SystemUnderTest]:
    """An office that dials a prefix for a line to the outside."""
    with system.restarted_with(CALLREC_OFFICE__PREFIXES=PREFIXES):
        yield system


def call(system: SystemUnderTest, dialled: str, seconds: float = 0.3) -> None:
    """A call of 2101 to the outside, answered and over."""
    staff = system.phone("2101").dial(dialled, Sound(STAFF_HZ))
    other = system.phone("outside").pick_up(Sound(OUTSIDE_HZ))
    staff.wait_established()
    talk_for([staff, other], seconds)
    staff.hangup()
    other.wait_ended()


def rows(system: SystemUnderTest, begin: datetime, count: int) -> list[CallRecord]:
    """The rows of so many calls that are over, the first call first."""

    def look() -> list[CallRecord]:
        found = [each.call for each in reversed(system.calls_since(begin))]
        return found if len(found) == count and all(each.outcome for each in found) else []

    return eventually(look, what=f"the rows of {count} calls")


def found(system: SystemUnderTest, number: str, begin: datetime) -> set[str]:
    """The ids of the calls of this test that a search for the number finds."""
    done = system.callrec(
        *("search", "--number", number, "--all-calls", "--limit", "1000", "--json"),
        CALLREC_OFFICE__PREFIXES=PREFIXES,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return {each["call_id"] for each in told if datetime.fromisoformat(each["started_at"]) >= begin}


def test_never_for_a_number_holds_however_staff_dial_it(office: SystemUnderTest, begin: datetime) -> None:
    before = office.settled_keys()
    with office.rules({"mode": "automatic"}, NEVER):
        for way in WAYS:
            call(office, way)
        made = rows(office, begin, len(WAYS))
    assert [each.number for each in made] == [NUMBER] * len(WAYS)
    assert [each.decision and each.decision.mode for each in made] == [Mode.NEVER] * len(WAYS)
    assert [each.dialled for each in made] == [way.partition(";")[0] for way in WAYS]
    assert office.settled_keys() == before, "nothing was kept"
    ids = {each.id for each in made}
    for number in ("03-9876-5432", "+81 3 9876 5432", "00398765432", "tel:+81-3-9876-5432"):
        assert found(office, number, begin) == ids, number


def test_another_number_with_a_prefix_is_recorded_under_its_own(
    office: SystemUnderTest, begin: datetime
) -> None:
    with office.rules({"mode": "automatic"}, NEVER):
        call(office, "00311160001", 1.0)
        kept = office.recording_of("+81311160001", begin)
    assert kept.recording and kept.call.dialled == "00311160001"
    heard = office.listen(kept.recording)
    assert hears(heard.external, heard.rate, OUTSIDE_HZ) and hears(heard.staff, heard.rate, STAFF_HZ)


def test_never_for_a_number_holds_however_it_is_presented(office: SystemUnderTest, begin: datetime) -> None:
    before = office.settled_keys()
    with office.rules({"mode": "automatic"}, NEVER):
        for number in PRESENTED:
            caller = office.caller(number).dial("2101", Sound(OUTSIDE_HZ))
            staff = office.phone("2101").pick_up(Sound(STAFF_HZ))
            talk_for([staff, caller], 0.3)
            caller.hangup()
            staff.wait_ended()
        made = rows(office, begin, len(PRESENTED))
    assert [each.number for each in made] == [NUMBER] * len(PRESENTED)
    assert office.settled_keys() == before


def test_never_for_a_number_holds_in_what_the_fallback_recorded(
    office: SystemUnderTest, begin: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dialplan's copy knows extensions only; when callrec is back, the number counts."""
    before, ways = office.settled_keys(), ("00398765432", "01840398765432", "0398765432;phone-context=+81")
    controller = office.demo.controller
    assert controller is not None
    monkeypatch.setenv("CALLREC_OFFICE__PREFIXES", PREFIXES)
    with office.rules({"mode": "automatic"}, NEVER):
        office.wait_for_mirror()
        controller.stop()
        try:
            for way in ways:
                call(office, way)
        finally:
            office.demo.start_controller()
        made = rows(office, begin, len(ways))
    assert [each.number for each in made] == [NUMBER] * len(ways)
    for each in made:
        assert each.decision and each.decision.mode is Mode.NEVER
        assert any("was destroyed" in note.text for note in each.notes), each
    assert office.settled_keys() == before
    assert found(office, "0398765432", begin) == {each.id for each in made}
