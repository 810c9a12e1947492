"""Puts alerts into words: Japanese first, then English, whatever the language of this process is."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from callrec.model.alerts import Alert
from callrec.model.rules import Direction
from callrec.numbers import as_people_write

_ALERT: TypeAdapter[Alert] = TypeAdapter(Alert)
_DIRECTIONS = {
    Direction.INBOUND: ("外線からの着信", "from outside"),
    Direction.OUTBOUND: ("外線への発信", "to the outside"),
    Direction.INTERNAL: ("内線通話", "from phone to phone"),
    None: ("不明", "unknown"),
}
TEST_SUBJECT = "【テスト】callrec doctor の動作確認 / Test of callrec doctor"
TEST_TEXT = """\
これは callrec doctor による動作確認のメールです。応援の要請ではありません。対応は不要です。
応援要請のメールは、この設定で送信されます。
--------

This mail is a test of callrec doctor. Nobody asks for help, and there is nothing to do.
Mails that ask for help are sent in the same way.
"""
"""What doctor sends to try the mail server out."""


def plain(alert: Alert) -> dict[str, Any]:
    """Returns an alert as plain JSON, its time as ISO 8601 with offset."""
    made: dict[str, Any] = _ALERT.dump_python(alert, mode="json")
    return {**made, "at": alert.at.isoformat()}


def subject(alert: Alert) -> str:
    """Returns the subject of the mail."""
    return (
        f"【応援要請】{alert.facility_name} 内線 {alert.extension} / Help wanted: extension {alert.extension}"
    )


def text(alert: Alert, extension_name: str, zone: ZoneInfo) -> str:
    """Returns the text of the mail, with the time in `zone`."""
    who = " ".join(filter(None, (alert.extension, extension_name)))
    return f"{_japanese(alert, who, zone)}\n--------\n\n{_english(alert, who, zone)}"


def _japanese(alert: Alert, who: str, zone: ZoneInfo) -> str:
    kept = "この通話は録音されています。" if alert.recorded else "この通話は録音されていません。"
    phone = (
        f"応援担当の電話（内線 {alert.support_phone}）を呼び出しています。\n" if alert.support_phone else ""
    )
    number = as_people_write(alert.number) if alert.number else "不明"
    return (
        "通話中の職員が応援を求めています。\n\n"
        f"施設: {alert.facility_name}\n"
        f"内線: {who}\n"
        f"相手の番号: {number}（{_DIRECTIONS[alert.direction][0]}）\n"
        f"要請の時刻: {_moment(alert.at, zone)}\n"
        f"録音: {kept}\n"
        f"通話 ID: {alert.call_id}\n\n{phone}"
    )


def _english(alert: Alert, who: str, zone: ZoneInfo) -> str:
    kept = "this call is being recorded" if alert.recorded else "this call is not being recorded"
    phone = (
        f"The support phone (extension {alert.support_phone}) is being called.\n"
        if alert.support_phone
        else ""
    )
    return (
        "Somebody on the phone asks for help.\n\n"
        f"Facility: {alert.facility_name}\n"
        f"Extension: {who}\n"
        f"Other party: {alert.number or 'unknown'} ({_DIRECTIONS[alert.direction][1]})\n"
        f"Since: {_moment(alert.at, zone)}\n"
        f"Recording: {kept}\n"
        f"Call id: {alert.call_id}\n\n{phone}"
    )


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
