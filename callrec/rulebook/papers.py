"""Puts the rules in force into the Japanese words of an office's own papers: 要綱, 公表文, a phone's card.

What is returned is text, to be printed by `callrec.forms`. A number outside that a rule is about is
somebody's personal data, and no paper has it. The words follow the rules as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from callrec.dates import in_era
from callrec.durations import whole_years
from callrec.model.kinds import Direction, Mode
from callrec.model.office import Extension
from callrec.model.prompts import Prompt
from callrec.model.rules import Announce, Holidays, Hours, Rule, Scope
from callrec.policy.decide import announcement
from callrec.policy.holidays import is_holiday
from callrec.policy.office import Office, OfficeParts
from callrec.policy.rules import WIDTH, rank

MODES_IN_JAPANESE = {
    Mode.AUTOMATIC: "自動",
    Mode.STANDBY: "仮録音",
    Mode.MANUAL: "手動",
    Mode.NEVER: "録音しない",
}
"""The modes as a paper of the office calls them."""
_DIRECTIONS = {
    None: "全ての通話",
    Direction.INBOUND: "外部からの着信",
    Direction.OUTBOUND: "外部への発信",
    Direction.INTERNAL: "内線どうし",
}
_ANNOUNCED = {
    Announce.BEFORE_CONNECT: "電話が鳴る前に、相手の方へ",
    Announce.ON_START: "録音の開始時に、双方へ",
    Announce.NONE: "行わない",
}
_WEEKDAYS = "月火水木金土日"
_DAY = 24 * 60
_SATURDAY = 5
_TEN = time(10)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule as a line of a table: whom it is about, when, how it records, announces and keeps."""

    whom: str
    direction: str
    when: str
    mode: Mode
    announced: str
    prompts: frozenset[tuple[str, str]]
    """The names and languages of the announcements it plays; empty: none."""
    kept: str
    """For how long from the end of the call; empty where nothing is recorded."""
    kept_incident: str
    """The same for an incident, of which the longer of both holds."""

    @property
    def mode_word(self) -> str:
        return MODES_IN_JAPANESE[self.mode]


@dataclass(frozen=True, slots=True)
class PhoneCard:
    """What the card of one phone says: whose it is, how it records, and who is called to help."""

    extension: str
    name: str
    facility: str
    modes: tuple[tuple[str, Mode], ...]
    """How it records, with the direction of the call where that matters (else an empty text)."""
    support: str
    """The extension of the support phone; empty: none is called."""


def lines(parts: OfficeParts, at: datetime) -> list[RuleLine]:
    """Returns the rules that hold at a moment or begin later, the widest first: in each scope the stronger
    before the weaker."""
    office = parts.office()
    return [_line(rule, office, parts) for rule in sorted(_in_force(parts, at), key=_place)]


def begins(parts: OfficeParts, at: datetime) -> str:
    """Returns the day on which the first rule begins that is to begin later, in the era; empty: none is."""
    later = [rule.effective_from for rule in parts.rules if rule.effective_from and rule.effective_from > at]
    return _era(min(later), parts.zone) if later else ""


def announcements(found: Iterable[RuleLine], prompts: Iterable[Prompt]) -> list[Prompt]:
    """Returns the announcements that rules play, by name, Japanese first."""
    played = {each for line in found for each in line.prompts}
    return sorted(
        (each for each in prompts if (each.name, each.language) in played),
        key=lambda each: (each.name, each.language != "ja", each.language),
    )


def span_of_kept(parts: OfficeParts, at: datetime) -> tuple[str, str]:
    """Returns for how long what is recorded by the rules of `lines` is kept: the shortest and the longest,
    incidents apart. Empty texts where nothing is recorded."""
    recording = [rule for rule in _in_force(parts, at) if rule.mode is not Mode.NEVER]
    days = sorted(rule.retain_days or parts.defaults.retain_days for rule in recording)
    return (in_words(days[0]), in_words(days[-1])) if days else ("", "")


def cards(parts: OfficeParts, wanted: Iterable[Extension], at: datetime) -> list[PhoneCard]:
    """Returns the cards of phones, by the rules as they decide at a moment."""
    office = parts.office()
    return [_card(each, office, at) for each in wanted if not each.service]


def working_hour(at: datetime, zone: ZoneInfo) -> datetime:
    """Returns ten o'clock of this day, or of the next one that is no weekend and no public holiday."""
    day = at.astimezone(zone).date()
    while day.weekday() >= _SATURDAY or is_holiday(day):
        day += timedelta(days=1)
    return datetime.combine(day, _TEN, zone)


def in_words(days: int) -> str:
    """Returns a retention for people: years where it is whole ones as rules count them, else days."""
    years = whole_years(days)
    return f"{years}年" if years else f"{days}日"


def hours_in_words(hours: tuple[Hours, ...], holidays: Holidays) -> str:
    """Returns when a rule holds: ``月～金 8:30～17:15、祝日を除く``."""
    text = "、".join(f"{_days(each.days)} {_time(each.begin)}～{_end(each)}".strip() for each in hours)
    rest = {Holidays.INCLUDE: "", Holidays.EXCLUDE: "祝日を除く", Holidays.ONLY: "祝日のみ"}[holidays]
    return "、".join(filter(None, [text, rest]))


def _in_force(parts: OfficeParts, at: datetime) -> list[Rule]:
    return [rule for rule in parts.rules if not (rule.effective_until and rule.effective_until <= at)]


def _place(rule: Rule) -> tuple[int, ...]:
    """Returns by what the table is ordered: the wider scope, then the stronger rule first."""
    return WIDTH[rule.scope], *(-int(each) for each in rank(rule))


def _line(rule: Rule, office: Office, parts: OfficeParts) -> RuleLine:
    records = rule.mode is not Mode.NEVER
    kept = rule.retain_days or parts.defaults.retain_days
    incident = max(kept, rule.retain_incident_days or parts.defaults.retain_incident_days)
    return RuleLine(
        whom=_whom(rule, office),
        direction=_DIRECTIONS[rule.direction],
        when="、".join(_when(rule, parts.zone)) or "常時",
        mode=rule.mode,
        announced=_announced(rule),
        prompts=frozenset((rule.prompt, each) for each in rule.languages if _announces(rule)),
        kept=in_words(kept) if records else "",
        kept_incident=in_words(incident) if records else "",
    )


def _whom(rule: Rule, office: Office) -> str:
    if rule.scope is Scope.EVERYWHERE:
        return "全ての施設"
    if rule.scope is Scope.CALLER:
        return "区が別に定める電話番号"
    target = rule.target or ""
    if rule.scope is Scope.FACILITY:
        return _facility(office, target)
    known = office.extensions.get(target)
    owner = _facility(office, known.facility) if known else ""
    return " ".join(filter(None, [owner, known.name if known else "", f"内線{target}"]))


def _facility(office: Office, code: str) -> str:
    known = office.facilities.get(code)
    return (known.name or known.code) if known else ""


def _when(rule: Rule, zone: ZoneInfo) -> Iterator[str]:
    if hours := hours_in_words(rule.hours, rule.holidays):
        yield hours
    if rule.effective_from:
        yield f"{_era(rule.effective_from, zone)}から"
    if rule.effective_until:
        yield f"{_era(rule.effective_until - timedelta(seconds=1), zone)}まで"


def _announces(rule: Rule) -> bool:
    return rule.mode is not Mode.NEVER and rule.announce is not Announce.NONE


def _announced(rule: Rule) -> str:
    """Returns when the announcement comes, apart for calls from outside and others where they differ."""
    inbound = _ANNOUNCED[announcement(rule.announce, rule.mode, Direction.INBOUND)]
    others = _ANNOUNCED[announcement(rule.announce, rule.mode, Direction.OUTBOUND)]
    if rule.direction is Direction.INBOUND or inbound == others:
        return inbound
    if rule.direction:
        return others
    return f"着信：{inbound}／その他：{others}"


def _card(extension: Extension, office: Office, at: datetime) -> PhoneCard:
    modes = {each: _mode(office, extension, each, at) for each in (Direction.INBOUND, Direction.OUTBOUND)}
    one, other = modes.values()
    return PhoneCard(
        extension=extension.number,
        name=extension.name,
        facility=_facility(office, extension.facility),
        modes=(("", one),) if one is other else (("着信", one), ("発信", other)),
        support=office.support_of(extension.facility).phone or "",
    )


def _mode(office: Office, extension: Extension, direction: Direction, at: datetime) -> Mode:
    return office.decide(office.facts(direction, (extension.number,), None, at)).mode


def _era(moment: datetime, zone: ZoneInfo) -> str:
    return in_era(moment.astimezone(zone).date())


def _days(days: tuple[int, ...]) -> str:
    """Returns weekdays: ``月～金``, ``月・水``; none for all of them."""
    if len(days) == len(_WEEKDAYS):
        return ""
    runs = [[day for _, day in run] for _, run in groupby(enumerate(days), lambda pair: pair[1] - pair[0])]
    return "・".join(
        f"{_WEEKDAYS[run[0]]}～{_WEEKDAYS[run[-1]]}"
        if len(run) > 2
        else "・".join(_WEEKDAYS[day] for day in run)
        for run in runs
    )


def _time(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def _end(hours: Hours) -> str:
    return _time(hours.end) if hours.begin < hours.end <= _DAY else f"翌{_time(hours.end)}"
