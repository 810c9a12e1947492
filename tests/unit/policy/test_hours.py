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
    ],
)
def test_what_are_no_hours_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongUsage, match="are no hours: write for instance mon-fri 08:30-17:15"):
        parse_hours(text)


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
