"""Puts a decision and its rules into words: what happens with the call, and why each other rule lost.

Words are in the language of this process. Single words for modes, scopes and reasons are in
`callrec.wording`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from callrec.call_words import DIRECTIONS, facility_in_words, number_in_words
from callrec.language import choose
from callrec.language import translated as _
from callrec.model.rules import (
    DEFAULT_LANGUAGES,
    DEFAULT_PROMPT,
    Announce,
    Candidate,
    Decision,
    Hours,
    Mode,
    Rule,
    Scope,
    Unannounced,
)
from callrec.policy import holidays
from callrec.policy.hours import DAYS, written
from callrec.wording import (
    ANNOUNCEMENTS,
    HOLIDAYS,
    MODES,
    SCOPES,
    SPOKEN,
    WEEKDAYS,
    WHY,
    days_in_words,
    reason,
    rule_name,
    seconds_in_words,
)

Known = Mapping[tuple[int, int], Rule]
"""Versions of rules by id and version."""
Names = Mapping[str, str]
"""What facilities are called, by their codes."""
NO_NAMES: Names = MappingProxyType({})
"""Facilities are told by their codes."""


def verdict(decision: Decision) -> Iterator[str]:
    """Yields what happens with a call: if it is recorded and why, its announcement, how long it is kept."""
    if decision.rule is None:
        yield reason(decision)
        return
    yield _("{mode}: {reason}").format(mode=_(MODES[decision.mode]), reason=reason(decision))
    if decision.mode is Mode.NEVER:
        return
    when = _(ANNOUNCEMENTS[decision.announce])
    if decision.announce is Announce.NONE:
        yield _("announcement: {when}").format(when=when)
    else:
        languages = ", ".join(_(SPOKEN.get(each, each)) for each in decision.languages)
        yield _("announcement {prompt}: {when}, in {languages}").format(
            prompt=decision.prompt, when=when, languages=languages
        )
        if decision.unannounced is Unannounced.DISCARD:
            yield _("where the announcement cannot be played, nothing is recorded")
    if decision.beep_s:
        yield _("consent beep: every {seconds}, heard by both").format(
            seconds=seconds_in_words(decision.beep_s)
        )
    yield _("kept for {time}, for {incident_time} after an incident").format(
        time=days_in_words(decision.retain_days),
        incident_time=days_in_words(max(decision.retain_days, decision.retain_incident_days)),
    )


def candidates(decision: Decision, known: Known, zone: ZoneInfo, names: Names = NO_NAMES) -> Iterator[str]:
    """Yields a line for every rule that was looked at, the winner first, and why it won or lost.

    Of a version that is not `known` (its catalogue is lost) only the number is said.
    """
    for each in sorted(decision.considered, key=lambda candidate: not candidate.won):
        yield _candidate(each, known.get((each.rule, each.version)), zone, names)


def _candidate(each: Candidate, rule: Rule | None, zone: ZoneInfo, names: Names) -> str:
    name, why = rule_name(each.rule, each.version), _(WHY[each.why])
    if rule is None:
        return _("rule {rule}: {why}").format(rule=name, why=why)
    return _("rule {rule} ({words}): {why}").format(rule=name, words=in_words(rule, zone, names), why=why)


def in_words(rule: Rule, zone: ZoneInfo, names: Names = NO_NAMES) -> str:
    """Returns whom a rule is about, when it holds, and what it asks for, in a few words."""
    scope = _(SCOPES[rule.scope]).format(target=_target(rule, names))
    return ", ".join([scope, *conditions(rule, zone), _(MODES[rule.mode])])


def _target(rule: Rule, names: Names) -> str:
    target = rule.target or ""
    if rule.scope is Scope.FACILITY:
        return facility_in_words(target, names)
    return number_in_words(target) if rule.scope is Scope.CALLER else target


def whole_in_words(rule: Rule, zone: ZoneInfo, names: Names = NO_NAMES) -> str:
    """Returns all that a rule says, on one line: what is as it is anyway is left out."""
    return ", ".join([in_words(rule, zone, names), *_terms(rule)])


def _terms(rule: Rule) -> Iterator[str]:
    """Yields how calls are announced, how long their recordings are kept, and the priority."""
    if rule.announce:
        yield _("announcement: {when}").format(when=_(ANNOUNCEMENTS[rule.announce]))
    if (rule.prompt, rule.languages) != (DEFAULT_PROMPT, DEFAULT_LANGUAGES):
        languages = ", ".join(_(SPOKEN.get(each, each)) for each in rule.languages)
        yield _("announcement {prompt} ({languages})").format(prompt=rule.prompt, languages=languages)
    if rule.unannounced is Unannounced.DISCARD:
        yield _("where the announcement cannot be played, nothing is recorded")
    if rule.beep_s:
        yield _("consent beep: every {seconds}, heard by both").format(seconds=seconds_in_words(rule.beep_s))
    if rule.retain_days:
        yield _("kept for {time}").format(time=days_in_words(rule.retain_days))
    if rule.retain_incident_days:
        yield _("after an incident for {time}").format(time=days_in_words(rule.retain_incident_days))
    if rule.priority:
        yield _("priority {number}").format(number=rule.priority)


def conditions(rule: Rule, zone: ZoneInfo) -> list[str]:
    """Returns the conditions of a rule, each in a few words."""
    return [
        text
        for text in (
            _(DIRECTIONS[rule.direction]) if rule.direction else "",
            hours_in_words(rule.hours),
            _(HOLIDAYS[rule.holidays]),
            _("from {day}").format(day=first_day(rule.effective_from, zone)) if rule.effective_from else "",
            _("until {day}").format(day=last_day(rule.effective_until, zone)) if rule.effective_until else "",
        )
        if text
    ]


def hours_in_words(hours: tuple[Hours, ...]) -> str:
    """Returns hours as they are written, with the weekdays in the language of this process."""
    text = written(hours)
    for day, name in zip(DAYS, WEEKDAYS, strict=True):
        text = text.replace(day, _(name))
    return text


def first_day(moment: datetime, zone: ZoneInfo) -> str:
    """Returns when something begins: a day, or a day and a time."""
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d}" if is_midnight(local) else f"{local:%Y-%m-%d %H:%M}"


def last_day(moment: datetime, zone: ZoneInfo) -> str:
    """Returns when something ends that is over at `moment`: its last day, or a day and a time."""
    local = moment.astimezone(zone)
    if not is_midnight(local):
        return f"{local:%Y-%m-%d %H:%M}"
    return f"{(moment - timedelta(seconds=1)).astimezone(zone):%Y-%m-%d}"


def on_the_clock(moment: datetime, zone: ZoneInfo) -> str:
    """Returns a moment with its weekday, and the name of the public holiday where it is one."""
    local = moment.astimezone(zone)
    holiday = holidays.name(local.date(), choose())
    notes = [_(WEEKDAYS[local.weekday()]), *([holiday] if holiday else [])]
    return f"{local:%Y-%m-%d} ({', '.join(notes)}) {local:%H:%M}"


def is_midnight(local: datetime) -> bool:
    """Tells whether a moment, as a clock shows it, is the beginning of a day."""
    return local.time() == time()
