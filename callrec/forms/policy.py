"""Makes the papers of an office about its recording: a draft 要綱, a text for the public, blank forms, and
cards for telephones. They are in Japanese: those who sign and read them are a Japanese office."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from callrec.forms.page import fill
from callrec.model.calls import FeatureCode
from callrec.model.kinds import Mode

LANGUAGES = {"ja": "日本語", "en": "英語", "zh": "中国語", "ko": "韓国語"}
PUBLIC_WORDS = {
    Mode.AUTOMATIC: "通話の全体を録音し、保存します。",
    Mode.STANDBY: "通話中は仮に録音し、職員が必要と認めた場合に限り保存します。"
    "その他は、通話の終了後に消去します。",
    Mode.MANUAL: "職員が必要と認めたときから録音し、保存します。",
}
CARDS_ON_A_PAGE = 4


class Paper(StrEnum):
    """The papers there are."""

    OUTLINE = "outline"
    """The draft 要綱 with its tables."""
    NOTICE = "notice"
    """The text for the public, 公表文."""
    FORMS = "forms"
    """Blank forms, 様式."""


@dataclass(frozen=True, slots=True)
class BlankForm:
    """A form to be filled in by hand."""

    title: str
    addressee: str
    text: str
    fields: tuple[str, ...]
    seals: tuple[str, ...]


FORMS = (
    BlankForm(
        "通話録音提供申請書",
        "管理責任者　様",
        "次のとおり、通話録音の利用又は提供を申請します。",
        (
            "申請者（所属・氏名）",
            "区分（開示請求・警察・裁判所・庁内・監査）",
            "提供先",
            "根拠",
            "対象の通話（日時・内線）",
            "返却期限",
        ),
        ("申請者", "取扱者"),
    ),
    BlankForm(
        "通話録音提供承認書・不承認書",
        "申請者　様",
        "申請について、次のとおり決定しました。",
        ("申請番号", "決定（承認・不承認）", "承認の範囲（施設）", "不承認の理由", "決定の日時"),
        ("管理責任者",),
    ),
    BlankForm(
        "通話録音提供記録",
        "",
        "次のとおり、複製データを提供しました。",
        (
            "申請番号",
            "提供先",
            "媒体",
            "複製の番号・ハッシュ値",
            "提供の日時・提供した者",
            "返却又は廃棄の日・確認した者",
        ),
        ("提供した者", "受領者"),
    ),
    BlankForm(
        "事案指定報告書",
        "管理責任者　様",
        "次の通話を、事案に指定するよう報告します。",
        (
            "報告者（所属・氏名）",
            "通話の日時・内線",
            "相手方の申出の内容",
            "職員の対応（制止した回数・応援の有無）",
            "事案と認める理由",
        ),
        ("報告者", "係長", "管理責任者"),
    ),
)


def policy_papers(wanted: Sequence[Paper], office: str, **values: object) -> str:
    """Returns the papers that are wanted, filled with what the rules say (values of `policy.html`)."""
    return fill(
        "policy.html",
        parts=[each.value for each in wanted],
        office=office,
        languages=LANGUAGES,
        public_words=PUBLIC_WORDS,
        forms=FORMS,
        **values,
    )


def phone_cards(codes: Mapping[FeatureCode, str], modes: Mapping[Mode, str], cards: Sequence[object]) -> str:
    """Returns a page for staff and the cards of phones; without phones a page of blank cards."""
    blank = {"extension": "", "name": "", "facility": "", "modes": (), "support": ""}
    return fill(
        "cards.html",
        keys={key.value: code for key, code in codes.items()},
        modes=modes,
        cards=cards or [blank] * CARDS_ON_A_PAGE,
    )
