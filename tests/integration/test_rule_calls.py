"""Real calls, one for each scope and each condition on which it depends whether they are recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callrec.catalogue.finding import SearchHit
from callrec.model.calls import CallRecord
from callrec.model.rules import Direction, Holidays, Hours, Mode
from callrec.policy.holidays import is_holiday
from tests.integration.system import Sound, SystemUnderTest, talk_for

TOKYO = ZoneInfo("Asia/Tokyo")
EVERY_DAY = tuple(range(7))
BASE = {"mode": "manual"}
"""The rule for everywhere: a call that nothing else decides is not captured."""


def call(system: SystemUnderTest, number: str, begin: datetime) -> CallRecord:
    """A call from this number to 2101, answered and over."""
    caller = system.caller(number).dial("2101")
    staff = system.phone("2101").pick_up()
    talk_for([staff], 0.5)
    caller.hangup()
    return system.call_of("+81" + number[1:], begin)


def recorded(system: SystemUnderTest, number: str, begin: datetime) -> bool:
    """Whether the call with this number has a recording, once nothing waits any more."""
    system.wait_until_clean()
    found: list[SearchHit] = [
        each for each in system.calls_since(begin) if each.call.number == "+81" + number[1:]
    ]
    return any(each.recording for each in found)


def around(minutes: int) -> tuple[Hours, ...]:
    """An hour of every day, half an hour on either side of now and so many minutes."""
    now = datetime.now(TOKYO) + timedelta(minutes=minutes)
    minute = now.hour * 60 + now.minute
    return (Hours(EVERY_DAY, (minute - 30) % 1440, (minute + 30) % 1440),)


def day(offset: int) -> tuple[Hours, ...]:
    """Two whole weekdays from so many days after today on: a test at midnight must not fail."""
    today = datetime.now(TOKYO).weekday()
    return (Hours(tuple(sorted({(today + offset) % 7, (today + offset + 1) % 7})), 0, 1440),)


def decided_at(system: SystemUnderTest, when: datetime) -> AbstractContextManager[None]:
    """The controller, started anew, decides as if it were this moment."""
    shift = (when - datetime.now(TOKYO)).total_seconds()
    return system.restarted_with(CALLREC_OFFICE__SHIFT_S=str(shift))


def moment(**before: float) -> datetime:
    return datetime.now(TOKYO) - timedelta(**before)


SCOPES: list[tuple[str, str | None]] = [
    ("everywhere", None),
    ("facility", "shiba"),
    ("extension", "2101"),
    ("caller", "+81311190001"),
]


@pytest.mark.parametrize(("scope", "target"), SCOPES)
def test_a_rule_of_each_scope_records(
    system: SystemUnderTest, begin: datetime, scope: str, target: str | None
) -> None:
    wide: dict[str, Any] = {"mode": "manual", "priority": -1}
    with system.rules(wide, {"mode": "automatic", "scope": scope, "target": target}) as (_, rule):
        made = call(system, "0311190001", begin)
        assert made.decision is not None
        assert (made.decision.mode, made.decision.rule) == (Mode.AUTOMATIC, rule.id)
        assert recorded(system, "0311190001", begin)


def today_is_a_holiday() -> bool:
    return is_holiday(datetime.now(TOKYO).date())


# Made when a test begins: what is around now would not be so any more.
HELD: dict[str, Callable[[], dict[str, Any]]] = {
    "direction": lambda: {"direction": Direction.INBOUND},
    "hours": lambda: {"hours": around(0)},
    "weekday": lambda: {"hours": day(0)},
    "holidays": lambda: {"holidays": Holidays.ONLY if today_is_a_holiday() else Holidays.EXCLUDE},
    "since": lambda: {"effective_from": moment(minutes=1), "effective_until": moment(minutes=-60)},
}


def missed() -> list[tuple[str, dict[str, Any]]]:
    """Conditions that a call from outside does not meet now, and why not."""
    other_day = ("on-holiday", Holidays.EXCLUDE) if today_is_a_holiday() else ("no-holiday", Holidays.ONLY)
    return [
        ("other-direction", {"direction": Direction.OUTBOUND}),
        ("other-hours", {"hours": around(60)}),
        ("other-hours", {"hours": day(3)}),
        (other_day[0], {"holidays": other_day[1]}),
        ("not-yet", {"effective_from": moment(minutes=-60)}),
        ("over", {"effective_until": moment(minutes=1)}),
    ]


@pytest.mark.parametrize("condition", list(HELD))
def test_a_condition_that_is_met_records(system: SystemUnderTest, begin: datetime, condition: str) -> None:
    wanted = {"mode": "automatic", "scope": "extension", "target": "2101", **HELD[condition]()}
    with system.rules(BASE, wanted) as (_, rule):
        made = call(system, "0311190002", begin)
        assert made.decision is not None and made.decision.rule == rule.id
        assert recorded(system, "0311190002", begin)


def test_conditions_that_are_not_met_do_not(system: SystemUnderTest, begin: datetime) -> None:
    unmet = missed()
    wanted = [{"mode": "automatic", "scope": "extension", "target": "2101", **more} for _, more in unmet]
    with system.rules(BASE, *wanted) as (base, *others):
        made = call(system, "0311190003", begin)
        assert made.decision is not None and made.decision.rule == base.id
        assert not recorded(system, "0311190003", begin)
    why = {each.rule: each.why for each in made.decision.considered if not each.won}
    assert why == {rule.id: expected for rule, (expected, _) in zip(others, unmet, strict=True)}


def test_never_for_a_caller_beats_a_rule_that_records(system: SystemUnderTest, begin: datetime) -> None:
    never = {"mode": "never", "scope": "caller", "target": "+81311190004"}
    with system.rules({"mode": "automatic", "scope": "extension", "target": "2101"}, never):
        made = call(system, "0311190004", begin)
        assert made.decision is not None and made.decision.reason == "never"
        assert not recorded(system, "0311190004", begin)


def test_a_change_is_in_force_and_ended_by_the_command(system: SystemUnderTest, begin: datetime) -> None:
    with system.rules({"mode": "automatic", "scope": "extension", "target": "2101"}, BASE) as (rule, _):
        done = system.callrec("rule", "end", str(rule.id))
        assert done.returncode == 0, done.stderr
        system.wait_for_rules()
        made = call(system, "0311190005", begin)
        assert made.decision is not None and made.decision.mode is Mode.MANUAL
        assert not recorded(system, "0311190005", begin)


def test_the_phones_of_the_pbx_are_compared_with_the_extensions(system: SystemUnderTest) -> None:
    done = system.callrec("rule", "check", "--json")
    unknown = [row for row in rows_of(done.stdout) if row["kind"] == "extension"]
    assert unknown == [], done.stderr
    moved = system.callrec("extension", "remove", "2102")
    assert moved.returncode == 0, moved.stderr
    added = system.callrec("extension", "add", "2999", "--facility", "shiba")
    assert added.returncode == 0, added.stderr
    try:
        found = rows_of(system.callrec("rule", "check", "--json").stdout)
        codes = {row["subject"]: row["code"] for row in found if row["kind"] == "extension"}
        assert codes == {"2102": "no-facility", "2999": "not-on-pbx"}
    finally:
        system.callrec("extension", "remove", "2999")
        system.callrec("extension", "add", "2102", "--facility", "shiba")


def rows_of(text: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(text)
    return found


def test_a_queue_is_decided_again_by_who_answers(system: SystemUnderTest, begin: datetime) -> None:
    with system.rules({"mode": "automatic"}, {"mode": "never", "scope": "extension", "target": "2102"}):
        for number, answering, recorded in (("0311150091", "2101", True), ("0311150092", "2102", False)):
            phone = system.phone(answering)
            caller = system.caller(number).dial("6000", Sound(500))
            staff = phone.pick_up(Sound(1000))
            talk_for([staff], 0.5)
            caller.hangup()
            call = system.call_of("+81" + number[1:], begin)
            assert (call.extension, call.dialled) == (answering, "6000")
            assert call.decision is not None and (call.decision.mode == "automatic") is recorded
            if recorded:
                assert system.recording_of("+81" + number[1:], begin).recording
    system.wait_until_clean()


@pytest.mark.parametrize(("clock", "holds"), [("05:58:00", True), ("06:00:00", False)])
def test_hours_over_midnight_hold_until_the_morning(
    system: SystemUnderTest, begin: datetime, clock: str, holds: bool
) -> None:
    """Those of Monday, on a Tuesday that is no holiday: at six sharp they are over."""
    number = f"031115010{int(holds)}"
    monday = (Hours((0,), 22 * 60, 6 * 60),)
    with system.rules(BASE | {"priority": -1}, {"mode": "automatic", "hours": monday}):
        with decided_at(system, datetime.fromisoformat(f"2026-12-01T{clock}+09:00")):
            assert any("decisions are made as if" in each for each in system.status()["problems"])
            made = call(system, number, begin)
            assert made.decision is not None and (made.decision.mode is Mode.AUTOMATIC) is holds
        assert recorded(system, number, begin) is holds
