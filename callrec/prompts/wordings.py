"""Has the words of the Japanese announcements that come with callrec, by their names.

Those of SHIPPED come with their sound (prompts/make.py). Those with OFFICE in them are spoken by
`callrec prompt make` once the office has said what it is called.
"""

from __future__ import annotations

from callrec.errors import WrongUsage

OFFICE = "〇〇区役所"
"""Stands for the name of the office."""
WORDINGS = {
    "notice": "この通話は、品質向上のため録音させていただく場合がございます。",
    "recorded": "内容の確認とサービス向上のため、この通話を録音いたします。",
    "short": "この通話を録音いたします。",
    "from-now": "ただいまから、この通話を録音いたします。",
    "warning": "この通話は録音しております。暴言や大声が続く場合は、通話を終了いたします。",
    "closing": "これ以上の対応はいたしかねます。通話を終了いたします。",
    "office-recorded": "〇〇区役所です。内容の確認とサービス向上のため、この通話を録音いたします。",
    "office-standby": "〇〇区役所です。内容の確認とサービス向上のため、この通話を録音することがあります。",
    "office-outbound": "〇〇区役所からのお電話です。内容の確認のため、この通話を録音いたします。",
    "office-easy": "〇〇区役所です。この電話の声を、録音します。あとで、正しく確認するためです。",
}
SHIPPED = {name: words for name, words in WORDINGS.items() if OFFICE not in words}


def words_for(name: str | None, text: str | None, office: str | None) -> str:
    """Returns the words of an announcement: those given, else those known by its name, with the office's name
    in them. Raises WrongUsage where something is missing or left over."""
    words = WORDINGS.get(name or "", "") if text is None else text
    if not words:
        raise WrongUsage(
            "say what is to be spoken: --text, or --name with one of {names}", names=", ".join(WORDINGS)
        )
    if OFFICE in words and not (office or "").strip():
        raise WrongUsage(
            "{placeholder} stands for your office in these words: say what it is called, such as "
            "--office 港区役所",
            placeholder=OFFICE,
        )
    if office is not None and OFFICE not in words:
        raise WrongUsage(
            "--office has no place in these words: write {placeholder} there", placeholder=OFFICE
        )
    return words.replace(OFFICE, (office or "").strip())
