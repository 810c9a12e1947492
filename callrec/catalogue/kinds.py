"""Says in one number what nearly every search asks of a call, and there are few answers to.

Each kind of hits stands in the indexes by itself, in the order of time and of length. What a search asks for
is some kinds of all that there are; it reads the beginning of each, and nothing between.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from callrec.catalogue.tables import hits
from callrec.model.rules import Direction, Mode

RECORDED, TEST = 1, 2
_DIRECTIONS: Sequence[str | None] = (None, *Direction)
_MODES: Sequence[str | None] = (None, *Mode)
_DIRECTION, _MODE = 4, 16
"""What the place of a direction and of a mode in their lists is multiplied by."""


def kind_of(*, recorded: bool, test: bool, direction: str | None, mode: str | None) -> int:
    """Returns the kind of a hit. A direction or mode that is none counts as not known."""
    return (
        (RECORDED if recorded else 0)
        + (TEST if test else 0)
        + _DIRECTION * _index(_DIRECTIONS, direction)
        + _MODE * _index(_MODES, mode)
    )


def fits(
    kind: int, *, unrecorded: bool, tests: bool, direction: str | None = None, mode: str | None = None
) -> bool:
    """Returns whether hits of a kind are looked for: also those that are `unrecorded`, also `tests`, and
    where they are given only those of a direction, of a mode."""
    return (
        (unrecorded or bool(kind & RECORDED))
        and (tests or not kind & TEST)
        and (direction is None or _DIRECTIONS[kind // _DIRECTION % len(_DIRECTIONS)] == direction)
        and (mode is None or _MODES[kind // _MODE] == mode)
    )


def there(connection: sa.Connection) -> list[int]:
    """Returns the kinds of which there are hits: from one to the next in their index."""
    return list(connection.execute(_there()).scalars())


@cache
def _there() -> sa.Select[Any]:
    first = sa.select(sa.func.min(hits.c.kind).label("kind")).cte("kinds", recursive=True)
    following = sa.select(sa.func.min(hits.c.kind)).where(hits.c.kind > first.c.kind).scalar_subquery()
    found = first.union_all(sa.select(following).where(first.c.kind.is_not(None)))
    return sa.select(found.c.kind).where(found.c.kind.is_not(None))


def _index(known: Sequence[str | None], value: str | None) -> int:
    return known.index(value) if value in known else 0
