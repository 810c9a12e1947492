"""Telephone numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.numbers import dialled, normalise, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0312345678", "+81312345678"),
        ("03-1234-5678", "+81312345678"),
        ("０３（１２３４）５６７８", "+81312345678"),
        ("+81 3-1234-5678", "+81312345678"),
        ("1840312345678", "+81312345678"),
        ("18609012345678", "+819012345678"),
        ("2101", "2101"),
        ("201", "201"),
        ("110", "110"),
        ("*8", "*8"),
        ("anonymous", None),
        ("", None),
        (None, None),
    ],
)
def test_normalised(text: str | None, expected: str | None) -> None:
    assert normalise(text) == expected


@given(st.text())
def test_any_text_has_a_plain_form_that_stays(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert set(once) <= set("0123456789+*#")


@given(st.text(alphabet="0123456789", min_size=1, max_size=15))
def test_normalising_twice_changes_nothing(digits: str) -> None:
    once = normalise(digits)
    assert once is not None and normalise(once) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2101", "2101"),
        ("２１０１", "2101"),
        ("*8#", "*8#"),
        ("03-1234-5678", "0312345678"),
        ("０３（１２３４）５６７８", "0312345678"),
        ("+81 3 1234 5678", "+81312345678"),
        ("", None),
        ("21o1", None),
        ("内線2101", None),
        ("2" * 33, None),
        ("+", None),
        ("12+34", None),
    ],
)
def test_what_can_be_dialled(text: str, expected: str | None) -> None:
    """A letter in a number is a mistake to be told of; leaving it out would make another number."""
    assert dialled(text) == expected
