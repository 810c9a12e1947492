"""What rule check finds. What it says can never win never wins, whatever call comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.model.office import Extension, Facility
from callrec.model.rules import Direction, Holidays, Mode, Rule, Scope
from callrec.policy.hours import parse_hours
from callrec.policy.office import Office
from callrec.rulebook import review
from callrec.rulebook.cover import covered
from callrec.wording import rule_name

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FACILITIES = [Facility("shiba", "芝"), Facility("azabu", "麻布")]
EXTENSIONS = [Extension("2101", "shiba"), Extension("2102", "shiba"), Extension("2201", "azabu")]


def rule(id_: int, mode: str, scope: str = "everywhere", target: str | None = None, **more: Any) -> Rule:
    hours = parse_hours(more.pop("hours")) if "hours" in more else ()
    return Rule(id_, 1, Scope(scope), target, Mode(mode), NOW, "test", hours=hours, **more)


TARGETS = [("everywhere", None), ("facility", "shiba"), ("facility", "azabu"), ("extension", "2101")]
HOURS = ["sun", "sat-sun 22:00-06:00", "mon-fri 08:30-17:15", "mon 00:00-06:00"]


@st.composite
def rule_lists(draw: st.DrawFn) -> list[Rule]:
    drawn = draw(st.lists(st.tuples(st.sampled_from(TARGETS), st.sampled_from(Mode), CONDITIONS), max_size=8))
    return [rule(id_, mode, *about, **more) for id_, (about, mode, more) in enumerate(drawn, start=1)]


CONDITIONS = st.fixed_dictionaries(
    {
        "direction": st.sampled_from([None, Direction.INBOUND]),
        "priority": st.integers(0, 1),
        "holidays": st.sampled_from(Holidays),
        "effective_from": st.sampled_from([None, NOW + DAY]),
        "effective_until": st.sampled_from([None, NOW, NOW + 3 * DAY]),
    },
    optional={"hours": st.sampled_from(HOURS)},
)
MOMENTS = st.integers(0, 10 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))


def found(rules: Iterable[Rule], extensions: Iterable[Extension] = EXTENSIONS) -> list[tuple[str, str]]:
    office = Office(FACILITIES, extensions, rules)
    return [(each.code, each.subject) for each in review.of_rules(office, NOW, TOKYO)]


def test_nothing_to_say_of_a_tidy_office() -> None:
    rules = [rule(1, "standby"), rule(2, "automatic", "facility", "shiba"), rule(3, "never", "caller", "110")]
    assert found(rules) == []


@pytest.mark.parametrize("number", ["03123456789", "90312345678", "35782111", "+813"])
def test_a_caller_that_no_line_has(number: str) -> None:
    assert found([rule(1, "standby"), rule(2, "never", "caller", number)]) == [("no-such-caller", "2@1")]


@pytest.mark.parametrize("number", ["+81312345678", "+816012345678", "+12125550123", "#7119", "118"])
def test_a_caller_that_may_call(number: str) -> None:
    assert found([rule(1, "standby"), rule(2, "never", "caller", number)]) == []


def test_a_caller_is_known_by_what_staff_dial() -> None:
    outside, phone = rule(1, "never", "caller", "00398765432"), rule(2, "never", "caller", "2101")
    office = Office(FACILITIES, EXTENSIONS, [], prefixes=["0"])
    assert review.of_caller(outside, office) == review.of_caller(phone, office) == []


def test_a_rule_that_is_always_beaten() -> None:
    wide = rule(1, "automatic", "facility", "shiba", hours="mon-fri 09:00-12:00")
    assert found([rule(9, "standby"), wide, rule(2, "manual", "facility", "shiba")]) == [("beaten", "1@1")]
    assert found([rule(9, "standby"), wide, rule(2, "manual", "facility", "shiba", hours="mon")]) == []
    assert found([rule(9, "standby"), wide, rule(2, "manual", "facility", "azabu")]) == []
    assert found([wide, rule(2, "never")]) == [("beaten", "1@1")]
    assert found([rule(1, "manual", "extension", "2101"), rule(2, "never", "facility", "shiba")])[0] == (
        "beaten",
        "1@1",
    )


def test_a_facility_rule_that_no_extension_is_left_for() -> None:
    wide = [rule(9, "standby"), rule(1, "automatic", "facility", "shiba")]
    own = [rule(2, "manual", "extension", "2101"), rule(3, "manual", "extension", "2102")]
    assert found([*wide, *own]) == [("all-have-own", "1@1")]
    assert found([*wide, own[0]]) == []
    assert found(wide, [Extension("2201", "azabu")]) == [("no-extensions", "1@1")]


def test_what_is_over_and_what_ends_soon() -> None:
    ends = [NOW - DAY, NOW + 30 * DAY, NOW + 31 * DAY]
    rules = [
        rule(n, "manual", "caller", f"+8131234000{n}", effective_until=end) for n, end in enumerate(ends)
    ]
    assert found([rule(9, "standby"), *rules]) == [("over", "0@1"), ("ends-soon", "1@1")]


def test_a_rule_without_a_day_or_hour_between_its_dates() -> None:
    """NOW is noon of a Sunday in Tokyo; the day after is a holiday, the weekdays after it are none."""

    def of(days: float, until: float, **more: Any) -> list[tuple[str, str]]:
        short = rule(1, "manual", effective_from=NOW + days * DAY, effective_until=NOW + until * DAY, **more)
        return found([rule(9, "standby", priority=-1), short])

    only, exclude = Holidays.ONLY, Holidays.EXCLUDE
    never = [("holds-never", "1@1")]
    assert of(2, 4, hours="sat,sun") == of(2, 4, holidays=only) == of(0.5, 1, holidays=exclude) == never
    assert of(0, 0.9, hours="sun 08:00-12:00") == of(0, 0.9, hours="sat 22:00-06:00") == never
    assert of(-1, 1, hours="sat") == never, "Saturday is over"
    assert of(2, 40, hours="sat,sun") == [] and of(0.5, 1, holidays=only) == [("ends-soon", "1@1")]
    assert (
        of(0, 0.9, hours="sun 08:00-12:01") == of(0, 0.9, hours="sat 22:00-12:01") == [("ends-soon", "1@1")]
    )
    assert of(0.5, 0.7, hours="sun 22:00-06:00", holidays=exclude) == [("ends-soon", "1@1")]


def test_a_facility_that_no_rule_is_about() -> None:
    assert found([rule(1, "automatic", "facility", "shiba")]) == [("no-rule", "azabu")]
    assert found([rule(1, "automatic", "facility", "shiba"), rule(2, "manual", "extension", "2201")]) == []
    assert found([rule(1, "automatic", "facility", "shiba", effective_until=NOW)]) == [
        ("over", "1@1"),
        ("no-rule", "azabu"),
        ("no-rule", "shiba"),
    ]


def test_a_rule_that_several_beat_together() -> None:
    wide = rule(1, "automatic", "facility", "shiba", hours="mon-fri 09:00-17:00")
    early = rule(2, "manual", "facility", "shiba", hours="mon-fri 08:00-12:00")
    late = rule(3, "manual", "facility", "shiba", hours="mon-fri 12:00-18:00")
    rest = [rule(9, "standby"), rule(4, "manual", "facility", "shiba", hours="sat")]
    assert found([*rest, wide, early, late]) == [("beaten-by-several", "1@1")]
    (finding,) = review.of_rules(Office(FACILITIES, EXTENSIONS, [*rest, wide, early, late]), NOW, TOKYO)
    assert finding.values == {"by": "2@1, 3@1"}
    assert found([*rest, wide, early, replace(late, direction=Direction.INBOUND)]) == []
    assert found([*rest, wide, early, replace(late, effective_until=NOW + 90 * DAY)]) == []
    assert found([*rest, wide, early, replace(late, holidays=Holidays.EXCLUDE)]) == []


def test_directions_holidays_and_dates_that_make_up_a_whole() -> None:
    wide, rest = rule(1, "automatic", "facility", "shiba"), rule(9, "standby")
    ways = [rule(n, "never", direction=way) for n, way in enumerate(Direction, start=10)]
    assert found([rest, wide, *ways[:2]]) == []
    assert ("beaten-by-several", "1@1") in found([rest, wide, *ways])
    kinds = (Holidays.EXCLUDE, Holidays.ONLY)
    days = [rule(n, "manual", "facility", "shiba", holidays=each) for n, each in enumerate(kinds, start=2)]
    assert ("beaten-by-several", "1@1") in found([rest, wide, *days])
    turn = NOW + 60 * DAY
    until, after = (
        rule(2, "manual", "facility", "shiba", effective_until=turn),
        rule(3, "manual", "facility", "shiba"),
    )
    assert found([rest, wide, until, replace(after, effective_from=turn)]) == [("beaten-by-several", "1@1")]
    assert found([rest, wide, until, replace(after, effective_from=turn + DAY)]) == []


def both(*codes: str) -> list[tuple[str, str]]:
    return [(code, facility) for facility in ("azabu", "shiba") for code in codes]


def test_a_rule_for_everywhere_leaves_gaps_too() -> None:
    assert found([rule(1, "automatic", effective_from=NOW + DAY)]) == both("no-rule")
    assert found([rule(1, "automatic", direction=Direction.INBOUND)]) == both("no-outbound", "no-internal")
    assert found([rule(1, "automatic", hours="mon-fri 08:30-17:15")]) == both("no-hours")
    assert found([rule(1, "automatic", holidays=Holidays.EXCLUDE)]) == both("no-holidays")
    halves = [
        rule(1, "automatic", hours="mon-sun 00:00-12:00"),
        rule(2, "manual", hours="mon-sun 12:00-24:00"),
    ]
    assert found(halves) == []


def test_a_gap_is_told_with_its_first_minute() -> None:
    hours = "mon-fri 17:15-08:30, sat, sun"  # what looks whole, and is not on Monday's first hours
    rules = [
        rule(1, "automatic", "facility", "shiba", hours="mon-fri 08:30-17:15"),
        rule(2, "standby", "facility", "shiba", hours=hours),
        rule(3, "manual", "extension", "2102"),
        rule(4, "manual", "facility", "azabu"),
    ]
    (finding,) = review.of_rules(Office(FACILITIES, EXTENSIONS, rules), NOW, TOKYO)
    assert finding.values == {"count": 1, "total": 2, "moment": "Mon 00:00"}
    assert finding.words() == "at some hours no rule holds for 1 of its 2 extensions, such as Mon 00:00"


@given(st.lists(MOMENTS, min_size=20, max_size=40), st.data())
def test_where_no_gap_is_found_every_call_is_decided_by_a_rule(
    moments: list[datetime], data: st.DataObject
) -> None:
    rules = [replace(each, effective_from=None, effective_until=None) for each in data.draw(rule_lists())]
    office = Office(FACILITIES, EXTENSIONS, rules)
    silent = {each.subject for each in review.of_rules(office, NOW, TOKYO) if each.kind == "facility"}
    for at in moments:
        for extension in EXTENSIONS:
            for direction in (Direction.INBOUND, Direction.INTERNAL):
                decision = office.decide(office.facts(direction, [extension.number], None, at))
                assert decision.rule is not None or extension.facility in silent


def test_extensions_are_compared_with_the_phones_of_the_pbx() -> None:
    office = Office(FACILITIES, [*EXTENSIONS, Extension("6000", "shiba", service=True)])
    phones = {"2101", "2102", "2109", "6000", "trunk"}
    assert [(each.code, each.subject) for each in review.of_pbx(office, phones)] == [
        ("no-facility", "2109"),
        ("not-on-pbx", "2201"),
        ("is-phone", "6000"),
    ]


@pytest.mark.parametrize(
    ("endpoint", "number"),
    [
        ("2101-WS", "2101"),
        ("2101_web", "2101"),
        ("web-2101", "2101"),
        ("2101-WS2", "2101"),
        ("992101", "2101"),
        ("902101", "2101"),
        ("21012", None),
        ("12101", None),
        ("892101", None),
        ("trunk", None),
        ("ntt-0312345678", None),
        ("6000-x", None),
    ],
)
def test_endpoints_that_look_like_twins(endpoint: str, number: str | None) -> None:
    assert review.twin_of(endpoint, {"2101", "2201"}) == number


def test_phones_by_another_name_and_lines_that_look_like_phones() -> None:
    office = Office(
        FACILITIES,
        [
            Extension("2101", "shiba", aliases=("q7Zk", "DAHDI/34")),
            Extension("2102", "shiba", aliases=("2102-WS",)),
            Extension("2201", "azabu"),
        ],
        lines=("PJSIP/33", "2201"),
    )
    endpoints = {"q7Zk", "992101", "2102", "2102-web", "2201", "33", "44", "2109"}
    found = [(each.code, each.subject) for each in review.of_pbx(office, endpoints, {"33", "44", "trunk"})]
    assert found == [
        ("looks-like-line", "44"),
        ("no-facility", "2109"),
        ("twin", "2102-web"),
        ("twin", "992101"),
        ("no-such-alias", "2102"),
        ("is-line", "2201"),
    ]


def test_every_finding_has_words() -> None:
    office = Office(
        FACILITIES, EXTENSIONS, [rule(1, "manual", "facility", "shiba", effective_until=NOW + DAY)]
    )
    words = [each.words() for each in review.of_rules(office, NOW, TOKYO)]
    assert words[0].startswith("it ends 2026-11-23 12:00") and "1 of its 1 extensions" in words[1]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("", "mon", True),
        ("mon-sun 00:00-24:00", "", True),
        ("mon", "", False),
        ("08:00-12:00 12:00-18:00", "09:00-17:00", True),
        ("08:00-12:00 12:01-18:00", "09:00-17:00", False),
        ("sun 22:00-06:00", "mon 00:00-06:00", True),
        ("sun 22:00-06:00", "mon 00:00-06:01", False),
    ],
)
def test_hours_that_cover_others(one: str, other: str, expected: bool) -> None:
    rules = [rule(n, "manual", **({"hours": text} if text else {})) for n, text in enumerate((one, other))]
    assert covered(rules[1], rules[:1], NOW) is expected


def test_a_night_that_began_on_another_day_is_not_the_same_where_holidays_count() -> None:
    night, morning = (rule(1, "manual", hours=text) for text in ("sun 22:00-06:00", "mon 00:00-06:00"))
    apart = [replace(each, holidays=Holidays.EXCLUDE) for each in (night, morning)]
    assert covered(morning, [night], NOW) and not covered(apart[1], [apart[0]], NOW)


@given(rule_lists(), st.lists(MOMENTS, min_size=20, max_size=40))
def test_what_can_never_win_never_wins(rules: list[Rule], moments: list[datetime]) -> None:
    office = Office(FACILITIES, EXTENSIONS, rules)
    lost = {
        each.subject
        for each in review.of_rules(office, NOW, TOKYO)
        if each.kind == "rule" and each.code != "ends-soon"
    }
    for at in moments:
        for parties in (["2101"], ["2102"], ["2201"], ["2101", "2201"], ["2999"]):
            for direction in (Direction.INBOUND, Direction.INTERNAL):
                decision = office.decide(office.facts(direction, parties, None, at))
                assert rule_name(decision.rule, decision.version) not in lost
