"""The words of the office's own papers follow the rules, and no number outside is in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.durations import parse_days
from callrec.model.kinds import Direction, Mode
from callrec.model.office import Extension, Facility, Support
from callrec.model.prompts import Prompt
from callrec.model.rules import Announce, Holidays, Rule, Scope
from callrec.policy.decide import Defaults
from callrec.policy.hours import parse_hours
from callrec.policy.office import OfficeParts
from callrec.rulebook import papers

TOKYO = ZoneInfo("Asia/Tokyo")
AT = datetime(2026, 8, 3, 1, 0, tzinfo=UTC)
"""A Monday at ten in Tokyo."""
CALLER = "+81312345678"


def rule(number: int, mode: Mode, scope: Scope = Scope.EVERYWHERE, target: str | None = None) -> Rule:
    return Rule(number, 1, scope, target, mode, AT, "sato")


def parts(*rules: Rule) -> OfficeParts:
    return OfficeParts(
        facilities=(Facility("shiba", "芝地区総合支所", support_phone="2900"), Facility("azabu", "麻布")),
        extensions=(
            Extension("2101", "shiba", "窓口1"),
            Extension("2201", "azabu"),
            Extension("6000", "shiba", service=True),
        ),
        rules=rules,
        defaults=Defaults(),
        extension_pattern=r"[1-9][0-9]{1,5}",
        technologies=("PJSIP",),
        prefixes=(),
        lines=(),
        zone=TOKYO,
        shift=timedelta(0),
        revision=1,
        support=Support(),
    )


def prompt(name: str, language: str) -> Prompt:
    return Prompt(name, language, f"{name} {language}", "", "", 1.0, {})


def test_the_table_has_the_wider_scope_and_the_stronger_rule_first() -> None:
    rules = (
        rule(1, Mode.AUTOMATIC, Scope.CALLER, CALLER),
        rule(2, Mode.NEVER, Scope.EXTENSION, "2201"),
        replace(rule(3, Mode.MANUAL), priority=1),
        rule(4, Mode.STANDBY),
        rule(5, Mode.AUTOMATIC, Scope.FACILITY, "shiba"),
    )
    found = papers.lines(parts(*rules), AT)
    assert [(each.whom, each.mode_word) for each in found] == [
        ("全ての施設", "手動"),
        ("全ての施設", "仮録音"),
        ("芝地区総合支所", "自動"),
        ("麻布 内線2201", "録音しない"),
        ("区が別に定める電話番号", "自動"),
    ]


def test_a_line_says_when_how_and_for_how_long() -> None:
    whole = replace(
        rule(1, Mode.STANDBY, Scope.EXTENSION, "2101"),
        direction=Direction.INBOUND,
        hours=parse_hours("mon-fri 08:30-17:15, sat 22:00-06:00"),
        holidays=Holidays.EXCLUDE,
        effective_from=datetime(2026, 8, 31, 15, tzinfo=UTC),
        effective_until=datetime(2027, 3, 31, 15, tzinfo=UTC),
        retain_days=366,
        languages=("ja", "en"),
    )
    (found,) = papers.lines(parts(whole), AT)
    assert found.whom == "芝地区総合支所 窓口1 内線2101"
    assert found.direction == "外部からの着信"
    assert found.when == (
        "月～金 8:30～17:15、土 22:00～翌6:00、祝日を除く、令和8年9月1日から、令和9年3月31日まで"
    )
    assert (found.kept, found.kept_incident) == ("1年", "5年")
    assert found.announced == "電話が鳴る前に、相手の方へ"
    assert papers.announcements(
        [found], [prompt("notice", "en"), prompt("notice", "ja"), prompt("x", "ja")]
    ) == [
        prompt("notice", "ja"),
        prompt("notice", "en"),
    ]


def test_an_incident_is_never_kept_for_less() -> None:
    (found,) = papers.lines(parts(replace(rule(1, Mode.AUTOMATIC), retain_days=3653)), AT)
    assert (found.kept, found.kept_incident) == ("10年", "10年")


def test_what_is_not_recorded_is_not_kept_and_not_announced() -> None:
    (found,) = papers.lines(parts(rule(1, Mode.NEVER)), AT)
    assert (found.kept, found.kept_incident, found.announced, found.prompts) == (
        "",
        "",
        "行わない",
        frozenset(),
    )
    assert papers.span_of_kept(parts(rule(1, Mode.NEVER)), AT) == ("", "")


def test_the_announcement_of_calls_from_outside_and_of_others_is_told_apart() -> None:
    said = "着信：電話が鳴る前に、相手の方へ／その他：録音の開始時に、双方へ"
    assert papers.lines(parts(rule(1, Mode.AUTOMATIC)), AT)[0].announced == said
    manual = papers.lines(parts(rule(1, Mode.MANUAL)), AT)[0]
    assert manual.announced == "録音の開始時に、双方へ"
    silent = papers.lines(parts(replace(rule(1, Mode.AUTOMATIC), announce=Announce.NONE)), AT)[0]
    assert silent.announced == "行わない"


def test_rules_that_have_ended_are_left_out_and_those_that_begin_later_are_not() -> None:
    ended = replace(rule(1, Mode.AUTOMATIC), effective_until=AT)
    later = replace(rule(2, Mode.MANUAL), effective_from=AT + timedelta(days=29), retain_days=30)
    office = parts(ended, later)
    assert [each.mode for each in papers.lines(office, AT)] == [Mode.MANUAL]
    assert papers.begins(office, AT) == "令和8年9月1日"
    assert papers.begins(office, AT + timedelta(days=30)) == ""
    assert papers.span_of_kept(office, AT) == ("30日", "30日")


@given(st.sampled_from(Mode), st.sampled_from((None, *Direction)), st.sampled_from((None, *Announce)))
def test_no_number_outside_is_in_a_paper(
    mode: Mode, direction: Direction | None, announce: Announce | None
) -> None:
    about = replace(rule(1, mode, Scope.CALLER, CALLER), direction=direction, announce=announce)
    assert CALLER.removeprefix("+81") not in repr(papers.lines(parts(about), AT))


@given(st.integers(1, 36_525))
def test_a_retention_in_words_means_the_same_days(days: int) -> None:
    written = papers.in_words(days)
    assert parse_days(written.replace("年", "y").replace("日", "d")) == days


def test_a_card_has_the_mode_of_its_phone_and_who_helps() -> None:
    inbound = replace(rule(1, Mode.STANDBY, Scope.FACILITY, "shiba"), direction=Direction.INBOUND)
    office = parts(inbound, rule(2, Mode.NEVER, Scope.EXTENSION, "2201"))
    one, other = papers.cards(office, office.extensions, AT)
    assert (one.extension, one.name, one.facility, one.support) == ("2101", "窓口1", "芝地区総合支所", "2900")
    assert one.modes == (("着信", Mode.STANDBY), ("発信", Mode.NEVER))
    assert (other.modes, other.support) == ((("", Mode.NEVER),), "")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-08-03 23:00", "2026-08-03 10:00"),
        ("2026-08-08 09:00", "2026-08-10 10:00"),
        ("2026-08-11 09:00", "2026-08-12 10:00"),  # 山の日
        ("2027-05-01 09:00", "2027-05-06 10:00"),  # a weekend, then three holidays
    ],
)
def test_a_card_is_of_a_working_hour(now: str, expected: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=TOKYO)
    assert papers.working_hour(at, TOKYO) == datetime.fromisoformat(expected).replace(tzinfo=TOKYO)
