"""Follows the ways of calls through a dialplan, from where they come in, until the gate is called.

A way goes on from step to step, by Goto, Gosub and Macro and their conditional forms, by includes, by Local
channels that are dialled, and by digits that a menu takes. Whatever a condition says, both ways are
followed. What a variable or a switch decides cannot be followed, and is told; an extension in a variable is
taken for any of its context. AGI scripts, and subroutines that options of Dial() name, are not looked into.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from callrec.pbx.dialplan_listing import Listing, Step
from callrec.pbx.dialplan_words import called, choices, fits, is_open, parts, place

GATE = "callrec-gate"
UNKNOWN = "unknown"
OURS = "callrec-"
CALLS = {"dial", "retrydial", "queue", "followme"}
"""Applications that connect a caller with somebody. Page() speaks to phones, and Pickup() takes a call whose
caller has passed the gate."""
ENDS = {"hangup", "return", "macroexit", "busy", "congestion", "stackpop"}
MENUS = {"background", "waitexten"}
SPECIAL = {"h", "i", "t", "T", "e", "o", "a", "failed"}
"""Extensions at which no call begins."""
_LOCAL = re.compile(r"Local/([^@&,]+)@([^/&,]+)")

Node = tuple[int, int]
"""A step: which sequence, and which of its steps."""


@dataclass(frozen=True)
class Sequence:
    """The steps of one extension, in their order."""

    context: str
    extension: str
    steps: tuple[Step, ...]


@dataclass
class Ways:
    """The steps that are reached before the gate, each with the kinds of entries that lead there."""

    reached: dict[Node, set[str]] = field(default_factory=dict)
    unfollowed: dict[Step, None] = field(default_factory=dict)


class Dialplan:
    """A dialplan whose ways can be followed. Pure."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self.sequences = tuple(_sequences(listing.steps))
        self._of: dict[str, list[int]] = defaultdict(list)
        self._all: dict[str, list[int]] = {}
        for number, each in enumerate(self.sequences):
            self._of[each.context].append(number)

    def ways(self, entries: Mapping[str, Collection[str]]) -> Ways:
        """Follows all calls. `entries` are contexts where calls come in, with their kinds; those to which
        no way leads are entries, too, of the kind "unknown"."""
        found = Ways()
        todo: list[tuple[Node, frozenset[str]]] = [
            (node, frozenset(kinds))
            for context, kinds in {**self._others(entries), **entries}.items()
            for node in self._begins(context)
        ]
        while todo:
            node, kinds_here = todo.pop()
            known = found.reached.setdefault(node, set())
            if kinds_here <= known:
                continue
            known |= kinds_here
            if not self._calls_gate(node):
                todo += [(each, kinds_here) for each in self._next(node, found)]
        return found

    def step(self, node: Node) -> Step:
        return self.sequences[node[0]].steps[node[1]]

    def _others(self, entries: Iterable[str]) -> dict[str, Collection[str]]:
        """Returns the contexts that no way from elsewhere leads to, with their kind. Of contexts that lead to
        each other alone it is the first."""
        found: dict[str, Collection[str]] = {each: {UNKNOWN} for each in self._roots}
        seen: set[Node] = set()
        for context in (*entries, *found):
            self._go(context, seen)
        for context in self._of:
            numbers = {number for number, _index in seen}
            if not context.startswith(OURS) and not numbers & set(self._of[context]):
                found[context] = {UNKNOWN}
                self._go(context, seen)
        return found

    def _go(self, context: str, seen: set[Node]) -> None:
        """Notes all steps that calls may come to from a context, the gate or not."""
        todo = list(self._begins(context))
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += self._next(node, Ways())

    def _begins(self, context: str) -> list[Node]:
        return [(each, 0) for each in self._any(context) if self.sequences[each].extension not in SPECIAL]

    @cached_property
    def _roots(self) -> list[str]:
        """The contexts to which no step and no include leads."""
        led = {each for names in self._listing.includes.values() for each in names}
        for step in self._listing.steps:
            for target in _targets(step.application, step.data):
                led |= {target[0]} if len(target) == 3 else set()
            led |= {context for _extension, context in _LOCAL.findall(step.data)}
        names = dict.fromkeys((*self._of, *self._listing.includes))
        return [name for name in names if name not in led and not name.startswith(OURS)]

    # --- the gate

    def _calls_gate(self, node: Node, within: frozenset[int] = frozenset()) -> bool:
        """Returns whether a step calls the gate, or a subroutine that does."""
        return any(self._is_gate(node, target, within) for target in _subroutines(self.step(node)))

    def _is_gate(self, node: Node, target: tuple[str, ...], within: frozenset[int]) -> bool:
        if len(target) == 3 and target[0] == GATE:
            return True
        numbers = {number for number, _at in self._found(node, target) or ()} - within
        return bool(numbers) and all(self._has_gate(number, within | {number}) for number in numbers)

    def _has_gate(self, number: int, within: frozenset[int]) -> bool:
        steps = range(len(self.sequences[number].steps))
        return any(self._calls_gate((number, index), within) for index in steps)

    # --- from step to step

    def _next(self, node: Node, found: Ways) -> Iterator[Node]:
        step = self.step(node)
        name = step.application.lower()
        if name in MENUS:
            yield from ((number, 0) for number in self._any_beside(step.context))
        for target in (*_targets(step.application, step.data), *_locals(step)):
            nodes = self._found(node, target)
            if nodes is None:
                found.unfollowed[step] = None
            else:
                yield from nodes
        if step.context in self._listing.switches:
            found.unfollowed[step] = None
        if _goes_on(name, step.data) and node[1] + 1 < len(self.sequences[node[0]].steps):
            yield node[0], node[1] + 1

    def _found(self, node: Node, target: tuple[str, ...]) -> list[Node] | None:
        """Returns the steps at a place that a step names; None where it cannot be known."""
        context, extension, at = ("", "", "", *target)[-3:]
        own = self.step(node)
        if is_open(context):
            return None
        if not context and not extension:
            return list(self._at(node[0], at))
        wanted = own.extension if extension in ("${EXTEN}", "${MACRO_EXTEN}") else extension
        for each in [context] if context else [own.context, *self._including(own.context)]:
            nodes = [found for number in self._fitting(each, wanted) for found in self._at(number, at)]
            if nodes:
                return nodes
        return []

    def _fitting(self, context: str, wanted: str) -> list[int]:
        """Returns the sequences that a call may take, to an extension, to any of a pattern, or to one that
        a variable has."""
        if is_open(wanted):
            return self._any(context)
        if wanted.startswith("_"):
            names = ((each, self.sequences[each].extension) for each in self._any(context))
            return [each for each, name in names if name.startswith("_") or fits(wanted, name)]
        return self._exact(context, wanted)

    def _at(self, number: int, at: str) -> Iterator[Node]:
        for index, step in enumerate(self.sequences[number].steps):
            if is_open(at) or at in (step.label, str(step.priority)):
                yield number, index

    def _exact(self, context: str, extension: str) -> list[int]:
        """Returns the sequences that a call to an extension may take; one that is written so comes first."""
        fitting = [each for each in self._any(context) if fits(self.sequences[each].extension, extension)]
        return [each for each in fitting if self.sequences[each].extension == extension] or fitting

    def _any(self, context: str) -> list[int]:
        """Returns all sequences of a context and of those that it includes."""
        if context not in self._all:
            names = [context]
            for each in names:
                names += [more for more in self._listing.includes.get(each, ()) if more not in names]
            self._all[context] = [number for each in names for number in self._of.get(each, ())]
        return self._all[context]

    def _any_beside(self, context: str) -> list[int]:
        found = (number for each in (context, *self._including(context)) for number in self._any(each))
        return [each for each in dict.fromkeys(found) if self.sequences[each].extension != "h"]

    def _including(self, context: str) -> list[str]:
        return [name for name, names in self._listing.includes.items() if context in names]


def _sequences(steps: Iterable[Step]) -> Iterator[Sequence]:
    """Yields the extensions; one of the same name that is for other callers (12/34) is another."""
    run: list[Step] = []
    for step in steps:
        last = run[-1] if run else None
        same = last and (last.context, last.extension) == (step.context, step.extension)
        if last and not (same and step.priority > last.priority):
            yield Sequence(last.context, last.extension, tuple(run))
            run = []
        run.append(step)
    if run:
        yield Sequence(run[0].context, run[0].extension, tuple(run))


def _targets(application: str, data: str) -> list[tuple[str, ...]]:
    """Returns the places to which a step may jump, or which it may call."""
    name = application.lower()
    if name in ("goto", "gosub"):
        found = [place(data)]
    elif name in ("gotoif", "gosubif", "gotoiftime"):
        found = [place(each) for each in choices(data)]
    elif name == "macro":
        found = [(f"macro-{parts(data, ',')[0]}", "s", "1")]
    elif name == "macroif":
        found = [(f"macro-{parts(each, ',')[0]}", "s", "1") for each in choices(data) if each]
    elif name in ("execif", "exec", "tryexec"):
        inside = choices(data) if name == "execif" else (data,)
        found = [target for each in inside if each for target in _targets(*called(each))]
    else:
        found = []
    return [each for each in found if each]


def _subroutines(step: Step) -> list[tuple[str, ...]]:
    """Returns the places that a step calls, and comes back from."""
    name = step.application.lower()
    if name in ("goto", "gotoif", "gotoiftime"):
        return []
    return _targets(step.application, step.data)


def _locals(step: Step) -> list[tuple[str, ...]]:
    """Returns where the Local channels come in that a step dials."""
    if step.application.lower() not in CALLS:
        return []
    return [(context, extension, "1") for extension, context in _LOCAL.findall(step.data)]


def _goes_on(name: str, data: str) -> bool:
    """Returns whether the step below may be next."""
    if name in ("gotoif", "gotoiftime"):
        return not all(choices(data))
    return name not in ENDS and name != "goto"
