"""Puts the recorder's own illness into words, for a mail and for a webhook: Japanese first, then English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from callrec.health.course import Illness
from callrec.language import speaking


class LetterKind(StrEnum):
    """Why a letter is written."""

    ILLNESS = "illness"
    """Something began or ended."""
    DIGEST = "digest"
    """A day has passed: how things stand."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What people are told at once: what began, what ended, what still lasts. `done` are the ways and
    recipients that have it."""

    id: str
    kind: LetterKind
    at: datetime
    pbx: str
    machine: str
    begun: tuple[Illness, ...] = ()
    ended: tuple[Illness, ...] = ()
    lasting: tuple[Illness, ...] = ()
    done: tuple[str, ...] = ()


LETTERS: TypeAdapter[list[Letter]] = TypeAdapter(list[Letter])
_HEADS = {
    "ja": {
        "begun": "異常が発生しました",
        "ended": "復旧しました",
        "lasting": "継続中の異常",
        "well": "異常はありません。",
        "hint": "詳しくは、録音装置で callrec status と callrec doctor を実行してください。",
        "more": "ほか {count} 件",
        "since": "{at} から",
        "digest": "1 日 1 回の定期報告です。届かない日は、callrec が止まっていないか確認してください。",
    },
    "en": {
        "begun": "This is wrong now",
        "ended": "This is over",
        "lasting": "This is still wrong",
        "well": "Nothing is wrong.",
        "hint": "On the recorder, callrec status and callrec doctor say more.",
        "more": "and {count} more",
        "since": "since {at}",
        "digest": "This is the daily report. On a day without it, see whether callrec still runs.",
    },
}


def subject(letter: Letter) -> str:
    """Returns the subject of a mail."""
    where = f"{letter.pbx} ({letter.machine})"
    if letter.kind is LetterKind.DIGEST:
        count = len(letter.lasting)
        return f"【録音】定期報告 異常 {count} 件 / callrec daily report, {count} wrong: {where}"
    if letter.begun:
        return f"【録音異常】発生 {len(letter.begun)} 件 / callrec: {len(letter.begun)} wrong: {where}"
    return f"【録音復旧】{len(letter.ended)} 件 / callrec: {len(letter.ended)} over: {where}"


def text(letter: Letter, zone: ZoneInfo) -> str:
    """Returns the text of a mail, with times in `zone`."""
    return "\n--------\n\n".join(_in(language, letter, zone) for language in ("ja", "en"))


def plain(letter: Letter) -> dict[str, Any]:
    """Returns what the webhook posts, as plain JSON; times are ISO 8601 with offset."""
    return {
        "event": str(letter.kind),
        "id": letter.id,
        "at": letter.at.isoformat(),
        "pbx": letter.pbx,
        "machine": letter.machine,
        "begun": [_plain(each) for each in letter.begun],
        "ended": [_plain(each) for each in letter.ended],
        "lasting": [_plain(each) for each in letter.lasting],
    }


def _plain(illness: Illness) -> dict[str, Any]:
    said = {f"text_{language}": _said(illness, language) for language in _HEADS}
    return {"kind": illness.kind, "since": illness.since.isoformat(), "count": illness.count, **said}


def _in(language: str, letter: Letter, zone: ZoneInfo) -> str:
    heads = _HEADS[language]
    parts = [heads["digest"]] if letter.kind is LetterKind.DIGEST else []
    for head in ("begun", "ended", "lasting"):
        found: Sequence[Illness] = getattr(letter, head)
        if found:
            parts.append("\n".join([heads[head], *(_line(each, language, zone) for each in found)]))
    if letter.kind is LetterKind.DIGEST and not letter.lasting:
        parts.append(heads["well"])
    where = f"PBX: {letter.pbx}  {letter.machine}"
    return "\n\n".join([*parts, f"{where}\n{heads['hint']}"]) + "\n"


def _line(illness: Illness, language: str, zone: ZoneInfo) -> str:
    heads, at = _HEADS[language], f"{illness.since.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    more = f" ({heads['more'].format(count=illness.count - 1)})" if illness.count > 1 else ""
    return f"- {_said(illness, language)}{more} [{heads['since'].format(at=at)}]"


def _said(illness: Illness, language: str) -> str:
    with speaking(language):
        return illness.said.shown()
