"""Finds the steps that make one office of another, in an order in which each can be done.

The commands show the steps, and `catalogue.offices` applies them. An import of an office is the office: what
the wanted one lacks is removed (decision 10).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from callrec.language import translated as _
from callrec.model.office import Extension, Facility
from callrec.model.rules import Rule, Scope
from callrec.policy.office import Office
from callrec.policy.rules import narrows
from callrec.rulebook.explanation import in_words
from callrec.rulebook.fields import change_in_words
from callrec.wording import rule_name

Thing = Facility | Extension | Rule
T = TypeVar("T", Facility, Extension, Rule)

KINDS = {Facility: "facility", Extension: "extension", Rule: "rule"}
_NEVER_CHANGED = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing as it is and as it shall be, of one kind; None: it is not there."""

    before: Thing | None
    after: Thing | None

    @property
    def sign(self) -> str:
        """`+`, `-` or `~`: added, removed or changed."""
        return "~" if self.before and self.after else "+" if self.after else "-"

    def words(self, zone: ZoneInfo) -> str:
        """Returns the step as a line for people, with days as of this zone."""
        thing = self.before or self.after
        assert thing is not None
        return f"{self.sign} {_(KINDS[type(thing)])} {_name(thing)}: {self._what(thing, zone)}"

    def _what(self, thing: Thing, zone: ZoneInfo) -> str:
        if not self.before or not self.after:
            return _described(thing, zone)
        if isinstance(self.before, Rule) and isinstance(self.after, Rule):
            return change_in_words(self.before, self.after, zone)
        return f"{_described(self.before, zone)} → {_described(self.after, zone)}"


def difference(there: Office, wanted: Office) -> list[Step]:
    """Returns what has to be done so that the office is as wanted: nothing is left that is not."""
    facilities = _pairs(there.facilities, wanted.facilities)
    extensions = _pairs(there.extensions, wanted.extensions)
    rules = _rules(list(there.rules), list(wanted.rules))
    # What others refer to comes before them, and goes after them.
    return [
        *_with_successor(facilities),
        *_with_successor(extensions),
        *_without_successor(rules),
        *_with_successor(rules),
        *_without_successor(extensions),
        *_without_successor(facilities),
    ]


def additions(there: Office, wanted: Iterable[Extension]) -> list[Step]:
    """Returns what has to be done so that these extensions are there as wanted; others stay as they are."""
    known = {each.number: each for each in wanted}
    before = {number: each for number, each in there.extensions.items() if number in known}
    return [*_pairs(before, known)]


def _pairs(there: Mapping[str, T], wanted: Mapping[str, T]) -> list[Step]:
    keys = list(dict.fromkeys([*there, *wanted]))
    steps = [Step(there.get(key), wanted.get(key)) for key in keys]
    return [step for step in steps if step.before != step.after]


def _rules(there: list[Rule], wanted: list[Rule]) -> list[Step]:
    """Returns the steps of rules, the removals first. Those that say the same are the same rule."""
    wanted = sorted(wanted, key=lambda rule: (rule.id == 0, rule.id))
    before = _without_overtaking(wanted, _partners(there, wanted))
    kept = {each.id for each in before if each}
    steps = [
        Step(each, rule)
        for each, rule in zip(before, wanted, strict=True)
        if each is None or _same_content(each) != _same_content(rule)
    ]
    return [*(Step(each, None) for each in there if each.id not in kept), *steps]


def _partners(there: list[Rule], wanted: list[Rule]) -> list[Rule | None]:
    """Returns for each wanted rule the one that it is or becomes a version of; None: it is new.

    Rules that say the same come first, among them those with the same id; an id alone makes a change.
    """
    free = {each.id: each for each in there}
    alike, places = _by_content(there), _by_content(wanted)
    found: dict[int, Rule] = {}
    for content, same in places.items():
        ids = {wanted[place].id for place in same}
        first = sorted((there[place].id for place in alike[content]), key=lambda id_: id_ not in ids)
        found.update(zip(same, map(free.pop, sorted(first[: len(same)])), strict=False))
    for place, rule in enumerate(wanted):
        if place not in found and _changeable(free.get(rule.id), rule):
            found[place] = free.pop(rule.id)
    return [found.get(place) for place in range(len(wanted))]


def _by_content(rules: list[Rule]) -> defaultdict[Rule, list[int]]:
    """Returns the places of the rules that say the same."""
    found = defaultdict(list)
    for place, rule in enumerate(rules):
        found[_same_content(rule)].append(place)
    return found


def _without_overtaking(wanted: list[Rule], found: list[Rule | None]) -> list[Rule | None]:
    """Returns what was found, without rules that would stay older than an equal before them in the file.

    Of rules that are equals the one further down is the newer, and beats those before it. One that is there
    already, and would stay older, is removed and added anew (decision 10).
    """
    newest: dict[tuple[Scope, str | None, int], float] = {}
    kept = []
    for rule, before in zip(wanted, found, strict=True):
        equals = (rule.scope, rule.target, rule.priority)
        stays = before is not None and before.id > newest.get(equals, 0)
        newest[equals] = before.id if before and stays else math.inf
        kept.append(before if stays else None)
    return kept


def _same_content(rule: Rule) -> Rule:
    """Returns what a rule says, without its id and history."""
    return replace(rule, id=0, version=0, changed_at=_NEVER_CHANGED, changed_by="")


def _changeable(before: Rule | None, after: Rule) -> bool:
    """Tells whether one can be a version of the other. A rule that says never is lifted by removing it."""
    if before is None or (before.scope, before.target) != (after.scope, after.target):
        return False
    return not narrows(before, after)  # decision 10


def _with_successor(steps: list[Step]) -> list[Step]:
    return [step for step in steps if step.after is not None]


def _without_successor(steps: list[Step]) -> list[Step]:
    return [step for step in steps if step.after is None]


def _name(thing: Thing) -> str:
    if isinstance(thing, Rule):
        return rule_name(thing.id, thing.version) if thing.version else _("new")
    return thing.code if isinstance(thing, Facility) else thing.number


def _described(thing: Thing, zone: ZoneInfo) -> str:
    if isinstance(thing, Rule):
        return in_words(thing, zone)
    if isinstance(thing, Facility):
        return ", ".join([thing.name, *_support(thing)])
    kind = _("service number") if thing.service else ""
    also = _("also {endpoints}").format(endpoints=" ".join(thing.aliases)) if thing.aliases else ""
    return ", ".join(filter(None, (thing.facility, thing.name, kind, also)))


def _support(thing: Facility) -> list[str]:
    """Returns who is called to help, where the facility itself says so."""
    found = []
    if thing.support_phone is not None:
        found.append(_("support phone {number}").format(number=thing.support_phone or _("none")))
    if thing.support_mail is not None:
        found.append(_("mail to {addresses}").format(addresses=" ".join(thing.support_mail) or _("none")))
    return found
