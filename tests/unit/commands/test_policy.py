"""The papers of an office, as the program writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.program import SHIBA, Done

Office = Callable[..., Done]
EVIL = "<b>港区</b>"


@pytest.fixture
def shiba(office_after: Callable[..., Office]) -> Office:
    return office_after(
        *SHIBA,
        ("rule", "add", "--facility", "shiba", "--mode", "automatic", "--retain", "90d"),
        ("rule", "add", "--extension", "2101", "--mode", "never", "--hours", "sat,sun"),
        ("rule", "add", "--caller", "0398765432", "--mode", "manual", "--announce", "none"),
    )


def text_of(page: Path) -> str:
    return re.sub(r"<[^>]+>", "", page.read_text("utf-8"))


def test_the_papers_say_what_the_rules_say(shiba: Office, tmp_path: Path) -> None:
    page = tmp_path / "papers.html"
    done = shiba("policy", "text", "--office", "港区", "-o", str(page))
    assert done.code == 0 and "legal section" in done.err
    text = text_of(page)
    for said in (
        "港区通話録音に関する要綱",
        "芝地区総合支所",
        "90日",
        "電話の通話の録音について",
        "様式第4号",
    ):
        assert said in text
    assert "この通話は、品質向上のため録音させていただく場合がございます。" in text
    assert "This call may be recorded" not in text, "no rule plays it"
    assert "98765432" not in text, "a number outside is nobody's business"


def test_a_part_alone(shiba: Office, tmp_path: Path) -> None:
    page = tmp_path / "notice.html"
    assert shiba("policy", "text", "--part", "notice", "-o", str(page)).code == 0
    text = text_of(page)
    assert "電話の通話の録音について" in text and "要綱" not in text and "様式" not in text
    assert "録音しません。" in text and "内線2101" in text


def test_an_office_that_records_nothing_says_so(office: Office, tmp_path: Path) -> None:
    page = tmp_path / "none.html"
    assert office("policy", "text", "-o", str(page)).code == 0
    assert "録音する電話はありません。" in text_of(page)
    done = office("policy", "card", "-o", str(page))
    assert done.code == 1 and "no phone" in done.complaint


def test_what_is_typed_is_text(shiba: Office, tmp_path: Path) -> None:
    page = tmp_path / "evil.html"
    assert shiba("policy", "text", "--office", EVIL, "-o", str(page)).code == 0
    assert "<b>港区" not in page.read_text("utf-8") and "&lt;b&gt;港区" in page.read_text("utf-8")


def test_a_card_for_each_phone_and_none_for_a_queue(shiba: Office, tmp_path: Path) -> None:
    page = tmp_path / "cards.html"
    assert shiba("policy", "card", "--at", "2026-11-27 10:00", "-o", str(page)).code == 0
    html = page.read_text("utf-8")
    assert html.count('class="card"') == 1 and "内線 2101" in html and "6000" not in html
    assert "☑自動" in html and "☑録音しない" not in html
    assert shiba("policy", "card", "2101", "--at", "2026-11-28 10:00", "-o", str(page)).code == 0
    assert "☑録音しない" in page.read_text("utf-8"), "a Saturday"


def test_cards_have_the_keys_of_the_office(
    shiba: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLREC_KEYS__HELP", "*77")
    page = tmp_path / "cards.html"
    assert shiba("policy", "card", "-o", str(page)).code == 0
    assert "<kbd>*77</kbd>" in page.read_text("utf-8") and "<kbd>*9</kbd>" not in page.read_text("utf-8")


def test_blank_cards_need_no_office(office: Office, tmp_path: Path) -> None:
    page = tmp_path / "cards.html"
    assert office("policy", "card", "--blank", "-o", str(page)).code == 0
    html = page.read_text("utf-8")
    assert html.count('class="card"') == 4 and "☑" not in html and "<kbd>*9</kbd>" in html


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("card", "9999"), "9999"),
        (("card", "--facility", "nowhere"), "nowhere"),
        (("card", "--blank", "2101"), "2101"),
        (("card", "--at", "someday"), "someday"),
        (("text", "--on", "someday"), "someday"),
    ],
)
def test_what_is_not_there_is_named(
    shiba: Office, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    page = tmp_path / "page.html"
    done = shiba("policy", *arguments, "-o", str(page))
    assert done.code in (1, 2) and said in done.complaint and not page.exists()


def test_a_page_is_named_like_one(shiba: Office, tmp_path: Path) -> None:
    done = shiba("policy", "text", "-o", str(tmp_path / "page.pdf"))
    assert done.code == 2 and "FILE.html" in done.complaint and not (tmp_path / "page.pdf").exists()
