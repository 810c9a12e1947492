"""Weekdays and hours, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.errors import WrongUsage
from callrec.model.rules import Hours
from callrec.policy.hours import parse_hours, written

OFFICE = Hours((0, 1, 2, 3, 4), 510, 1035)


@pytest.mark.parametrize(
    "text",
    [
        "mon-fri 08:30-17:15",
        "Mon-Fri 8:30-17:15",
        "mon,tue,wed,thu,fri 08:30-17:15",
        "mon, tue-thu, fri  08:30 - 17:15",
        "月-金 8:30-17:15",
        "月曜日～金曜日　８：３０～１７：１５",
        "平日 08:30〜17:15",
        "fri mon-thu 08:30-17:15",
        "平日8:30-17:15",
        "平日　８時３０分から１７時１５分まで",
        "平日 8時30～17時15",
        "平日の午前8時半～午後5時15分",
        "月・火・水・木・金 8:30-17:15",
        "月/火/水/木/金 8:30−17:15",
        "月から金まで8:30から17:15まで",
        "月〜金（8：30〜17：15）",
        "Monday–Friday 8:30am-5:15pm",
        "weekdays 08:30 to 17:15",
        "平日 八時三十分～十七時十五分",
        "平日 午前8時半～17時15分",
    ],
)
def test_ways_to_write_the_hours_of_an_office(text: str) -> None:
    assert parse_hours(text) == (OFFICE,)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("08:00-12:00", [((0, 1, 2, 3, 4, 5, 6), 480, 720)]),
        ("sat,sun", [((5, 6), 0, 1440)]),
        ("土日", [((5, 6), 0, 1440)]),
        ("月・水・金", [((0, 2, 4), 0, 1440)]),
        ("土曜日、日曜日 9時～12時", [((5, 6), 540, 720)]),
        ("22時～翌6時", [((0, 1, 2, 3, 4, 5, 6), 1320, 360)]),
        ("午前9時〜12時", [((0, 1, 2, 3, 4, 5, 6), 540, 720)]),
        ("正午～17時", [((0, 1, 2, 3, 4, 5, 6), 720, 1020)]),
        ("平日8:30-12:00、13:00-17:15", [((0, 1, 2, 3, 4), 510, 720), ((0, 1, 2, 3, 4), 780, 1035)]),
        ("sat-mon 22:00-06:00", [((0, 5, 6), 1320, 360)]),
        ("mon 08:00-12:00 13:00-17:00", [((0,), 480, 720), ((0,), 780, 1020)]),
        ("mon 08:00-12:00, sat 09:00-11:00", [((0,), 480, 720), ((5,), 540, 660)]),
        ("mon 08:00-12:00, sat", [((0,), 480, 720), ((5,), 0, 1440)]),
        ("00:00-24:00", [((0, 1, 2, 3, 4, 5, 6), 0, 1440)]),
    ],
)
def test_spans(text: str, spans: list[tuple[tuple[int, ...], int, int]]) -> None:
    assert parse_hours(text) == tuple(Hours(*span) for span in spans)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "soon",
        "mon-fri 8-17",
        "25:00-26:00",
        "08:60-09:00",
        "24:00-06:00",
        "mon-fri 08:30",
        "mon-xyz",
        "monk",
        "mon-fri-sun",
        "mon-fri 08:30-17:155",
        "平日 8-17時",
        "午後1時～5時",
        "午後12時～17時",
        "9:00-5:00pm",
        "平日 17:15まで",
        "17:15以降",
        "土日祝",
        "8:30-17:15:30",
        "08:30-17:15-18:00",
        "9" * 30 + ":00-10:00",
        "月曜日曜",
    ],
)
def test_what_are_no_hours_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongUsage, match="are no hours: write for instance mon-fri 08:30-17:15"):
        parse_hours(text)


@pytest.mark.parametrize("text", ["8:30-5:15", "平日 9時～5時", "10:00-6:00", "mon 9:00-12:00, 11:30-1:00"])
def test_hours_that_may_end_in_the_afternoon_are_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match=r"cannot be told when .* ends: write 17:00"):
        parse_hours(text)


@pytest.mark.parametrize("text", ["9:00-05:00", "9時-翌5時", "09:00-5:00", "17:15-8:30", "11:00-10:00"])
def test_hours_that_surely_end_in_the_morning_are_read(text: str) -> None:
    ((days, begin, end),) = [(each.days, each.begin, each.end) for each in parse_hours(text)]
    assert len(days) == 7
    assert end < begin


@pytest.mark.parametrize(
    "text",
    [
        "08:30-17:15 mon-fri",
        "17:15-08:30 平日",
        "08:30-17:15, sat",
        "08:00-12:00 13:00-17:00 月-金",
        "08:30-17:15 mon-fri 09:00-12:00",
    ],
)
def test_weekdays_after_hours_are_refused_and_not_guessed(text: str) -> None:
    with pytest.raises(WrongUsage, match="weekdays come after hours: write them before"):
        parse_hours(text)


def test_a_span_of_no_length_is_refused() -> None:
    with pytest.raises(WrongUsage, match="begin and end at once"):
        parse_hours("mon 08:00-08:00")


SPANS = st.builds(
    Hours,
    st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    st.integers(0, 1439),
    st.integers(0, 1440),
).filter(lambda span: span.begin != span.end)


@given(st.lists(SPANS, min_size=1, max_size=5))
def test_what_is_written_is_read_as_the_same(spans: list[Hours]) -> None:
    assert set(parse_hours(written(tuple(spans)))) == set(spans)


JAPANESE = "月火水木金土日"


@given(st.sets(st.integers(0, 6), min_size=1), st.integers(0, 23), st.integers(0, 59), st.integers(1, 24))
def test_every_span_can_be_written_in_japanese(days: set[int], hour: int, minute: int, to_hour: int) -> None:
    names = "・".join(JAPANESE[day] for day in days)
    next_day = "翌" if to_hour <= hour else ""
    text = f"{names} {hour}時{minute}分～{next_day}{to_hour}時"
    if hour * 60 + minute == to_hour * 60:
        return
    assert parse_hours(text) == (Hours(tuple(sorted(days)), hour * 60 + minute, to_hour * 60),)


@given(
    st.text(
        st.characters(codec="utf-8") | st.sampled_from("月火水金土日平0123456789:時分半～- 午前後"),
        max_size=20,
    )
)
def test_any_text_is_hours_or_told_of(text: str) -> None:
    try:
        assert parse_hours(text)
    except WrongUsage as error:
        assert "\n" not in str(error)
