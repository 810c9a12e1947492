"""Puts the report of who heard or gave out what into groups, counts it, and lays it out as a page of HTML
that a manager prints and signs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from callrec import language
from callrec.call_words import facility_in_words
from callrec.catalogue.custody_report import GIVEN, ReportedAccess
from callrec.dates import spoken
from callrec.desk.operations.custody import CustodyReport
from callrec.forms.page import fill
from callrec.language import translated as _
from callrec.wording import ACTIONS, ROLES, WAYS

GROUPS = {"person": "who", "facility": "facility", "recording": "recording_id"}
"""What the report can be put together by, and the field that has it."""
WORDS = {
    "title": "Report of recordings heard and given out",
    "period": "period",
    "facilities": "facilities",
    "made": "made at",
    "counts": "how often",
    "total": "total",
    "person": "by whom",
    "facility": "facility",
    "recording": "recording",
    "list": "each time",
    "none": "Nothing was heard or given out in this time.",
    "refused": "Refused in this time (no role, or no such recording for them): {count}",
    "signed": "I have looked through the above.",
    "date": "date",
    "name": "name of the manager",
    "seal": "seal",
}
COLUMNS = {
    "at": "when",
    "who": "by whom",
    "role": "role",
    "action": "what was done",
    "recording_id": "recording",
    "facility": "facility",
    "extension": "extension",
    "request": "request",
    "through": "through",
}
Row = dict[str, Any]


def in_groups(found: Sequence[ReportedAccess], by: str | None) -> list[ReportedAccess]:
    """Returns the same in the order of its groups, and within each of them in that of time."""
    return list(found) if by is None else sorted(found, key=lambda each: _group(each, by))


def counted(found: Sequence[ReportedAccess], by: str) -> list[Row]:
    """Returns a row for each group: its name, how often each action was done, and the total."""
    counts: dict[str, Counter[str]] = {}
    for each in in_groups(found, by):
        counts.setdefault(_group(each, by), Counter())[each.action] += 1
    return [{by: name, **_of_each(count)} for name, count in counts.items()]


def counts_by(report: CustodyReport, by: str) -> list[Row]:
    """Returns the same rows with the names that people give the groups."""
    return [{**row, by: _name(report, by, row[by])} for row in counted(report.accesses, by)]


def page(report: CustodyReport, span: tuple[datetime, datetime], by: str | None, zone: ZoneInfo) -> str:
    """Returns the report as a page of HTML, in the language of this process, with times of the zone."""
    return fill(
        "custody_report.html",
        language=language.choose(),
        words={key: _(text) for key, text in WORDS.items()},
        columns=[_(text) for text in COLUMNS.values()],
        actions=[_(ACTIONS[action]) for action in GIVEN],
        facts=_facts(report, span, zone),
        counts=[list(row.values()) for row in _counts(report, by)],
        sections=_sections(report, by, zone),
        refused=_(WORDS["refused"]).format(count=report.refused),
    )


def _facts(report: CustodyReport, span: tuple[datetime, datetime], zone: ZoneInfo) -> list[tuple[str, str]]:
    """Returns what stands above the table: the days, both included, the facilities, and when it was made."""
    first, last = (moment.astimezone(zone).date() for moment in (span[0], span[1] - timedelta(seconds=1)))
    codes = report.facilities
    places = _("all") if codes is None else ", ".join(facility_in_words(code, report.names) for code in codes)
    return [
        (_(WORDS["period"]), f"{first} – {last}"),
        (_(WORDS["facilities"]), places),
        (_(WORDS["made"]), spoken(datetime.now(zone), zone)),
    ]


def _counts(report: CustodyReport, by: str | None) -> list[Row]:
    """Returns the rows of the counts: one for each group, and the total."""
    groups = counts_by(report, by) if by else []
    whole = Counter(each.action for each in report.accesses)
    return [*groups, {"": _(WORDS["total"]), **_of_each(whole)}]


def _of_each(count: Counter[str]) -> dict[str, int]:
    """Returns how often each was done by which somebody heard a recording or got it, and the total."""
    given = {action: count[action] for action in GIVEN}
    return {**given, "total": sum(given.values())}


def _sections(report: CustodyReport, by: str | None, zone: ZoneInfo) -> list[tuple[str, list[list[str]]]]:
    """Returns the tables, each with its heading; without groups one table, without a heading."""
    if by is None:
        return [("", [_cells(report, each, zone) for each in report.accesses])]
    groups = groupby(in_groups(report.accesses, by), key=lambda each: _group(each, by))
    return [(_name(report, by, name), [_cells(report, each, zone) for each in rows]) for name, rows in groups]


def _cells(report: CustodyReport, each: ReportedAccess, zone: ZoneInfo) -> list[str]:
    cells = {
        "at": spoken(each.at, zone),
        "who": each.who,
        "role": _(ROLES.get(each.role, each.role)),
        "action": _(ACTIONS[each.action]),
        "recording_id": each.recording_id,
        "facility": facility_in_words(each.facility or "", report.names),
        "extension": each.extension or "",
        "request": each.request or "",
        "through": _(WAYS.get(each.through, each.through)),
    }
    return [cells[key] for key in COLUMNS]


def _group(each: ReportedAccess, by: str) -> str:
    """Returns the group of a row; empty where its call belongs to no facility."""
    return getattr(each, GROUPS[by]) or ""


def _name(report: CustodyReport, by: str, group: str) -> str:
    return (facility_in_words(group, report.names) if by == "facility" else group) or "—"
