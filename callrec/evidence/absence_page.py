"""Puts a document on calls without a recording into words, as a page that people read and print, with the
document in it.

The document has the SHA-256 of the page without the document, so that its signature is over both.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from callrec import call_words, wording
from callrec.dates import in_era, spoken
from callrec.evidence import absence_words as our
from callrec.evidence.absence import Finding, Status
from callrec.evidence.absence_document import (
    Absence,
    CustodyState,
    StatedAnchor,
    StatedCall,
    StatedRule,
    write,
)
from callrec.forms.page import fill
from callrec.language import translated as _
from callrec.signing import Signer
from callrec.wording import rule_name

_EMPTY = '<script type="text/plain" id="signed"></script>'
_FULL = '<script type="text/plain" id="signed">{data}</script>'


@dataclass(frozen=True, slots=True)
class SignedPage:
    """A page, the signed document in it, and the SHA-256 of that."""

    html: str
    document: bytes
    sha256: str


def signed_page(document: Absence, signer: Signer) -> SignedPage:
    """Returns the page of a document, in the language that is spoken, with the document in it, signed."""
    html = _Page(document, signer.key_id).html()
    digest = hashlib.sha256(html.encode()).hexdigest()
    data = write(replace(document, page_sha256=digest), signer)
    whole = html.replace(_EMPTY, _FULL.format(data=base64.b64encode(data).decode()))
    return SignedPage(whole, data, hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class _Row:
    """A call as a line of the table."""

    id: str
    cells: list[str]
    status: str
    recorded: str
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class _RuleText:
    """A version of a rule as it stands on the page."""

    heading: str
    notes: list[str]
    lines: list[str]


class _Page:
    """One document in the language that is spoken."""

    def __init__(self, document: Absence, key_id: str) -> None:
        self._said, self._key_id, self._zone = document, key_id, ZoneInfo(document.zone)

    def html(self) -> str:
        said = self._said
        return fill(
            "absence.html",
            language=said.language,
            title=_(our.WORDS["absent title" if self._is_absence() else "title"]),
            words={name: _(text) for name, text in our.WORDS.items()},
            columns=[_(text) for text in our.COLUMNS.values()],
            anchor_columns=[_(text) for text in our.CHECKS.values()],
            made=_(our.WORDS["made"]).format(moment=self._moment(said.made_at)),
            asked=list(self._asked()),
            result=list(self._result()),
            calls=[self._call(each) for each in said.calls],
            rules=[self._rule(each) for each in said.rules],
            custody=list(_custody(said.custody)),
            anchors=[self._anchor(each) for each in said.custody.around],
            away=list(self._away()),
            limits=list(self._limits()),
            verify=_(our.WORDS["how"]).format(key=self._key_id),
            key_id=self._key_id,
        )

    def _is_absence(self) -> bool:
        """Returns whether it says of all calls, for sure, that there is no recording."""
        only_absent = all(each.status is Status.ABSENT for each in self._said.calls)
        return only_absent and self._said.custody.is_whole and not self._said.limits.unreadable

    def _asked(self) -> Iterator[tuple[str, str]]:
        asked, reached = self._said.asked, self._said.limits.facilities
        span = _(our.WORDS["until"])
        begin, end = self._moment(asked.begin), self._moment(asked.end)
        yield _(our.WORDS["period"]), span.format(begin=begin, end=end)
        for name, value in (
            ("extension", asked.extension),
            ("number", asked.number),
            ("facility", asked.facility),
        ):
            yield _(our.WORDS[name]), value or _(our.WORDS["all"])
        within = _(our.WORDS["of all" if reached is None else "of facilities"])
        yield _(our.WORDS["looked at"]), within.format(facilities=", ".join(reached or ()))

    def _result(self) -> Iterator[str]:
        counts = Counter(each.status.value for each in self._said.calls)
        numbers = {each.value: counts[each.value] for each in Status} | {"count": len(self._said.calls)}
        if not self._said.calls:
            yield _(our.OUTCOMES["none"])
        else:
            only = counts["absent"] == len(self._said.calls)
            yield _(our.OUTCOMES["absent" if only else "counts"]).format(**numbers)
        if not self._said.custody.is_whole or self._said.limits.unreadable:
            yield _(our.OUTCOMES["not sure"])

    def _call(self, call: StatedCall) -> _Row:
        cells = [
            self._moment(call.started_at),
            _in(call_words.DIRECTIONS, call.direction),
            ", ".join(dict.fromkeys(filter(None, (call.extension, *call.extensions)))) or "—",
            call.number or _(our.FIELDS[call.number_is]),
            _in(call_words.OUTCOMES, call.outcome),
            _(our.FIELDS[call.announced]),
        ]
        reasons = [self._reason(each) for each in call.findings]
        return _Row(call.id, cells, call.status.value, _(our.KINDS[call.status]), reasons)

    def _reason(self, each: Finding) -> str:
        template = our.WHY.get(each.because or "", our.REASONS[each.reason])
        key = _in(wording.FEATURES, each.key) if each.key in set(wording.FEATURES) else each.key
        return _(template).format(
            recording=each.recording_id,
            rule=rule_name(each.rule, each.version),
            mode=_(wording.MODES[each.mode]) if each.mode else "—",
            at=self._moment(each.at),
            until=self._moment(each.until),
            row=each.custody_row or "—",
            key=key,
        )

    def _rule(self, each: StatedRule) -> _RuleText:
        name = rule_name(each.rule, each.version)
        notes = [_(our.COUNTS["changed"]).format(at=self._moment(each.changed_at), who=each.changed_by)]
        notes += [
            _(our.COUNTS[word])
            for word, so in (
                ("at begin", each.in_force_at_begin),
                ("within", each.within),
                ("removed", each.removed),
                ("earlier", not (each.in_force_at_begin or each.within)),
            )
            if so
        ]
        heading = _(our.COUNTS["rule"]).format(rule=name, words=each.words)
        return _RuleText(heading, notes, each.text.splitlines())

    def _anchor(self, each: StatedAnchor) -> list[str]:
        fits = _(our.COUNTS["fits" if each.fits else "fits not"])
        return [each.key, self._moment(each.made_at), str(each.custody_rows), fits]

    def _away(self) -> Iterator[str]:
        limits = self._said.limits
        for each in limits.away:
            span = _(our.WORDS["until"]).format(begin=self._moment(each.begin), end=self._moment(each.end))
            yield _(our.FINDINGS["away call"]).format(span=span)
        if not limits.away:
            yield _(our.FINDINGS["no away"])
        now = "running" if limits.link_up else "link down" if limits.controller_running else "stopped"
        changed = limits.link_changed_at
        since = self._moment(datetime.fromisoformat(changed)) if changed else "—"
        yield _(our.FINDINGS[now]).format(since=since)
        yield _(our.FINDINGS["not logged"])

    def _limits(self) -> Iterator[str]:
        limits, asked = self._said.limits, self._said.asked
        yield _(our.FINDINGS["pbx"])
        yield _(our.FINDINGS["away"])
        yield _(our.FINDINGS["rows"])
        if asked.number:
            yield _(our.FINDINGS["caller id"])
        if limits.first_call_at and limits.first_call_at > asked.begin:
            yield _(our.FINDINGS["first"]).format(at=self._moment(limits.first_call_at))
        if limits.facilities is not None:
            yield _(our.FINDINGS["facilities"])
        if limits.ends_later:
            yield _(our.FINDINGS["ends later"])
        if limits.withheld:
            yield _(our.FINDINGS["withheld"]).format(count=limits.withheld)
        if limits.erased:
            at = self._moment(limits.erased_until)
            yield _(our.FINDINGS["erased"]).format(count=limits.erased, at=at)
        for each in limits.unreadable:
            yield _(our.FINDINGS["unreadable"]).format(what=each)

    def _moment(self, at: datetime | None) -> str:
        """Returns a moment as the office writes it, to the second."""
        if at is None:
            return "—"
        if self._said.language != "ja":
            return spoken(at, self._zone)
        here = at.astimezone(self._zone)
        return f"{in_era(here.date())} {here.hour}時{here.minute:02}分{here.second:02}秒"


def _custody(state: CustodyState) -> Iterator[str]:
    yield _(our.COUNTS["rows" if state.problems else "whole"]).format(rows=state.rows)
    for each in state.problems:
        yield _(our.COUNTS["problem"]).format(problem=each.problem)
        if each.known:
            yield _(our.COUNTS["known"]).format(note=each.known)
    yield _(our.COUNTS["anchors" if state.anchors else "no anchors"]).format(count=state.anchors)


def _in(names: Mapping[Any, str], value: str | None) -> str:
    """Returns the words for a value of one of the lists in `wording`."""
    found = {str(key): text for key, text in names.items()}
    return _(found[value]) if value in found else value or "—"
