"""What the catalogue is asked in its benchmark: each filter alone and in pairs, with and without a date."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import combinations
from typing import Any

from bench import office_rows as office
from callrec.model.access import EVERYWHERE, Reach
from callrec.model.found import SORTS, SearchQuery
from callrec.model.rules import Direction, Mode
from callrec.numbers import Number

Dice = random.Random
FILTERS: dict[str, Callable[[Dice], dict[str, Any]]] = {
    "extension": lambda dice: {"extension": dice.choice(office.EXTENSIONS)},
    "facility": lambda dice: {"facility": dice.choice(office.FACILITIES)},
    "number": lambda dice: {"number": Number(f"+8135{dice.randrange(dice.choice((200, 10**6))):07}")},
    "direction": lambda dice: {"direction": str(dice.choice(list(Direction)))},
    "mode": lambda dice: {"mode": str(dice.choice(list(Mode)))},
    "incident": lambda dice: {"incident": True},
    "held": lambda dice: {"held": True},
    "min-duration": lambda dice: {"min_duration_s": dice.choice((30.0, 300.0, 1800.0, 3600.0))},
    "note": lambda dice: {"note": dice.choice(("大声", "拘束", "保険", "税", "無効"))},
    "all-calls": lambda dice: {"all_calls": True},
    "test-calls": lambda dice: {"test_calls": True},
}
SPANS = {"": None, "a day": timedelta(days=1), "a month": timedelta(days=30)}
LIMIT = 101
"""As `callrec search` asks, which says whether there are more than 100."""


@dataclass(frozen=True)
class Case:
    """A kind of question, and the questions of that kind that are asked."""

    filters: tuple[str, ...]
    span: str
    sort: str
    reached: int | None
    """Facilities in reach; None: all."""

    @property
    def name(self) -> str:
        reach = "everywhere" if self.reached is None else f"reach of {self.reached}"
        return f"{' + '.join(self.filters) or 'nothing'}, {self.span or 'no date'}, {self.sort}, {reach}"

    @property
    def has_note(self) -> bool:
        return "note" in self.filters

    def question(self, dice: Dice) -> tuple[SearchQuery, Reach]:
        given = {name: value for each in self.filters for name, value in FILTERS[each](dice).items()}
        if span := SPANS[self.span]:
            begin = office.BEGIN + (office.YEARS - span) * dice.random()
            given |= {"begin": begin, "end": begin + span}
        reach = EVERYWHERE
        if self.reached is not None:
            reach = Reach(frozenset(dice.sample(office.FACILITIES, self.reached)))
        return replace(SearchQuery(sort=self.sort, limit=LIMIT), **given), reach


def cases() -> Iterator[Case]:
    """Yields all kinds of questions."""
    some = [(), *combinations(FILTERS, 1), *combinations(FILTERS, 2)]
    for reached in (None, 1, 3):
        for filters in some:
            for span in SPANS:
                for sort in SORTS:
                    yield Case(filters, span, sort, reached)
