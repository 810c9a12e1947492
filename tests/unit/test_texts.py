"""Text as people type and paste it."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.addresses import read_address
from callrec.dates import parse_date
from callrec.durations import parse_duration
from callrec.errors import WrongUsage
from callrec.ids import pasted
from callrec.numbers import dialled
from callrec.policy.hours import parse_hours
from callrec.texts import items, name_key, narrow, same_name, unshown, with_digits


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("みなと〜パーク", "みなと～パーク"),
        ("みなと~パーク", "みなと～パーク"),
        ("Room Ａ－１", "room a-1"),
        ("A−1", "A‐1"),
        ("A—1", "A－1"),
        (unicodedata.normalize("NFD", "ガーデンプレイス"), "ガーデンプレイス"),
        ("ｶﾞｰﾃﾞﾝ", "ガーデン"),
        ("カ゛ーデン", "ガーデン"),
        ("芝地区　総合支所", "芝地区総合支所"),
        (" 芝  地区 ", "芝地区"),
        ("Room  1", "Room 1"),
        ("葛󠄀城", "葛城"),
        ("神戸", "神戸"),
        ("㈱港", "(株)港"),
        ("芝\u200b", "芝"),
    ],
)
def test_names_that_people_read_as_one(one: str, other: str) -> None:
    assert same_name(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("芝", "麻布"), ("Room 1 2", "Room 12"), ("第一", "第二"), ("は", "ば")]
)
def test_names_that_differ(one: str, other: str) -> None:
    assert not same_name(one, other)


@given(st.text(max_size=20))
def test_a_name_is_its_own_in_every_form(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)
    for form in ("NFC", "NFD"):
        assert same_name(name, unicodedata.normalize(form, name))
    assert unshown(narrow("芝")) is None


@pytest.mark.parametrize(
    "sign", ["\u202e", "\u200b", "\x1b", "\n", "\u2028", "\ufeff", "\ufffd", "\ue000", "\u0085"]
)
def test_signs_that_cannot_be_shown(sign: str) -> None:
    assert unshown(f"芝{sign}") == sign.encode("unicode_escape").decode()


def test_circled_digits_are_none_of_a_number() -> None:
    assert narrow("２１０１①") == "2101①"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("令和八年十一月二十二日", "令和8年11月22日"),
        ("二〇二六", "2026"),
        ("十", "10"),
        ("二十", "20"),
        ("一二三十", "一二三十"),
    ],
)
def test_numerals(text: str, expected: str) -> None:
    assert with_digits(text) == expected


@pytest.mark.parametrize("text", ["a,b", "a、b", "ａ，ｂ", "a;b", "a；b", "a\nb", "a\r\nb,", " a , b , a "])
def test_lists(text: str) -> None:
    assert items([text]) == ["a", "b"]


def test_what_is_far_too_long_is_refused_at_once() -> None:
    """Such as a cell without an end: no reader may look at it again from each of its signs."""
    for sign in ("1", " ", "t", "~", "x", "1-"):
        text = f"1{sign * 60_000}2"
        assert dialled(text) is None and read_address(text) is None
        for read in (parse_hours, parse_duration, lambda text: parse_date(text, date(2026, 11, 22))):
            with pytest.raises(WrongUsage):
                read(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("help@city.example", "help@city.example"),
        (" ｈｅｌｐ＠ｃｉｔｙ．ｅｘａｍｐｌｅ ", "help@city.example"),
        ("Help@City.Example", "Help@city.example"),
        ("root@localhost", "root@localhost"),
        ("a@b..example", None),
        ("a..b@c.example", None),
        (".a@c.example", None),
        ("a@-b.example", None),
        ("a@b.example.", None),
        ("Name <a@b.example>", None),
        ("a@b.example c@d.example", None),
        ("a@b@c.example", None),
        ("役所@city.example", None),
        ("a@例え.jp", None),
        ("a" * 65 + "@c.example", None),
        ("a@" + "b" * 64 + ".example", None),
        ("a@b.example\nBcc: c", None),
        ("@b.example", None),
        ("", None),
    ],
)
def test_mail_addresses_are_read_or_refused_and_never_half(text: str, address: str | None) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "01A203E6",
        '"01a203e6"',
        "「01a203e6」",
        " 01a203e6\r\n",
        "０１ａ２０３ｅ６",
        "01a203e6…",
        "01a203e6,",
        "'01a203e6'",
    ],
)
def test_ids_as_they_are_pasted(text: str) -> None:
    assert pasted(text) == "01a203e6"
