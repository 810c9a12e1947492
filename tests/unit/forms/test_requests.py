"""The forms of a request: a page for each step, and text stays text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from callrec.dates import in_era
from callrec.forms.requests import request_forms
from callrec.model.access import Reach
from callrec.model.requests import (
    Copy,
    CopyOutcome,
    GivenFile,
    ListedRecording,
    Request,
    RequestFile,
    RequestKind,
    RequestState,
)

TOKYO = ZoneInfo("Asia/Tokyo")
AT = datetime(2026, 11, 28, 15, 30, tzinfo=UTC)
EVIL = "<script>alert('x')</script>&\"\u202e\n<b>"

OPEN = Request(
    number="2026-0012",
    kind=RequestKind.POLICE,
    for_whom="三田警察署 刑事課",
    ground="刑事訴訟法第197条第2項（捜査関係事項照会書 第1234号）",
    due=date(2026, 12, 28),
    state=RequestState.OPEN,
    reach=Reach(frozenset({"shiba"})),
    opened_at=AT,
    opened_by="sato",
    decided_at=None,
    decided_by=None,
    refusal=None,
    approved_for=None,
    closed_at=None,
    closed_by=None,
)
APPROVED = replace(
    OPEN,
    state=RequestState.APPROVED,
    decided_at=AT + timedelta(hours=1),
    decided_by="tanaka",
    approved_for=Reach(frozenset({"shiba"})),
)
REFUSED = replace(APPROVED, state=RequestState.REFUSED, approved_for=None, refusal="照会書の原本がないため")


def listed(number: int, added_at: datetime = AT) -> ListedRecording:
    return ListedRecording(
        id=f"01a20000-0000-7000-8000-{number:012}",
        facilities=frozenset({"shiba"}),
        extension="2101",
        started_at=AT - timedelta(days=3),
        duration_s=191.4,
        sha256="ab" * 32,
        is_there=True,
        added_at=added_at,
        added_by="sato",
    )


def copy(*files: GivenFile, outcome: CopyOutcome | None = None) -> Copy:
    return Copy(
        id="01a30000-0000-7000-8000-000000000001",
        request="2026-0012",
        to_whom="三田警察署 刑事課",
        medium="DVD-R 1枚",
        files=files or (GivenFile(listed(1).id, "cd" * 32, "wav", "-190s-300s"),),
        handed_at=AT + timedelta(days=1),
        handed_by="sato",
        ended_at=AT + timedelta(days=20) if outcome else None,
        ended_by="ito" if outcome else None,
        outcome=outcome,
    )


def made(
    request: Request,
    *copies: Copy,
    overdue: bool = False,
    count: int = 2,
    names: tuple[str, ...] | None = ("芝地区総合支所",),
) -> str:
    recordings = tuple(listed(number) for number in range(1, count + 1))
    return request_forms(RequestFile(request, recordings, copies, overdue, names), TOKYO)


def titles(page: str) -> list[str]:
    return re.findall("<h1>(.*?)</h1>", page)


class Page(HTMLParser):
    """The tags, attributes and text of a page; complains of what is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.text.append(data)


def test_there_is_a_page_for_each_step_so_far() -> None:
    assert titles(made(OPEN)) == ["通話録音提供申請書"]
    assert titles(made(APPROVED)) == ["通話録音提供申請書", "通話録音提供承認書"]
    assert titles(made(REFUSED)) == ["通話録音提供申請書", "通話録音提供不承認書"]
    whole = made(APPROVED, copy(), copy(outcome=CopyOutcome.RETURNED))
    assert titles(whole)[2:] == ["通話録音提供記録"] * 2
    assert "break-after: page" in whole and whole.count("<section>") == 4


def test_what_the_forms_say() -> None:
    page = made(APPROVED, copy())
    for each in (
        "2026-0012",
        "令和8年11月29日",  # in Tokyo
        "警察からの照会",
        "三田警察署 刑事課",
        "捜査関係事項照会書 第1234号",
        "令和8年12月28日",
        "令和8年11月26日 0時30分",
        "2101",
        "3:11",
        listed(2).id,
        "tanaka",
        "芝地区総合支所",
        "DVD-R 1枚",
        "cd" * 32,
        "一部（3:10～5:00）",
        "未返却",
        "署名・印",
    ):
        assert each in page, each
    assert "返却期限を過ぎています" not in page and "返却期限を過ぎています" in made(
        APPROVED, copy(), overdue=True
    )
    assert "照会書の原本がないため" in made(REFUSED) and "全施設" in made(APPROVED, names=None)


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (CopyOutcome.RETURNED, "返却"),
        (CopyOutcome.DESTROYED, "廃棄"),
        (CopyOutcome.MISTAKEN, "取消（誤記のため"),
    ],
)
def test_what_became_of_a_copy(outcome: CopyOutcome, word: str) -> None:
    page = made(APPROVED, copy(outcome=outcome))
    assert f"<td>{word}" in page and "令和8年12月19日 0時30分" in page and "未返却" not in page


def test_a_copy_given_for_good_is_not_asked_back() -> None:
    page = made(APPROVED, copy(outcome=CopyOutcome.GIVEN))
    assert page.count("<td>返却不要</td>") == 2 and "未返却" not in page and "確認した者" not in page


def test_an_approval_names_what_it_covered_and_what_came_later() -> None:
    later = listed(2, AT + timedelta(hours=2))
    file = RequestFile(APPROVED, (listed(1), later), (), False, None)
    decision = request_forms(file, TOKYO).split("<section>")[2]
    before, after = decision.split("承認の後に追加した録音（1件）")
    assert listed(1).id in before and later.id in after and later.id not in before
    assert "登録されていません" in made(APPROVED, count=0)


def test_no_data_is_markup_wherever_it_stands() -> None:
    evil = replace(
        REFUSED, number=EVIL, for_whom=EVIL, ground=EVIL, opened_by=EVIL, decided_by=EVIL, refusal=EVIL
    )
    given = replace(
        copy(GivenFile(listed(1).id, EVIL, EVIL, EVIL)), id=EVIL, to_whom=EVIL, medium=EVIL, handed_by=EVIL
    )
    file = RequestFile(evil, (replace(listed(1), extension=EVIL),), (given,), False, None)
    page = request_forms(file, TOKYO)
    assert "<script" not in page and "<b>" not in page and "\u202e" not in page
    assert page.count("&lt;script&gt;") >= 12
    assert "&lt;b&gt;" in made(APPROVED, names=(EVIL, EVIL)) and "<b>" not in made(
        APPROVED, names=(EVIL, EVIL)
    )
    assert Page(page).tags == Page(made(APPROVED, copy())).tags


def test_it_needs_nothing_from_elsewhere() -> None:
    page = made(APPROVED, copy())
    assert Page(page).names <= {"lang", "charset", "class"}
    assert not re.search(r"https?:|url\(|@import|src=|href=", page)


def test_days_as_offices_write_them() -> None:
    days = {
        date(2026, 11, 28): "令和8年11月28日",
        date(2019, 5, 1): "令和元年5月1日",
        date(2019, 4, 30): "平成31年4月30日",
        date(1989, 1, 8): "平成元年1月8日",
        date(1912, 7, 30): "大正元年7月30日",
        date(1912, 7, 29): "明治45年7月29日",
        date.max: "令和7981年12月31日",
    }
    assert {day: in_era(day) for day in days} == days
