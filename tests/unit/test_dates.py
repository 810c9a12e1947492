"""Dates and durations, as people write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.dates import parse_date, parse_end, parse_moment, parse_range, spoken
from callrec.durations import clock, parse_clip, parse_days, parse_duration
from callrec.errors import WrongUsage

TOKYO = ZoneInfo("Asia/Tokyo")
TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22",
        "2026/11/22",
        "2026.11.22",
        "2026年11月22日",
        "令和8年11月22日",
        "R8.11.22",
        "r8/11/22",
        "２０２６－１１－２２",
        "Ｒ８．１１．２２",
        "20261122",
        "２０２６１１２２",
        "2026−11−22",
        "2026‐11‐22",
        "2026—11—22",
        "2026ー11ー22",
        "2026年11月22日(日)",
        "2026/11/22（日曜日）",
        "2026-11-22 日",
        "2026-11-22 (Sun)",
        "2026年11月22日日曜日",
        "令和八年十一月二十二日",
        "二〇二六年十一月二十二日",
        "㋿8年11月22日",
        "令和 8 年 11 月 22 日",
        "R8-11-22",
        "today",
        "今日",
        " Today ",
    ],
)
def test_ways_to_write_one_day(text: str) -> None:
    assert parse_date(text, TODAY) == TODAY


def test_yesterday_is_relative() -> None:
    assert parse_date("yesterday", date(2026, 3, 1)) == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("令和元年5月1日", date(2019, 5, 1)),
        ("平成31年4月30日", date(2019, 4, 30)),
        ("平成元年1月8日", date(1989, 1, 8)),
        ("昭和64年1月7日", date(1989, 1, 7)),
        ("大正15年12月24日", date(1926, 12, 24)),
        ("明治45年7月29日", date(1912, 7, 29)),
    ],
)
def test_first_and_last_days_of_eras(text: str, day: date) -> None:
    assert parse_date(text, TODAY) == day


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-13-01",
        "2026-02-30",
        "平成32年1月1日",
        "令和元年4月30日",
        "R0.1.1",
        "22/11/2026",
        "8.11.22",
        "11/22",
        "2月30日",
        "令和7年2月29日",
        "20261332",
        "2026/1/2 3",
        "9" * 30,
        "9" * 30 + "-1-1",
        "R" + "8" * 30 + ".1.1",
    ],
)
def test_what_is_no_date_is_refused_with_examples(text: str) -> None:
    with pytest.raises(WrongUsage, match="is not a date: write 2026-11-22"):
        parse_date(text, TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23(日)",
        "2026年11月22日月曜日",
        "令和8年11月22日（土）",
        "2026-11-22 Mon",
    ],
)
def test_a_weekday_that_is_another_is_told_of(text: str) -> None:
    with pytest.raises(WrongUsage, match=r"cannot be: 2026-11-2\d is ..., not ..."):
        parse_date(text, TODAY)


@pytest.mark.parametrize(
    "text",
    ["2026-11-22 2026-11-23", "2026-11-22,2026-11-23", "2026-11-22\n2026-11-23", "2026/11/22、2026/11/23"],
)
def test_two_dates_are_told_of_with_both(text: str) -> None:
    shown = re.escape(" ".join(text.split()))
    with pytest.raises(WrongUsage, match=f"{shown} is more than one date"):
        parse_date(text, TODAY)
    with pytest.raises(WrongUsage, match=f"{shown} is more than one date"):
        parse_range(text, TOKYO, NOW)


@given(
    st.text(st.characters(codec="utf-8") | st.sampled_from("0123456789年月日-/.〜令和R時分半:"), max_size=24)
)
def test_any_text_is_a_date_a_moment_a_range_or_told_of(text: str) -> None:
    for read in (lambda: parse_date(text, TODAY), *(partial(f, text, TOKYO, NOW) for f in READERS)):
        try:
            read()
        except WrongUsage as error:
            assert "\n" not in str(error)


READERS = (parse_range, parse_moment, parse_end)


@given(st.dates(date(2019, 5, 1), date(2099, 12, 31)))
def test_every_day_of_reiwa_can_be_written_both_ways(day: date) -> None:
    japanese = f"令和{day.year - 2018}年{day.month}月{day.day}日({'月火水木金土日'[day.weekday()]})"
    assert parse_date(f"{day:%Y%m%d}", TODAY) == day
    assert parse_date(japanese, TODAY) == parse_date(day.isoformat(), TODAY) == day


def test_a_day_is_the_day_of_the_facility() -> None:
    begin, end = parse_range("2026-11-22", TOKYO, NOW)
    assert begin == datetime(2026, 11, 21, 15, tzinfo=UTC) and end - begin == timedelta(days=1)


def test_today_changes_at_midnight_in_tokyo() -> None:
    late = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
    assert parse_range("today", TOKYO, late)[0] == datetime(2026, 11, 22, 15, tzinfo=UTC)


def test_a_range_holds_both_of_its_days() -> None:
    begin, end = parse_range("2026-11-20..R8.11.22", TOKYO, NOW)
    assert end - begin == timedelta(days=3)


def test_a_range_may_be_written_in_full_width() -> None:
    assert parse_range("２０２６/１１/２０．．昨日", TOKYO, NOW) == parse_range(
        "2026/11/20..yesterday", TOKYO, NOW
    )


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20～2026-11-22",
        "2026-11-20〜2026-11-22",
        "2026-11-20 ~ 2026-11-22",
        "2026-11-20…2026-11-22",
        "2026-11-20‥2026-11-22",
        "2026-11-20–2026-11-22",
        "2026/11/20-2026/11/22",
        "2026年11月20日から2026年11月22日まで",
        "2026年11月20日から22日",
        "2026年11月20日(金)～11月22日(日)",
        "2026/11/20～22",
        "20261120-20261122",
        "2026-11-20 to 2026-11-22",
    ],
)
def test_ways_to_write_a_range(text: str) -> None:
    assert parse_range(text, TOKYO, NOW) == parse_range("2026-11-20..2026-11-22", TOKYO, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20..2026-11-21..2026-11-22",
        "2026-11-20～21～22",
    ],
)
def test_a_range_of_three_days_is_told_of(text: str) -> None:
    with pytest.raises(WrongUsage, match=f"{re.escape(text)} is more than one date"):
        parse_range(text, TOKYO, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20から",
        "2026-11-22まで",
        "～2026-11-22",
        "2026-11-20～",
        "..today",
        "today..",
        "..",
        "．．昨日",
    ],
)
def test_a_range_without_an_end_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match=f"the range {re.escape(text)} lacks a day"):
        parse_range(text, TOKYO, NOW)


@pytest.mark.parametrize(
    ("text", "shown"), [("2026/11/20～2026/11/31", "2026/11/31"), ("2026/11/20～31", "2026/11/20～31")]
)
def test_a_range_whose_end_does_not_exist_is_refused(text: str, shown: str) -> None:
    with pytest.raises(WrongUsage, match=f"^{shown} is not a date"):
        parse_range(text, TOKYO, NOW)


def test_a_range_that_runs_backwards_is_refused() -> None:
    with pytest.raises(WrongUsage, match="ends before it begins"):
        parse_range("2026-11-22..2026-11-20", TOKYO, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("30s", 30), ("5m", 300), ("1h", 3600), ("90d", 90 * 86400), ("2w", 14 * 86400), ("1.5h", 5400)),
        *(("９０日", 90 * 86400), ("90日間", 90 * 86400), ("30秒", 30), ("3分", 180), ("2時間", 7200)),
        *(("2週間", 14 * 86400), ("三か月", 92 * 86400), ("九十日", 90 * 86400), ("1 年", 31_557_600)),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_retention_is_never_shorter_than_written() -> None:
    assert parse_days("5y") == 1827  # five calendar years have 1826 days, or 1827 with two leap days
    assert parse_days("36h") == 2


@pytest.mark.parametrize(
    "text",
    [
        "3か月",
        "3ヶ月",
        "３ケ月",
        "3カ月",
        "3ヵ月",
        "３ｶ月",
        "3箇月間",
        "3 か月",
    ],
)
def test_months_are_as_long_as_they_can_be(text: str) -> None:
    assert parse_days(text) == 92


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.integers(1, 40))
def test_no_months_in_a_row_are_longer(first: date, months: int) -> None:
    years, month = divmod(first.month - 1 + months, 12)
    last = date(first.year + years, month + 1, 1)
    assert parse_days(f"{months}か月") >= (last - first.replace(day=1)).days


@pytest.mark.parametrize("text", ["90d 30d", "90日、1年", "1年か2年", "30s\n60s"])
def test_two_durations_are_told_of_with_both(text: str) -> None:
    with pytest.raises(WrongUsage, match=f"{re.escape(' '.join(text.split()))} is more than one duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "10" + "0" * 30 + "d",
        "-90日",
        "½年",
        "9²d",
        "1.5か月",
        "",
        "5",
        "5 years",
        "-3d",
        "d",
        "1h30m",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0d", "6m", "6分", "30s", "23h", "0.9d"])
def test_less_than_a_day_is_no_retention(text: str) -> None:
    with pytest.raises(WrongUsage, match="less than a day"):
        parse_days(text)


def test_clips() -> None:
    assert parse_clip("03:10..05:00") == (190, 300)
    assert parse_clip("1:02:03..1:02:03.5") == (3723, 3723.5)
    for text in ("３：１０～５：００", "3分10秒から5分まで", "3:10〜5:00", "190秒…300秒"):
        assert parse_clip(text) == (190, 300)


@pytest.mark.parametrize("text", ["", "03:10", "05:00..03:10", "a..b", "1:00..1:00"])
def test_what_is_no_clip_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match="is not a part"):
        parse_clip(text)


def test_shown_in_the_zone() -> None:
    assert spoken(NOW, TOKYO) == "2026-11-22 12:00:00"
    assert (clock(65), clock(3723)) == ("1:05", "1:02:03")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 10:30",
        "2026-11-22T10:30",
        "2026/11/22 10:30:00",
        "令和8年11月22日 10:30",
        "令和8年11月22日10:30",
        "R8.11.22 10:30",
        "today 10:30",
        "10:30",
        "２０２６－１１－２２　１０：３０",
        "2026−11−22T10:30+09:00",
        "2026年11月22日午前10時30分",
        "2026年11月22日(日) 10時半",
        "令和八年十一月二十二日午前十時三十分",
        "2026-11-22 10:30 AM",
        "20261122 10:30",
        "2026-11-22T01:30:00Z",
        "2026-11-22T01:30:00+00:00",
    ],
)
def test_ways_to_write_one_moment(text: str) -> None:
    assert parse_moment(text, TOKYO, NOW) == datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


def test_now_and_a_day_alone_are_moments_too() -> None:
    assert parse_moment("now", TOKYO, NOW) == NOW
    assert parse_moment("tomorrow", TOKYO, NOW) == datetime(2026, 11, 22, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "clock_time"),
    [
        ("午後3時", "15:00"),
        ("正午", "12:00"),
        ("午後0時半", "12:30"),
        ("9:05 pm", "21:05"),
        ("12:10 am", "00:10"),
    ],
)
def test_halves_of_a_day(text: str, clock_time: str) -> None:
    assert parse_moment(text, TOKYO, NOW) == parse_moment(clock_time, TOKYO, NOW)


def test_the_end_of_a_day_is_the_beginning_of_the_next() -> None:
    assert parse_moment("2026-11-22 24:00", TOKYO, NOW) == datetime(2026, 11, 22, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 10:30 11:30",
        "2026-11-22 10:30-11:30",
        "10時30分～11時",
    ],
)
def test_two_times_are_told_of_with_both(text: str) -> None:
    with pytest.raises(WrongUsage, match=f"{re.escape(text)} is more than one time"):
        parse_moment(text, TOKYO, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "午後12時",
        "午前12時",
        "午後13時",
        "25時",
        "9" * 30 + ":00",
        "",
        "24:01",
        "10:60",
        "2026-02-30 10:00",
        "2026-11-22 10",
        "soon 10:00",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match="is not a"):
        parse_moment(text, TOKYO, NOW)


def test_until_a_day_includes_the_day_and_until_a_moment_ends_there() -> None:
    assert parse_end("2026-11-22", TOKYO, NOW) == datetime(2026, 11, 22, 15, tzinfo=UTC)
    assert parse_end("2026-11-22 17:15", TOKYO, NOW) == datetime(2026, 11, 22, 8, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31",
        "0001-01-01",
        "9999-12-31T23:00:00-09:00",
    ],
)
def test_the_ends_of_the_calendar_are_no_dates(text: str) -> None:
    for parse in (parse_moment, parse_end):
        with pytest.raises(WrongUsage, match="is not a date"):
            parse(text, TOKYO, NOW)
