"""Makes the forms of a request, a page for each step so far: application, decision, and each copy."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from callrec.dates import in_era
from callrec.durations import clock
from callrec.forms.page import fill
from callrec.model.requests import CopyOutcome, GivenFile, RequestFile, RequestKind

_KINDS = {
    RequestKind.DISCLOSURE: "保有個人情報の開示請求",
    RequestKind.POLICE: "警察からの照会",
    RequestKind.COURT: "裁判所からの照会・嘱託",
    RequestKind.INTERNAL: "庁内での利用",
    RequestKind.AUDIT: "監査",
}
_CLIP = re.compile("-([0-9.]+)s-([0-9.]+)s")
_OUTCOMES = {
    CopyOutcome.RETURNED: "返却",
    CopyOutcome.DESTROYED: "廃棄（提供先での廃棄を確認）",
    CopyOutcome.GIVEN: "返却不要",
    CopyOutcome.MISTAKEN: "取消（誤記のため。理由は取扱記録による）",
}


def request_forms(file: RequestFile, zone: ZoneInfo) -> str:
    """Returns the forms of a request, in the time of a zone."""
    decided = file.request.decided_at
    return fill(
        "requests.html",
        file=file,
        request=file.request,
        kind=_KINDS[file.request.kind],
        covered=[each for each in file.recordings if decided and each.added_at <= decided],
        added_later=[each for each in file.recordings if decided and each.added_at > decided],
        numbers={each.id: number for number, each in enumerate(file.recordings, 1)},
        outcomes=_OUTCOMES,
        day=in_era,
        moment=lambda at: _moment(at, zone),
        date_of=lambda at: in_era(at.astimezone(zone).date()),
        length=clock,
        part=_part,
    )


def _moment(at: datetime, zone: ZoneInfo) -> str:
    here = at.astimezone(zone)
    return f"{in_era(here.date())} {here.hour}時{here.minute:02}分"


def _part(given: GivenFile) -> str:
    """Returns which part of a recording a file has; the archive names clips ``-190s-300s``."""
    if found := _CLIP.fullmatch(given.clip):
        return f"一部（{clock(float(found[1]))}～{clock(float(found[2]))}）"
    return f"一部（{given.clip}）" if given.clip else "全部"
