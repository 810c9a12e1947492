"""Follows the course of each illness: when it is told that it began, and when that it is over (decision 23).

An illness is all problems of one kind. It is told once it has lasted, and over once it has been away for
long; each time it comes back within a day it has to stay away twice as long, so that a part that goes to and
fro fills nobody's mailbox. What was told survives a restart. Spans are counted on a clock that nobody sets.
No threads, no disk, no network.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import TypeAdapter

from callrec.backoff import Backoff
from callrec.problems import Problem
from callrec.sentence_field import SentenceField

LASTED_SECONDS = 30.0
"""How long an illness lasts before it is told: a request that failed once is none."""
AWAY = Backoff(600.0, 6 * 3600.0)
"""How long it must have been away until it is told that it is over; longer with every time it came back."""
FORGOTTEN_SECONDS = 60.0
"""How long one must have been away that was not told, until it is forgotten."""
REMEMBERED_SECONDS = 86_400.0
"""How long one that is over is remembered, for that."""


@dataclass(frozen=True, slots=True)
class Illness:
    """One kind of problem: the words of its oldest, since when, and how many of the kind there are.

    `told`: that it began was told. `over`: that it ended was told too, or it never was told.
    """

    kind: str
    said: SentenceField
    since: datetime
    count: int = 1
    told: bool = False
    over: bool = False
    relapses: int = 0


ILLNESSES: TypeAdapter[list[Illness]] = TypeAdapter(list[Illness])


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told now."""

    begun: tuple[Illness, ...] = ()
    ended: tuple[Illness, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.begun or self.ended)


@dataclass(slots=True)
class _Clocks:
    """When an illness was seen by this process: first since it was away, and last."""

    first: float
    last: float


@dataclass(slots=True)
class Course:
    """The illnesses that there are, or lately were, by their kinds."""

    known: dict[str, Illness] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, _Clocks] = field(default_factory=dict)

    @classmethod
    def restored(cls, known: Iterable[Illness], clock: Callable[[], float] = time.monotonic) -> Course:
        """Makes a course as it was before a restart. What was told then counts as seen just now."""
        course, now = cls({each.kind: each for each in known}, clock), clock()
        course._seen = {kind: _Clocks(now, now) for kind in course.known}
        return course

    def see(self, problems: Iterable[Problem]) -> None:
        """Takes in the problems there are now."""
        now, kinds = self.clock(), defaultdict[str, list[Problem]](list)
        for problem in problems:
            kinds[problem.kind].append(problem)
        for kind, found in kinds.items():
            self._see(kind, found, now)
        self._forget(now)

    def news(self) -> News:
        """Returns what is to be told now, and takes it for told."""
        now = self.clock()
        begun = [each for each in self.known.values() if self._has_begun(each, now)]
        ended = [each for each in self.known.values() if self._has_ended(each, now)]
        for each in begun:
            self.known[each.kind] = replace(each, told=True)
        for each in ended:
            self.known[each.kind] = replace(each, over=True)
        return News(tuple(begun), tuple(ended))

    def open(self) -> list[Illness]:
        """Returns what was told to have begun and not to be over, the oldest first."""
        found = [each for each in self.known.values() if each.told and not each.over]
        return sorted(found, key=lambda each: (each.since, each.kind))

    # --- inside

    def _see(self, kind: str, found: list[Problem], now: float) -> None:
        oldest = min(found, key=lambda each: (each.since, each.name))
        before = self.known.get(kind)
        if before is None:
            self.known[kind] = Illness(kind, oldest.said, oldest.since, len(found))
            self._seen[kind] = _Clocks(now, now)
        elif before.over:
            relapses = before.relapses + 1
            self.known[kind] = Illness(kind, oldest.said, oldest.since, len(found), relapses=relapses)
            self._seen[kind] = _Clocks(now, now)
        else:
            since = before.since if before.told else oldest.since
            self.known[kind] = replace(before, said=oldest.said, since=since, count=len(found))
            self._seen[kind].last = now

    def _has_begun(self, each: Illness, now: float) -> bool:
        seen = self._seen[each.kind]
        return not each.told and not each.over and seen.last - seen.first >= LASTED_SECONDS

    def _has_ended(self, each: Illness, now: float) -> bool:
        return each.told and not each.over and self._away(each, now) >= AWAY.after(each.relapses)

    def _away(self, each: Illness, now: float) -> float:
        return now - self._seen[each.kind].last

    def _forget(self, now: float) -> None:
        """Forgets what never lasted, at once, and what is over, after a day. What did not last is no return
        of an illness either, and does not make one forgotten that was there before."""
        for each in list(self.known.values()):
            limit = REMEMBERED_SECONDS if each.over else FORGOTTEN_SECONDS
            if (each.told and not each.over) or self._away(each, now) < limit:
                continue
            if each.relapses and not each.over:
                self.known[each.kind] = replace(each, over=True, relapses=each.relapses - 1)
            else:
                del self.known[each.kind], self._seen[each.kind]
