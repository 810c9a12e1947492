"""Dates and durations, as people write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
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
    ],
)
def test_what_is_no_date_is_refused_with_examples(text: str) -> None:
    with pytest.raises(WrongUsage, match="is not a date: write 2026-11-22"):
        parse_date(text, TODAY)


@given(st.dates(date(2019, 5, 1), date(2099, 12, 31)))
def test_every_day_of_reiwa_can_be_written_both_ways(day: date) -> None:
    japanese = f"令和{day.year - 2018}年{day.month}月{day.day}日"
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


@pytest.mark.parametrize("text", ["..today", "today..", "..", "．．昨日"])
def test_a_range_without_an_end_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match=f"the range {re.escape(text)} lacks a day"):
        parse_range(text, TOKYO, NOW)


def test_a_range_that_runs_backwards_is_refused() -> None:
    with pytest.raises(WrongUsage, match="ends before it begins"):
        parse_range("2026-11-22..2026-11-20", TOKYO, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h", 3600), ("90d", 90 * 86400), ("2w", 14 * 86400), ("1.5h", 5400)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_retention_is_never_shorter_than_written() -> None:
    assert parse_days("5y") == 1827  # five calendar years have 1826 days, or 1827 with two leap days
    assert parse_days("36h") == 2


@pytest.mark.parametrize("text", ["", "5", "5 years", "-3d", "d", "1h30m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match="is not a duration"):
        parse_duration(text)


def test_less_than_a_day_is_no_retention() -> None:
    with pytest.raises(WrongUsage, match="less than a day"):
        parse_days("0d")


def test_clips() -> None:
    assert parse_clip("03:10..05:00") == (190, 300)
    assert parse_clip("1:02:03..1:02:03.5") == (3723, 3723.5)


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
        "2026-11-22T01:30:00Z",
        "2026-11-22T01:30:00+00:00",
    ],
)
def test_ways_to_write_one_moment(text: str) -> None:
    assert parse_moment(text, TOKYO, NOW) == datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


def test_now_and_a_day_alone_are_moments_too() -> None:
    assert parse_moment("now", TOKYO, NOW) == NOW
    assert parse_moment("tomorrow", TOKYO, NOW) == datetime(2026, 11, 22, 15, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "24:01", "10:60", "2026-02-30 10:00", "2026-11-22 10", "soon 10:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match="is not a"):
        parse_moment(text, TOKYO, NOW)


def test_until_a_day_includes_the_day_and_until_a_moment_ends_there() -> None:
    assert parse_end("2026-11-22", TOKYO, NOW) == datetime(2026, 11, 22, 15, tzinfo=UTC)
    assert parse_end("2026-11-22 17:15", TOKYO, NOW) == datetime(2026, 11, 22, 8, 15, tzinfo=UTC)


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01", "9999-12-31T23:00:00-09:00"])
def test_the_ends_of_the_calendar_are_no_dates(text: str) -> None:
    for parse in (parse_moment, parse_end):
        with pytest.raises(WrongUsage, match="is not a date"):
            parse(text, TOKYO, NOW)
