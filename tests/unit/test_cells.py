"""Cells of a CSV file are no formulas, and are read back as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.cells import plain, safe


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+81312345678",
        "-窓口",
        "@SUM(A1)",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        " =1",
        "\u3000＝1",
        "'=1",
        "﹢1",
        "-",
        "=cmd|' /C calc'!A0",
    ],
)
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert safe(text) == f"'{text}" and plain(safe(text)) == text


@pytest.mark.parametrize("text", ["", "窓口1", "03-1234-5678", "'", "'窓口'", "a=1", "1-2", "*8", "—", "ー1"])
def test_other_texts_stay(text: str) -> None:
    assert safe(text) == text == plain(text)


@given(st.text("'=+-@＝＋－＠ \u3000a1窓"))
def test_every_text_comes_back(text: str) -> None:
    cell = safe(text)
    assert plain(cell) == text
    assert not cell.lstrip() or cell.lstrip()[0] not in "=+-@＝＋－＠"
