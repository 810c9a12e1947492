"""Extensions out of a spreadsheet: the encodings of Excel in Japan, and every wrong line at once."""

from __future__ import annotations

import re

import pytest

from callrec.errors import WrongEntries, WrongUsage
from callrec.model.office import Extension, Facility
from callrec.policy.office import Office
from callrec.rulebook.extension_table import parse

THERE = Office(
    [Facility("shiba", "芝地区総合支所"), Facility("azabu", "麻布地区総合支所")],
    [Extension("2102", "shiba", "窓口2"), Extension("6000", "shiba", "代表", service=True)],
)
TEXT = '内線番号,施設,名前\r\n２１０１,shiba,窓口①\r\n2201,麻布地区総合支所,"髙橋, 様"\r\n'
EXPECTED = [Extension("2101", "shiba", "窓口①"), Extension("2201", "azabu", "髙橋, 様")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_encodings_and_line_ends(encoding: str, ends: str) -> None:
    assert parse(TEXT.replace("\r\n", ends).encode(encoding), THERE) == EXPECTED


@pytest.mark.parametrize(
    "text",
    [
        "2101,shiba,窓口1",
        "2101,shiba,窓口1,phone\n",
        "number,facility,name\n2101,shiba,窓口1\n\n",
        "Name,Number,Facility\n窓口1,2101,shiba\n",
        "2101 , shiba , 窓口1 ,,",
        "番号,施設名,名称\n2101,芝地区総合支所,窓口1\n",
        "内線番号,施設コード,内線名,種別,\n2101,shiba,窓口1,,\n",
    ],
)
def test_ways_to_write_one_extension(text: str) -> None:
    assert parse(text.encode(), THERE) == [Extension("2101", "shiba", "窓口1")]


@pytest.mark.parametrize("cell", ['"992101,2101-WS"', "2101-WS 992101", "９９２１０１ 2101-WS 992101"])
@pytest.mark.parametrize("header", ["番号,施設,名前,種別,別名\n", "number,facility,name,kind,aliases\n", ""])
def test_other_phones_of_an_extension(header: str, cell: str) -> None:
    (found,) = parse(f"{header}2101,shiba,,,{cell}".encode(), THERE)
    assert found.aliases == ("2101-WS", "992101")


def test_aliases_that_the_table_does_not_say_stay() -> None:
    there = Office(THERE.facilities.values(), [Extension("2101", "shiba", aliases=("2101-WS",))])
    assert parse(b"2101,azabu", there) == [Extension("2101", "azabu", aliases=("2101-WS",))]
    assert parse(b"2101,azabu,,,", there)[0].aliases == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2102,shiba,,,a|b", r"a\|b is no endpoint of a PBX"),
        ("2102,shiba,,,2101", "extension 2101 is in line 1 already"),
        ("2102,shiba,,,2101-WS", "2101-WS is in line 1 already"),
    ],
)
def test_a_phone_of_somebody_else_is_told_with_its_line(row: str, reason: str) -> None:
    with pytest.raises(WrongEntries) as caught:
        parse(f"2101,shiba,,,2101-WS\n{row}".encode(), THERE)
    ((line, error),) = caught.value.entries
    assert line == 2 and re.search(reason, str(error))


def test_what_the_table_does_not_say_stays() -> None:
    assert parse(b"2102,azabu\n6000,azabu", THERE) == [
        Extension("2102", "azabu", "窓口2"),
        Extension("6000", "azabu", "代表", service=True),
    ]
    assert parse(b"2102,azabu,", THERE)[0].name == ""


WRONG = {
    "21o1,shiba": "an extension is a number",
    "2103,nowhere": "there is no facility nowhere",
    "": "",
    "2101,azabu": "extension 2101 is in line 2 already",
    ",shiba": "number is missing",
    "2104": "facility is missing",
    "2105,shiba,,x": "x is none of phone, service",
    "2105,shiba,,phone,y,,z": "y,z is a column too many",
    "2107.0,shiba": "2107.0 is none: an extension is a number",
    "２１０７．０,shiba": "an extension is a number",
    "2106,shiba,a\x07b": "control character",
    "2108 2109,shiba": "2108 2109 is more than one number",
    '"2108,2109",shiba': "2108,2109 is more than one number",
    "03-1234-5678 / 03-8765-4321,shiba": "03-1234-5678 / 03-8765-4321 is more than one number",
    "０３１２３４５６７８　０３８７６５４３２１,shiba": "is more than one number",
}


def test_every_wrong_line_is_told_with_its_number_and_reason() -> None:
    text = "\n".join(["number,facility,name,kind", "2101,shiba", *WRONG])
    with pytest.raises(WrongEntries, match="14 entries are wrong: nothing was changed") as caught:
        parse(text.encode(), THERE)
    expected = [(line, said) for line, said in enumerate(WRONG.values(), 3) if said]
    for (line, error), (number, said) in zip(caught.value.entries, expected, strict=True):
        assert line == number and said in str(error)


def test_a_cell_of_two_lines_with_two_numbers_is_told_in_one() -> None:
    with pytest.raises(WrongEntries) as caught:
        parse('2101,shiba\n"2102\n2103",shiba\n"2104\n内線2105",shiba'.encode(), THERE)
    said = [str(error) for _, error in caught.value.entries]
    assert said[0].startswith("2102 2103 is more than one number")
    assert said[1].startswith("2104 内線2105 is more than one number")


@pytest.mark.parametrize("data", [b"", b"\n\n", b"number,facility,name\n"])
def test_a_table_without_extensions_is_refused(data: bytes) -> None:
    with pytest.raises(WrongUsage, match="there is no extension in the file"):
        parse(data, THERE)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("番号,所属,名前", "the column 所属 is unknown: write number"),
        ("number,facility,名前,備考", "the column 備考 is unknown"),
        ("番号,内線番号,施設", "the column number is there twice"),
        ("番号,名前", "the first line names no column facility"),
        ("施設,名前", "the first line names no column number"),
    ],
)
def test_a_header_that_cannot_be_used_is_told_as_one(header: str, reason: str) -> None:
    with pytest.raises(WrongUsage, match=reason):
        parse(f"{header}\n2101,shiba,窓口1".encode(), THERE)


def test_a_cell_without_end_is_told_with_its_line() -> None:
    with pytest.raises(WrongUsage, match="a cell of line 2 is too long"):
        parse(b"2101,shiba\n2102,shiba," + b"x" * 140_000, THERE)


def test_another_encoding_is_refused() -> None:
    with pytest.raises(WrongUsage, match="neither UTF-8 nor Shift_JIS"):
        parse(TEXT.encode("utf-16"), THERE)
