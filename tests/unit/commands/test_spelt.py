"""What people type, on the command line: names and codes in any spelling, and one value where one belongs.

Many spellings are tried in one office: to make one takes longer than to type.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.program import Done

Office = Callable[..., Done]
UNSEEN = ["\u202e", "\u200b", "\u2028", "\x1b", "\n", "\ue000"]
TWO = ["2301-2305", "2301 2302", "2301～2305", "2301から2305", "2301\n2302", "03-1234-5678 03-2345-6789"]
ONE_NUMBER = (
    ("extension", "add", "{}", "--facility", "shiba"),
    ("rule", "add", "--extension", "{}", "--mode", "never"),
    ("rule", "add", "--caller", "{}", "--mode", "never"),
    ("rule", "explain", "--extension", "{}"),
    ("rule", "explain", "--number", "{}"),
    ("rule", "explain", "--extension", "2101", "--caller", "{}"),
    ("facility", "support", "shiba", "--phone", "{}"),
    ("search", "--extension", "{}"),
    ("search", "--number", "{}"),
    ("extension", "move", "{}", "--facility", "shiba"),
    ("extension", "remove", "{}"),
    ("extension", "alias", "{}", "2101-WS"),
)
NEVER = ("rule", "add", "--everywhere", "--mode", "never")
HUGE = "9" * 30
ABSURD = (
    (*NEVER, "--retain", f"{HUGE}d"),
    (*NEVER, "--retain", "999999999年"),
    (*NEVER, "--retain", "90d 30d"),
    (*NEVER, "--from", f"{HUGE}-01-01"),
    (*NEVER, "--until", "2027-03-31 2028-03-31"),
    (*NEVER, "--hours", HUGE),
    (*NEVER, "--beep", "15s 30s"),
    ("search", HUGE),
    ("search", "2026-11-22 2026-11-23"),
    ("search", "--min-duration", f"{HUGE}y"),
)
UNREADABLE = (
    ('number,facility\n2101,shiba,"窓口\n2102,shiba'.encode(), "in line 2 a cell begins with a quotation"),
    ("number,facility,name\n2102,shiba,窓口\n".encode("euc_jp"), "neither UTF-8 nor Shift_JIS"),
    ("2102,shiba,窓口\n2103,shiba,受付".encode() + b"\x8b", "in UTF-8, but not in line 2"),
    ("2102\tshiba\t窓口\n2103;shiba".encode("utf-16"), "UTF-16 (Unicode text): save it as CSV UTF-8"),
)


def test_a_facility_is_known_by_its_code_or_name_in_any_spelling(shiba: Office) -> None:
    for number, facility in enumerate((" ＳＨＩＢＡ ", "芝地区　総合支所"), 2102):
        assert shiba("extension", "add", str(number), "--facility", facility).code == 0
        assert shiba("extension", "move", str(number), "--facility", facility).code == 0
        assert shiba("rule", "add", "--facility", facility, "--mode", "manual").code == 0
        assert shiba("facility", "support", facility, "--phone", "２１０１").code == 0
        found = json.loads(shiba("extension", "list", "--facility", facility, "--json").out)
        assert {each["facility"] for each in found} == {"shiba"} and len(found) == number - 2099
        assert shiba("search", "--facility", facility).complaint.startswith("callrec: nothing found")
    assert {each["target"] for each in json.loads(shiba("rule", "list", "--json").out)} == {"shiba"}
    assert "facility shiba is now called" in shiba("facility", "rename", "Shiba", "--name", "みなと～芝").out
    for name in ("みなと〜芝", unicodedata.normalize("NFD", "みなと～芝")):
        assert shiba("extension", "list", "--facility", name).code == 0
    assert "there is no facility 港" in shiba("search", "--facility", "港").complaint


def test_two_facilities_of_one_name_are_refused(shiba: Office, tmp_path: Path) -> None:
    said = "callrec: facility shiba has the name 芝地区総合支所 already: give another"
    for name in ("芝地区総合支所", "芝地区 総合支所\u3000"):
        done = shiba("facility", "add", "other", "--name", name)
        assert (done.code, done.complaint) == (4, said)
    assert shiba("facility", "add", "other", "--name", "麻布").code == 0
    assert shiba("facility", "rename", "other", "--name", "芝地区総合支所").code == 4
    assert shiba("facility", "rename", "shiba", "--name", "芝地区総合支所").code == 0
    path = tmp_path / "office.toml"
    assert shiba("rule", "export", str(path)).code == 0
    text = path.read_text("utf-8")
    path.write_text(
        text.replace("麻布", "x").replace("芝地区総合支所", "麻布").replace('"x"', '"芝地区総合支所"'),
        "utf-8",
    )
    assert shiba("rule", "import", str(path)).code == 0, "names may be exchanged"
    path.write_text(text.replace("麻布", "芝地区 総合支所"), "utf-8")
    done = shiba("rule", "import", str(path))
    assert done.code == 2 and "facility other has the name 芝地区 総合支所 already" in done.err


def test_signs_that_nobody_sees_are_refused_and_shown(shiba: Office) -> None:
    for sign in UNSEEN:
        for arguments in (
            ("facility", "add", "x", "--name", f"芝{sign}"),
            ("facility", "rename", "shiba", "--name", f"{sign}芝"),
            ("extension", "add", "2103", "--facility", "shiba", "--name", f"a{sign}b"),
        ):
            done = shiba(*arguments)
            assert done.code == 2 and sign not in done.complaint
            assert sign.encode("unicode_escape").decode() in done.complaint


def test_two_numbers_are_refused_and_shown_wherever_one_is_wanted(shiba: Office) -> None:
    for place, arguments in enumerate(ONE_NUMBER):
        two = TWO[place % len(TWO)]
        done = shiba(*(each.format(two) for each in arguments))
        assert done.code == 2, arguments
        assert f"{' '.join(two.split())} is more than one number" in done.complaint


def test_mail_addresses_may_be_a_list_and_are_never_half(shiba: Office) -> None:
    for given in (["a@x.example、b@x.example"], ["ａ＠x.example; b@X.example", "a@x.example"]):
        mails = [argument for each in given for argument in ("--mail", each)]
        assert shiba("facility", "support", "shiba", *mails).code == 0
        (facility,) = json.loads(shiba("facility", "list", "--json").out)
        assert facility["support_mail"] == ["a@x.example", "b@x.example"]
    for mail in ("a@b..example", "Name <a@b.example>", "a@x.example b@x.example", "", ","):
        done = shiba("facility", "support", "shiba", "--mail", mail)
        assert done.code == 2 and "is no mail address" in done.complaint


def test_an_id_may_be_pasted_with_what_is_around_it(shiba: Office) -> None:
    for text in ('"01a203e6-79a8"', "「01A203E6」", " 01a203e6\r\n", "０１ａ２０３ｅ６"):
        done = shiba("show", text)
        assert done.code == 1 and "there is no recording or call" in done.complaint


def test_the_absurd_is_refused_in_one_line(shiba: Office) -> None:
    for arguments in ABSURD:
        done = shiba(*arguments)
        assert done.code == 2 and "a bug" not in done.complaint, arguments


def test_a_rule_may_be_written_in_japanese(shiba: Office) -> None:
    given = ("--hours", "平日 8時半～17時15分", "--retain", "3か月", "--language", "ja、en")
    from_ = ("--from", "令和九年四月一日(木)")
    assert shiba("rule", "add", "--everywhere", "--mode", "automatic", *given, *from_).code == 0
    (rule,) = json.loads(shiba("rule", "list", "--json").out)
    assert (rule["hours"], rule["retain_days"]) == ("mon-fri 08:30-17:15", 92)
    assert rule["languages"] == ["ja", "en"] and rule["effective_from"].startswith("2027-03-31T15:00")


def test_a_table_that_cannot_be_read_changes_nothing(shiba: Office, tmp_path: Path) -> None:
    path = tmp_path / "phones.csv"
    before = shiba("extension", "list", "--json").out
    for data, said in UNREADABLE:
        path.write_bytes(data)
        done = shiba("extension", "import", str(path))
        assert done.code == 2 and said in done.complaint
    assert shiba("extension", "list", "--json").out == before


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_cells_may_be_separated_as_spreadsheets_do(shiba: Office, tmp_path: Path, separator: str) -> None:
    path = tmp_path / "phones.csv"
    row = ("２１０２", "芝地区総合支所", "窓口②", '"2102-WS、992102"')
    lines = [separator.join(cells) for cells in (("内線番号", "施設", "名前", "別名"), row)]
    path.write_text("\n".join(lines), "cp932")
    assert shiba("extension", "import", str(path)).code == 0
    found = json.loads(shiba("extension", "list", "--json").out)[1]
    assert (found["number"], found["facility"], found["name"]) == ("2102", "shiba", "窓口②")
    assert found["aliases"] == ["2102-WS", "992102"]
