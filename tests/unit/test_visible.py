"""What stands in a text is seen and not obeyed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.errors import CallrecError
from callrec.visible import visible
from tests.unit.program import has_hidden


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m赤", r"\x1b[31m赤"),
        (
            "\x1b]8;;http://evil.example\x1b\\窓口\x1b]8;;\x07",
            r"\x1b]8;;http://evil.example\x1b\窓口\x1b]8;;\x07",
        ),
        ("\x9b31m", r"\x9b31m"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x85\u2028\u2029", r"\x85\u2028\u2029"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2066\u200e\ufeff", r"\u2066\u200e\ufeff"),
        ("窓\u200b口", r"窓\u200b口"),
        ("👩\u200d💻", "👩\\u200d💻"),
        ("\U000e0041", r"\U000e0041"),
        ("\udc8e", r"\udc8e"),
        ("\u3164\u2800\u115f\uffa0", r"\u3164\u2800\u115f\uffa0"),
        (None, "None"),
    ],
)
def test_what_would_be_obeyed_or_not_seen_is_written_out(text: object, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "芝地区総合支所",
        "か\u3099",
        "葛\U000e0100飾",
        "\ue000",
        "窓口　１",
        "[bold]:100:",
        "é e\u0301",
        "—…💯",
        r"C:\x1b",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert visible(text) == text


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "L", "M", "S", "Co"])))
def test_nothing_hidden_is_left_and_twice_is_as_once(text: str) -> None:
    assert not has_hidden(visible(text)) and visible(visible(text)) == visible(text)


@given(st.text(st.characters(categories=["Cc", "Zl", "Cf", "L"]), min_size=1))
def test_an_error_stays_on_its_line(text: str) -> None:
    error = CallrecError("{name} is not there", name=text)
    assert not has_hidden(error.shown()) and not has_hidden(str(error))
    assert error.values == {"name": text}, "the program has it as it is"


def test_the_lines_of_the_sentence_itself_stay() -> None:
    assert CallrecError("first\nsecond {name}", name="a\nb").shown() == "first\nsecond a\\nb"
