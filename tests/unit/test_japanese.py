"""The Japanese that people read has the words of an office: messages, help, forms and documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import messages

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.ja.md", *sorted((ROOT / "docs/ja").glob("*.md"))]
SOURCES = [*sorted((ROOT / "callrec").rglob("*.py")), *sorted((ROOT / "callrec/forms").glob("*.html"))]
OTHERS_WORDS = {
    "待機": "仮録音; of what waits: 保管を待つ",
    "確認音": "録音中のお知らせ音",
    "確認の音": "合図音",
    "通知音": "合図音",
    "応援室": "応援担当",
    "応援の部屋": "応援担当の電話",
    "サービス番号": "代表・グループ番号",
    "保存期限": "保存期間満了日時",
    "破棄": "消去 of what was never to be kept, 廃棄 of what is past its time",
    "マニフェスト": "録音明細",
    "カタログ": "録音台帳",
    "スプール": "一時保管フォルダー",
    "アーカイブ": "保管先, 保管する",
    "改変": "改ざん",
    "参加者": "通話者",
    "収録": "録音",
    "不応答": "応答なし",
    "接続不可": "つながらず",
    "アナウンス": "録音のお知らせ",
    "取次": "保留転送",
    "分数": "録音時間（分）",
    "上書き": "同じ名前で後から別の版が保存されています",
    "検証に失敗": "不一致が見つかりました",
    "印を付": "事案に指定する",
    "印が付": "事案に指定される",
    "お渡し": "出力する, 提供する",
}
"""What an office does not say, or understands otherwise, and what it says."""
REASONS = {
    "（マニフェスト）": "says once what the word of the field is",
    "（スプール": "says once what the word of the field is, also by its setting",
    "スプール用ディレクトリ": "a folder of Asterisk's own, which has that name",
    "削除の印を付": "a delete marker of S3",
    "削除の印が付": "a delete marker of S3",
    "既存のファイルは上書きしません": "a file of one's own that would be gone",
    "すでにあるファイルには上書きしません": "a file of one's own that would be gone",
    "ロックしたオブジェクトも上書きできます": "what a bucket without versions does: the original is gone",
    "バケットを上書きするか": "what somebody with all rights could do",
    '"サービス番号"': "is read in tables that offices have already",
}
"""What may stand there all the same, and why."""


def _said() -> Iterator[tuple[str, str]]:
    """Every place, and what is said there in Japanese."""
    for message in messages.catalogue():
        for text in messages._strings(message):
            yield f"callrec.po: {messages._key(message)[:60]}", text
    for page in [*PAGES, *SOURCES]:
        for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
            yield f"{page.relative_to(ROOT)}:{number}", line


def test_words_are_those_of_an_office() -> None:
    wrong = []
    for place, said in _said():
        text = said
        for reason in REASONS:
            text = text.replace(reason, "")
        wrong += [f"{place}: {word} → {better}" for word, better in OTHERS_WORDS.items() if word in text]
    assert not wrong, "\n".join(wrong)


def test_every_exception_is_still_needed() -> None:
    every = "\n".join(said for _, said in _said())
    assert [reason for reason in REASONS if reason not in every] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_who_answers_the_telephone_reads_no_word_of_the_machine(page: Path) -> None:
    """The rules are settings of the telephone to them, and nothing else of callrec concerns them."""
    text = page.read_text("utf-8")
    machine = ("ルール", "録音台帳", "録音明細", "S3", "サーバー", "PBX", "チャンネル")
    assert (page.name != "staff.md") or not [word for word in machine if word in text]
