"""One number, however it is written, dialled or presented: every spelling meets the same rule."""

from __future__ import annotations

import ast
import typing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import callrec
from callrec.errors import WrongUsage
from callrec.model.calls import CallRecord
from callrec.model.found import SearchQuery
from callrec.model.office import Extension
from callrec.model.rules import CallFacts, Direction
from callrec.numbers import Number, dialled, normalise, of_extension
from callrec.policy.office import Office
from tests.parsed import nodes_of

PACKAGE = Path(callrec.__file__).parent
PREFIXES = ("0", "9", "0036")
TOKYO = "+81398765432"
NUMBERS = (
    *("+81398765432", "+81664321234", "+81451234567", "+81184221234", "+819012345678", "+818012345678"),
    *("+817012345678", "+815012345678", "+81120123456", "+818001234567", "+81570012345", "+81990123456"),
)
ABROAD = ("+442079460958", "+12125551234", "+390612345678", "+390101234567", "+6561234567", "+861012345678")
SERVICES = ("110", "119", "118", "117", "104", "171", "177", "188", "189", "#7119", "#8000")

SIGNS = " -‐‑–—―−ー－一().．（）［］　"
WIDE = str.maketrans("0123456789+*#", "０１２３４５６７８９＋＊＃")
WRAPPED = (
    *("{}", " {} ", "{}#", "{};phone-context=+81", "{};npdi;rn=+81312340000", "{};isub=12", "{};ext=2101"),
    *(
        "tel:{}",
        "TEL:{};phone-context=+81",
        "sip:{}@192.0.2.1:5060;user=phone",
        "sips:{};npdi@office.example",
    ),
    *(
        "<sip:{}@192.0.2.1>",
        '"Room 12" <sip:{}@192.0.2.1>;tag=1',
        "\u202d{}\u202c",
        "{},,12",
        "{} / 0312340000",
    ),
)


def in_japan(number: str) -> list[str]:
    """How a number of Japan is dialled in Japan."""
    return ["0" + number[3:], "184" + "0" + number[3:], "1860" + number[3:], "#31#0" + number[3:]]


def presented(number: str) -> list[str]:
    """How networks here and abroad, and mobile phones, present or dial a number of any country."""
    digits = number[1:]
    return [number, "00" + digits, "010" + digits, "0033010" + digits, "001010" + digits, "184" + number]


def spellings(number: str) -> list[str]:
    trunk = [*in_japan(number), f"+81(0){number[3:]}", f"{number[1:]}"] if number.startswith("+81") else []
    return [*presented(number), *trunk]


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str]:
    """A number, and one of its spellings: grouped by any signs, in any width, in a URI or not."""
    number = draw(st.sampled_from(NUMBERS + ABROAD))
    digits = draw(st.sampled_from(spellings(number)))
    signs = draw(st.lists(st.sampled_from(["", "", "", *SIGNS]), min_size=len(digits), max_size=len(digits)))
    text = digits[0] + "".join(sign + digit for sign, digit in zip(signs, digits[1:], strict=False))
    text = text.translate(WIDE) if draw(st.booleans()) else text
    return number, draw(st.sampled_from(WRAPPED)).format(text)


@given(written())
def test_every_spelling_of_a_number_is_the_same(case: tuple[str, str]) -> None:
    number, text = case
    assert normalise(text) == number
    assert normalise(text, PREFIXES) == number, "a prefix that was not dialled is not cut"


@given(st.sampled_from(NUMBERS), st.permutations(["", "0", "9", "0036", "184"]), st.integers(0, 4))
def test_what_is_dialled_before_a_number_is_cut(number: str, codes: list[str], count: int) -> None:
    """Prefixes one after another, 184 before, between and after them."""
    assert Office(prefixes=PREFIXES).dialled("".join(codes[:count]) + "0" + number[3:]) == number


@pytest.mark.parametrize("number", SERVICES)
@pytest.mark.parametrize("prefix", ["", *PREFIXES])
def test_numbers_of_services_stay_what_they_are(number: str, prefix: str) -> None:
    assert Office(prefixes=PREFIXES).dialled(prefix + number) == number


@given(
    st.text(alphabet="0123456789+*#; -@a", max_size=24),
    st.lists(st.from_regex(r"[0-9]{1,4}", fullmatch=True), max_size=3),
)
def test_what_is_comparable_stays_so(text: str, prefixes: list[str]) -> None:
    once = normalise(text, prefixes)
    assert normalise(once) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0398765432", TOKYO),  # no prefix was dialled
        ("00398765432", TOKYO),
        ("90398765432", TOKYO),
        ("00360398765432", TOKYO),
        ("01840398765432", TOKYO),
        ("18400398765432", TOKYO),
        ("0*31#0398765432", TOKYO),
        ("0010813 9876 5432", TOKYO),
        ("00664321234", "+81664321234"),  # Osaka, and not 0066-432-1234
        ("000664321234", "+8100664321234"),
        ("0184221234", "+81184221234"),  # Yurihonjo in Akita: no prefix, and no 184
        ("01840184221234", "+81184221234"),
        ("0010 1 212 555 1234", "+12125551234"),
        ("00442079460958", "+442079460958"),
        ("9101", "9101"),  # 101 is nobody's
        ("9", "9"),
        ("0", "0"),
        ("0036", "0036"),
        ("92101", "92101"),
        ("0110#", "110"),
        ("2101#", "2101#"),
        ("9398765432", "9398765432"),  # what is left lacks its zero
        ("*8", "*8"),
    ],
)
def test_dialled_with_prefixes(text: str, expected: str) -> None:
    assert Office(prefixes=PREFIXES).dialled(text) == expected


def test_a_caller_keeps_what_looks_like_a_prefix() -> None:
    office = Office(prefixes=PREFIXES)
    assert office.other_party("00398765432", Direction.INBOUND) == "00398765432"
    assert office.other_party("00398765432", Direction.OUTBOUND) == TOKYO
    assert office.other_party("0039 06 1234 5678", Direction.INBOUND) == "+390612345678"
    assert office.other_party("9110", Direction.INTERNAL) == "9110"


def test_a_number_of_a_carrier_is_one_where_no_prefix_is_dialled() -> None:
    assert Office().dialled("00664321234") == normalise("+8100664321234") == "+8100664321234"


def test_an_extension_that_begins_like_a_prefix_is_not_cut() -> None:
    office = Office(extensions=[Extension("9110", "shiba")], prefixes=PREFIXES)
    assert office.dialled("9110") == "9110"
    assert Office(prefixes=PREFIXES).dialled("9110") == "110", "which is no extension"


@pytest.mark.parametrize(
    "text",
    [
        "+81312340000",
        "0312340000",
        "0081312340000",
        "0312340000;phone-context=+81",
    ],
)
def test_a_did_is_known_however_the_network_writes_it(text: str) -> None:
    assert (
        Office(extensions=[Extension("03-1234-0000", "shiba", service=True)]).person_of(text)
        == "03-1234-0000"
    )
    assert Office(extensions=[Extension("2101", "shiba")]).person_of(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "anonymous",
        "Unavailable",
        "Restricted",
        "非通知",
        "sip:anonymous@192.0.2.1",
        "-",
    ],
)
def test_a_withheld_number_is_none(text: str) -> None:
    assert normalise(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "03-1234-5678 / 03-8765-4321",
        "0312345678,0387654321",
        "0312345678、0387654321",
        "0312345678;0387654321",
        "0312345678 0387654321",
        "0312345678\n0387654321",
        "0312345678\u30000387654321",
        "03-1234-5678-03-8765-4321",
        "03123456780387654321",
        "(03)1234-5678(03)8765-4321",
        "+81312345678+81387654321",
        "+81 3 1234 5678 03 8765 4321",
        "03-1234-5678 2101",
        "03-1234-5678-2101",
        "090-1234-5678・2101",
        "2101 2102",
        "2101,2102",
        "2101/2102",
        "2101 - 2104",
        "2101-2104",
        "2101～2104",
        "2101 2102 2103",
        "２１０１　２１０２",
        "2101(2102)",
        "2101 22",
        "2301-05",
        "2301-5",
        "2301〜05",
        "2301..230",
        "2301から2305",
        "2301から2305まで",
        "2301と2302",
        "2301及び2302",
        "2301 to 2305",
        "2301→2305",
        "2301…2305",
        "2301∼2305",
        "2301_2302",
        "03-1234-5678 内線2101",
        "03-1234-5678 ext. 2101",
        "03-1234-5678(内2101)",
        "110 119",
        "09012345678 110",
    ],
)
def test_two_numbers_are_not_one_long_number(text: str) -> None:
    try:
        assert dialled(text) is None
    except WrongUsage as error:
        assert str(error).startswith(f"{' '.join(text.split())} is more than one number")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("03 1234 5678", "0312345678"),
        ("(03) 1234 - 5678", "0312345678"),
        ("+81 3 1234 5678", "+81312345678"),
        ("+81 (0)3-1234-5678", "+810312345678"),
        ("0120 123 456", "0120123456"),
        ("0120-123-456", "0120123456"),
        ("090 1234 5678", "09012345678"),
        ("010 1 212 555 1234", "01012125551234"),
        ("+44 20 7946 0958", "+442079460958"),
        ("184 03 1234 5678", "1840312345678"),
        ("03 1234 567", "031234567"),  # a wrong number, but one
        ("8-2101", "82101"),
        ("21-01", "2101"),
        (" 2101 ", "2101"),
        ("tel:+81-3-1234-5678", "+81312345678"),
        ("0312345678;phone-context=+81", "0312345678"),
        ("0312345678;npdi;rn=+81312340000", "0312345678"),
        ("sip:0312345678@192.0.2.1;user=phone", "0312345678"),
    ],
)
def test_grouping_inside_a_number_is_one_number(text: str, number: str) -> None:
    assert dialled(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "2101①",
        "2101²",
        "٢١٠١",
        "2101;shiba",
        "2101@shiba",
        "sip:2101;shiba",
        "mailto:2101",
        "tel:",
        "03-1234-5678(代)",
    ],
)
def test_what_is_neither_a_number_nor_its_address_is_none(text: str) -> None:
    assert dialled(text) is None


@given(
    st.sampled_from(NUMBERS),
    st.sampled_from(NUMBERS),
    st.sampled_from(["", *SIGNS, ",", "/", "、", ";", "・"]),
)
def test_any_two_numbers_in_a_row_are_told_of(one: str, other: str, between: str) -> None:
    text = "0" + one[3:] + between + "0" + other[3:]
    try:
        assert dialled(text) is None
    except WrongUsage as error:
        assert str(error).startswith(f"{' '.join(text.split())} is more than one number")


APART = [
    "-",
    " ",
    "～",
    "〜",
    "−",
    "–",
    "、",
    "，",
    "/",
    "／",
    "・",
    "\n",
    "から",
    "と",
    "..",
    "…",
    " - ",
    "　",
    ";",
    "&",
]


@given(
    st.from_regex("[1-9][0-9]{2,5}", fullmatch=True),
    st.from_regex("[0-9]{1,6}", fullmatch=True),
    st.sampled_from(APART),
    st.booleans(),
)
def test_any_two_extensions_in_a_row_are_told_of(one: str, other: str, between: str, wide: bool) -> None:
    text = one + between + other
    with pytest.raises(WrongUsage, match="is more than one number"):
        dialled(text.translate(WIDE) if wide else text)


def test_an_extension_is_comparable_as_it_is() -> None:
    assert of_extension("0312340000") == "0312340000" != normalise("0312340000")


# --- nobody compares a number that was not made comparable


def _names(path: Path, wanted: str) -> bool:
    """Whether a module calls a name, or casts to it, or imports a module of that name."""
    for node in nodes_of(path) if wanted in path.read_text("utf-8") else ():
        if isinstance(node, ast.Call):
            given = {ast.unparse(each).strip("'") for each in (node.func, *node.args)}
            if wanted in given:
                return True
        if isinstance(node, ast.Import) and any(each.name.startswith(wanted) for each in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(wanted):
            return True
    return False


@pytest.mark.parametrize("wanted", ["Number", "phonenumbers"])
def test_only_one_module_makes_numbers_comparable(wanted: str) -> None:
    found = [path.name for path in PACKAGE.rglob("*.py") if _names(path, wanted)]
    assert found == ["numbers.py"]


@pytest.mark.parametrize(
    ("kind", "field"),
    [(CallFacts, "number"), (CallRecord, "number"), (SearchQuery, "number"), (SearchQuery, "dialled")],
)
def test_what_is_compared_has_the_type_of_what_can_be(kind: type, field: str) -> None:
    """So that mypy refuses a text that nobody has made comparable."""
    assert typing.get_type_hints(kind)[field] == Number | None
